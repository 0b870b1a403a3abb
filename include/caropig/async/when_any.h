#pragma once

#include <caropig/async/task_group.h>

#include <deque>
#include <stdexcept>
#include <tuple>
#include <variant>
#include <vector>

/// \file
/// Racing tasks: the first that ends, with a value or an exception, decides; the others are cancelled and joined.
///
/// Tasks are moved in and started in the order given; once one has ended, those after it are not started. A loser
/// that ended in spite of its cancellation loses its value: don't race what must not be lost, such as Queue::get().
/// A loser's exception is logged. When the awaiting coroutine is cancelled, all are.
namespace caropig {

/// Which task won, counted from 0, and its value.
template <class Value>
struct WhenAnyResult {
    std::size_t index;
    Value value;
};

namespace detail {

template <std::size_t I, class Variant, class Members>
void take_winner(std::size_t winner, Members& members, std::optional<Variant>& value) {
    if (winner == I) value.emplace(std::in_place_index<I>, *std::move(std::get<I>(members).value()));
}

}  // namespace detail

/// The value is a std::variant with one alternative for each task, std::monostate for a Task<void>.
template <class... T>
    requires(sizeof...(T) > 0)
Task<WhenAnyResult<std::variant<detail::ValueOf<T>...>>> when_any(Task<T>... tasks) {
    using Variant = std::variant<detail::ValueOf<T>...>;
    detail::TaskGroup group(co_await current_context(), detail::TaskGroup::EndsWith::kFirst);
    std::tuple<detail::GroupMember<T>...> members(std::move(tasks)...);
    std::apply(
        [&group](auto&... member) {
            std::size_t index = 0;
            (member.start(group, index++), ...);
        },
        members);
    co_await group.ended();
    group.rethrow_if_failed();
    std::optional<Variant> value;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (detail::take_winner<I>(group.first(), members, value), ...);
    }(std::index_sequence_for<T...>());
    WhenAnyResult<Variant> result{group.first(), *std::move(value)};
    co_return result;
}

/// Throws std::invalid_argument when there is no task: none would ever win.
template <class T>
Task<WhenAnyResult<detail::ValueOf<T>>> when_any(std::vector<Task<T>> tasks) {
    if (tasks.empty()) throw std::invalid_argument("when_any() of no task");
    detail::TaskGroup group(co_await current_context(), detail::TaskGroup::EndsWith::kFirst);
    std::deque<detail::GroupMember<T>> members;
    for (Task<T>& task : tasks) members.emplace_back(std::move(task));
    for (std::size_t i = 0; i < members.size(); ++i) members[i].start(group, i);
    co_await group.ended();
    group.rethrow_if_failed();
    WhenAnyResult<detail::ValueOf<T>> result{group.first(), *std::move(members[group.first()].value())};
    co_return result;
}

}  // namespace caropig
