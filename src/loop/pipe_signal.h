#pragma once

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace caropig {

/// Set once by ignore_pipe_signal().
inline std::atomic<bool> pipe_signal_ignored = false;

/// Has the process ignore SIGPIPE from now on, as a server does: libraries write to sockets too, and the error is
/// enough. Whoever takes it back is ended by the first peer that leaves while it is sent a file.
inline void ignore_pipe_signal() noexcept {
    std::signal(SIGPIPE, SIG_IGN);
    pipe_signal_ignored.store(true, std::memory_order_relaxed);
}

/// Keeps a peer that has gone from ending the process: sendfile() has no MSG_NOSIGNAL.
class PipeSignalBlocked {
public:
    PipeSignalBlocked() noexcept {
        if (ignored_) return;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~PipeSignalBlocked() {
        if (ignored_) return;
        if (raised && sigismember(&before_, SIGPIPE) == 0) {
            const timespec at_once{};
            while (::sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    PipeSignalBlocked(const PipeSignalBlocked&) = delete;
    PipeSignalBlocked& operator=(const PipeSignalBlocked&) = delete;

    bool raised = false;

private:
    const bool ignored_ = pipe_signal_ignored.load(std::memory_order_relaxed);
    sigset_t pipe_;
    sigset_t before_;
};

}  // namespace caropig
