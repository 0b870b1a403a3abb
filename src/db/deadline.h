#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

#include <string>

namespace caropig::db {

/// One deadline for several awaits of a coroutine, without a frame of its own as with_deadline() has: for the path of
/// every statement. When it passes, or `parent` is asked to, what is awaited through run() is cancelled.
class Deadline : Timer {
public:
    /// `limit` from now on; zero: never.
    Deadline(Loop& loop, Duration limit, CancellationSource* parent) noexcept
        : Timer([](Timer& self) noexcept {
              auto& deadline = static_cast<Deadline&>(self);
              deadline.passed_ = true;
              deadline.cancellation_.request();
          }),
          parent_(parent),
          cancellation_(parent),
          context_{&loop, &cancellation_} {
        if (limit != Duration::zero()) arm(loop, time_after(loop.now(), limit));
    }

    /// After Cancelled: whether the deadline was the reason, and not the parent.
    [[nodiscard]] bool passed() const noexcept { return passed_ && (parent_ == nullptr || !parent_->requested()); }

    template <class T>
    class Awaiter : caropig::detail::TaskCompletion {
    public:
        Awaiter(const caropig::detail::TaskContext& context, Task<T>& task) noexcept
            : TaskCompletion([](TaskCompletion& self) noexcept { static_cast<Awaiter&>(self).waiting_.resume(); }),
              context_(context),
              task_(task) {}
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> waiting) noexcept {
            waiting_ = waiting;
            return !task_.start(context_, *this);
        }
        T await_resume() { return task_.result(); }

    private:
        const caropig::detail::TaskContext& context_;
        Task<T>& task_;
        std::coroutine_handle<> waiting_;
    };

    /// `co_await deadline.run(task)`: the task's value or exception; Cancelled where the deadline has passed.
    template <class T>
    Awaiter<T> run(Task<T>& task) noexcept {
        return {context_, task};
    }

private:
    CancellationSource* parent_;
    CancellationSource cancellation_;
    caropig::detail::TaskContext context_;
    bool passed_ = false;
};

/// "30 s", "250 ms": a limit as error messages name it.
std::string describe(std::chrono::milliseconds limit);

}  // namespace caropig::db
