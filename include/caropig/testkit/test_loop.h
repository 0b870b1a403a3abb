#pragma once

#include <caropig/loop/loop.h>

#include <memory>

/// \file
/// A loop for tests: its clock moves only when the test says so, and it never touches the kernel.
namespace caropig::testkit {

/// A clock that stands still until it is moved.
class ManualClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override;
    void move_to(TimePoint moment) noexcept { now_ = moment; }

private:
    TimePoint now_{std::chrono::hours(1)};
};

/// A task that TestLoop::start() has started. When it is destroyed before the task has ended, it cancels the task and
/// runs the loop until it ends: nothing of a test is left behind.
template <class T>
class Started;

/// Runs tasks under a manual clock, with in-memory streams only. All waits that need the kernel would never end.
class TestLoop : public Loop {
public:
    TestLoop();
    ~TestLoop() override;

    /// Starts `task` and runs what is ready.
    template <class T>
    [[nodiscard]] Started<T> start(Task<T> task);

    /// Runs until nothing is ready at this moment of the clock.
    void run_ready();

    /// Moves the clock by `duration`, stopping at each timer on the way, and runs what becomes ready.
    void advance(Duration duration);

private:
    Running running_;
};

template <class T>
class Started {
public:
    /// Whether the task has ended.
    [[nodiscard]] bool done() const noexcept { return state_->done; }
    /// Its value, or throws its exception. Once, and only when it is done().
    T result() {
        CAROPIG_CHECK(done(), "the started task has not ended");
        return state_->task.result();
    }
    /// Asks the task to end; run_ready() lets it.
    void cancel() noexcept { state_->cancellation.request(); }

    Started(Started&&) noexcept = default;
    Started& operator=(Started&&) = delete;
    ~Started() {
        if (state_ == nullptr || state_->done) return;
        state_->cancellation.request();
        state_->loop.run_ready();
        CAROPIG_CHECK(state_->done, "a started task did not end when it was cancelled");
    }

private:
    friend class TestLoop;
    struct State : detail::TaskCompletion {
        State(TestLoop& owner, Task<T> started)
            : TaskCompletion([](TaskCompletion& self) noexcept { static_cast<State&>(self).done = true; }),
              loop(owner),
              task(std::move(started)) {}
        TestLoop& loop;
        CancellationSource cancellation;
        Task<T> task;
        bool done = false;
    };
    Started(TestLoop& loop, Task<T> task) : state_(std::make_unique<State>(loop, std::move(task))) {
        state_->done = state_->task.start({&loop, &state_->cancellation}, *state_);
        loop.run_ready();
    }
    std::unique_ptr<State> state_;
};

template <class T>
Started<T> TestLoop::start(Task<T> task) {
    return Started<T>(*this, std::move(task));
}

}  // namespace caropig::testkit
