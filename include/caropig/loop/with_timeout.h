#pragma once

#include <caropig/async/task_group.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

#include <utility>

/// \file
/// Bounding how long any wait may take, by composition: `co_await with_timeout(5s, mutex.lock())`.
namespace caropig {

namespace detail {

/// Cancels a group when a deadline passes.
class GroupDeadline : Timer {
public:
    explicit GroupDeadline(TaskGroup& group) noexcept;

    /// Starts the clock, and keeps what is needed to say afterwards what has passed.
    void start(Loop& loop, TimePoint deadline) noexcept;
    /// After the end of the group's only task with Cancelled: throws TimeoutError when the deadline was the reason,
    /// else Cancelled.
    [[noreturn]] void throw_reason(const CancellationSource* outer) const;

private:
    TaskGroup& group_;
    Duration length_{};
    bool passed_ = false;
};

}  // namespace detail

/// Runs `task` until `deadline` of the loop's clock at the longest. When it passes, the task is cancelled and joined,
/// and TimeoutError, which names the length, is thrown. If the task ended in spite of that, with a value or an
/// exception of its own, that is what comes out. When the awaiting coroutine itself was cancelled, Cancelled stays
/// Cancelled.
template <class T>
Task<T> with_deadline(TimePoint deadline, Task<T> task) {
    detail::TaskContext context = co_await current_context();
    detail::TaskGroup group(context, detail::TaskGroup::EndsWith::kAll);
    detail::GroupMember<T> member(std::move(task));
    detail::GroupDeadline limit(group);
    limit.start(static_cast<Loop&>(*context.executor), deadline);
    member.start(group, 0);
    co_await group.ended();
    if (group.exception()) std::rethrow_exception(group.exception());
    if (!member.value()) limit.throw_reason(context.cancellation);
    if constexpr (!std::is_void_v<T>) co_return *std::move(member.value());
}

/// As with_deadline(), for at most `limit` from the moment at which it is awaited. As tornado.gen.with_timeout, but
/// that leaves the work running.
template <class T>
Task<T> with_timeout(Duration limit, Task<T> task) {
    detail::TaskContext context = co_await current_context();
    TimePoint deadline = time_after(static_cast<Loop&>(*context.executor).now(), limit);
    co_return co_await with_deadline(deadline, std::move(task));
}

}  // namespace caropig
