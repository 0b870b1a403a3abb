#pragma once

#include <caropig/async/task_group.h>

/// \file
/// Finishing what must be finished: telling a peer good-bye, rolling a transaction back, when the work was cancelled.
namespace caropig {

/// Runs `task` under no cancellation at all, and waits for it: keep it short, or put a with_timeout() inside. Whoever
/// awaits it learns of a cancellation at the next wait after it.
template <class T>
Task<T> shield(Task<T> task) {
    detail::TaskContext context = co_await current_context();
    context.cancellation = nullptr;
    detail::TaskGroup group(context, detail::TaskGroup::EndsWith::kAll);
    detail::GroupMember<T> member(std::move(task));
    member.start(group, 0);
    co_await group.ended();
    group.rethrow_if_failed();
    if constexpr (!std::is_void_v<T>) co_return *std::move(member.value());
}

}  // namespace caropig
