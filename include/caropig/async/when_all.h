#pragma once

#include <caropig/async/task_group.h>

#include <deque>
#include <tuple>
#include <vector>

/// \file
/// Waiting for several tasks at once: as tornado.gen.multi.
///
/// Tasks are moved in, started in the order given and joined before when_all() ends, however it ends. The first
/// exception cancels the others and is thrown once they have ended; further ones are logged. When the awaiting
/// coroutine is cancelled, all are, and Cancelled is thrown where one of them ended with it.
namespace caropig {

/// The values of all tasks, std::monostate for that of a Task<void>:
/// `auto [user, orders] = co_await when_all(find_user(id), find_orders(id));`.
template <class... T>
Task<std::tuple<detail::ValueOf<T>...>> when_all(Task<T>... tasks) {
    detail::TaskGroup group(co_await current_context(), detail::TaskGroup::EndsWith::kAll);
    std::tuple<detail::GroupMember<T>...> members(std::move(tasks)...);
    std::apply(
        [&group](auto&... member) {
            [[maybe_unused]] std::size_t index = 0;
            (member.start(group, index++), ...);
        },
        members);
    co_await group.ended();
    group.rethrow_if_failed();
    co_return std::apply(
        [](auto&... member) { return std::tuple<detail::ValueOf<T>...>(*std::move(member.value())...); }, members);
}

/// The values of all tasks, in the order of the tasks; std::monostate for those of Task<void>.
template <class T>
Task<std::vector<detail::ValueOf<T>>> when_all(std::vector<Task<T>> tasks) {
    detail::TaskGroup group(co_await current_context(), detail::TaskGroup::EndsWith::kAll);
    std::deque<detail::GroupMember<T>> members;
    for (Task<T>& task : tasks) members.emplace_back(std::move(task));
    for (std::size_t i = 0; i < members.size(); ++i) members[i].start(group, i);
    co_await group.ended();
    group.rethrow_if_failed();
    std::vector<detail::ValueOf<T>> values;
    values.reserve(members.size());
    for (auto& member : members) values.push_back(*std::move(member.value()));
    co_return values;
}

}  // namespace caropig
