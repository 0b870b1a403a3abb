#include "loop/backend.h"
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/signals.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace caropig {

/// Lives on its own until the pending operation has ended, which is a round after the watcher was destroyed.
struct SignalWatcher::State {
    struct Poll : PollOperation {
        explicit Poll(SignalWatcher::State& owner_) noexcept
            : PollOperation([](Operation& self) noexcept { static_cast<Poll&>(self).owner.on_ready(); }),
              owner(owner_) {}
        SignalWatcher::State& owner;
    };

    State(Loop& loop_, std::move_only_function<void(int)> callback_)
        : loop(loop_), callback(std::move(callback_)), poll(*this) {}

    void wait() noexcept {
        poll.fd = descriptor;
        if (loop.backend().submit(poll)) poll.complete_later(loop, poll.result);
    }

    void on_ready() noexcept {
        // The poll may have succeeded before the watcher was destroyed and closed the descriptor.
        if (destroyed) {
            delete this;
            return;
        }
        if (poll.result < 0) return;
        calling = true;
        signalfd_siginfo info;
        while (!destroyed && ::read(descriptor, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
            callback(static_cast<int>(info.ssi_signo));
        }
        calling = false;
        if (destroyed) {
            delete this;
        } else {
            wait();
        }
    }

    Loop& loop;
    std::move_only_function<void(int)> callback;
    Poll poll;
    sigset_t set{};
    sigset_t before{};
    int descriptor = -1;
    bool destroyed = false;
    bool calling = false;  // the callback may destroy the watcher
};

SignalWatcher::SignalWatcher(Loop& loop, std::initializer_list<int> signals,
                             std::move_only_function<void(int)> callback)
    : state_(std::make_unique<State>(loop, std::move(callback))) {
    sigemptyset(&state_->set);
    for (int signal : signals) sigaddset(&state_->set, signal);
    pthread_sigmask(SIG_BLOCK, &state_->set, &state_->before);
    state_->descriptor = ::signalfd(-1, &state_->set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (state_->descriptor < 0) {
        int error = errno;
        pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
        throw IoError(errno_code(error), "signalfd");
    }
    state_->wait();
}

SignalWatcher::~SignalWatcher() {
    pthread_sigmask(SIG_SETMASK, &state_->before, nullptr);
    State* state = state_.release();
    state->destroyed = true;
    bool in_use = state->poll.pending() || state->calling;
    state->loop.backend().close(state->descriptor);
    if (!in_use) delete state;
}

}  // namespace caropig
