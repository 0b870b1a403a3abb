#pragma once

#include <caropig/loop/operation.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace caropig {

/// Of one operation in one turn, however fast its reader is.
constexpr std::size_t kSentPerTurn = std::size_t{1024} * 1024;
/// A result of send_some(): there is more, for the next turn.
constexpr std::int32_t kTurnOver = 1;

/// Sends what is left of `operation` until the socket takes no more. 0: all is sent; kTurnOver; -EAGAIN: the socket is
/// full; or another negated errno value.
inline std::int32_t send_some(SendOperation& operation) noexcept {
    std::size_t budget = kSentPerTurn;
    for (;;) {
        if (budget == 0) return kTurnOver;
        std::array<iovec, SendOperation::kMaxPieces> vectors;
        std::size_t count = 0;
        std::size_t left = 0;
        bool all = true;
        std::size_t skip = operation.sent;
        for (ConstBytes piece : operation.pieces) {
            if (skip >= piece.size()) {
                skip -= piece.size();
                continue;
            }
            ConstBytes rest = piece.subspan(skip);
            skip = 0;
            if (rest.size() > budget - left) {
                all = false;
                rest = rest.first(budget - left);
                if (rest.empty()) break;
            }
            left += rest.size();
            vectors[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
            if (!all) break;
        }
        if (left == 0) return 0;
        ssize_t size;
        if (count == 1) {
            size = ::send(operation.fd, vectors[0].iov_base, vectors[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = vectors.data();
            message.msg_iovlen = count;
            size = ::sendmsg(operation.fd, &message, MSG_NOSIGNAL);
        }
        if (size < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        operation.sent += static_cast<std::size_t>(size);
        budget -= static_cast<std::size_t>(size);
        if (static_cast<std::size_t>(size) == left && all) return 0;
    }
}

/// Keeps a peer that has gone from ending the process: sendfile() has no MSG_NOSIGNAL.
class PipeSignalBlocked {
public:
    PipeSignalBlocked() noexcept {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~PipeSignalBlocked() {
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
    sigset_t pipe_;
    sigset_t before_;
};

/// The same for a part of a file; 0: all is sent, or all that the file has.
inline std::int32_t send_some(SendFileOperation& operation) noexcept {
    std::size_t budget = kSentPerTurn;
    PipeSignalBlocked pipe_signal;
    while (operation.sent < operation.count) {
        if (budget == 0) return kTurnOver;
        auto position = static_cast<off_t>(operation.offset + operation.sent);
        const std::size_t most = std::min(operation.count - operation.sent, budget);
        ssize_t size = ::sendfile(operation.fd, operation.file, &position, most);
        if (size < 0) {
            const int error = errno;  // what restores the signals may change it
            if (error == EINTR) continue;
            pipe_signal.raised = error == EPIPE;
            return -error;
        }
        if (size == 0) return 0;
        operation.sent += static_cast<std::size_t>(size);
        budget -= static_cast<std::size_t>(size);
    }
    return 0;
}

}  // namespace caropig
