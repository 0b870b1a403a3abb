#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>

#include <cstddef>
#include <exception>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

/// \file
/// Tasks that run beside one another while one coroutine waits for all of them: what when_all, when_any, with_timeout,
/// shield and Scope are made of. Whatever happens, the wait lasts until the last of them has ended.
namespace caropig::detail {

/// Logs an exception that has nobody left to catch it, on the application's channel. `where` says what it came from.
void log_exception(std::string_view where, const std::exception_ptr& exception) noexcept;

/// Whether `exception` is Cancelled.
[[nodiscard]] bool is_cancelled(const std::exception_ptr& exception) noexcept;

/// A place for a T, or for the fact that a void task has ended.
template <class T>
using ValueOf = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

/// Takes the end of a task: its value, or its exception.
template <class T>
std::exception_ptr take_result(Task<T>& task, std::optional<ValueOf<T>>& value) noexcept {
    try {
        if constexpr (std::is_void_v<T>) {
            task.result();
            value.emplace();
        } else {
            value.emplace(task.result());
        }
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

/// Several tasks under one cancellation, which is asked for when one of them has decided the outcome.
class TaskGroup {
public:
    enum class EndsWith {
        kAll,    ///< when all have ended, or one has failed
        kFirst,  ///< when the first has ended
    };
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

    /// `context` is that of the coroutine that waits; members are cancelled with it.
    TaskGroup(const TaskContext& context, EndsWith ends_with) noexcept
        : cancellation_(context.cancellation), context_{context.executor, &cancellation_}, ends_with_(ends_with) {}

    /// Asks the members to end.
    void cancel() noexcept { cancellation_.request(); }

    /// Whether the outcome is known: a member that has not been started by then should not be.
    [[nodiscard]] bool decided() const noexcept { return decided_; }
    /// The first member that ended.
    [[nodiscard]] std::size_t first() const noexcept { return first_; }

    /// The exception that decided, if one did; Cancelled is none.
    [[nodiscard]] const std::exception_ptr& exception() const noexcept { return exception_; }
    /// Throws what the group failed with: the exception that decided, else Cancelled where a member ended with it.
    void rethrow_if_failed() const;

    /// Awaits the end of all members. Nothing cuts it short: cancellation reaches the members instead.
    class EndAwaiter : Waiter {
    public:
        explicit EndAwaiter(TaskGroup& group) noexcept : group_(group) {}
        bool await_ready() const noexcept { return group_.running_ == 0; }
        template <TaskCoroutine Promise>
        bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
            return suspend(handle, {group_.context_.executor, nullptr}, &group_.joiner_);
        }
        void await_resume() const noexcept {}

    private:
        TaskGroup& group_;
    };
    EndAwaiter ended() noexcept { return EndAwaiter(*this); }

    // For members.

    [[nodiscard]] const TaskContext& context() const noexcept { return context_; }
    void member_started() noexcept { ++running_; }
    /// `exception` is null for a member that has a value.
    void member_ended(std::size_t index, const std::exception_ptr& exception) noexcept;

private:
    CancellationSource cancellation_;
    TaskContext context_;
    WaiterList joiner_;
    std::exception_ptr exception_;
    std::size_t running_ = 0;
    std::size_t first_ = kNone;
    EndsWith ends_with_;
    bool decided_ = false;
    bool cancelled_ = false;
};

/// A task of a group, and the place for its value. Lives, like the group, in the frame of the coroutine that waits.
template <class T>
class GroupMember : TaskCompletion {
public:
    explicit GroupMember(Task<T> task) noexcept
        : TaskCompletion([](TaskCompletion& self) noexcept { static_cast<GroupMember&>(self).end(); }),
          task_(std::move(task)) {}
    GroupMember(const GroupMember&) = delete;
    GroupMember& operator=(const GroupMember&) = delete;
    ~GroupMember() = default;

    /// Starts the task, unless the group's outcome is known already. `index` names it in the group.
    void start(TaskGroup& group, std::size_t index) noexcept {
        if (group.decided()) return;
        group_ = &group;
        index_ = index;
        group.member_started();
        if (task_.start(group.context(), *this)) end();
    }

    /// The value, when it ended with one.
    [[nodiscard]] std::optional<ValueOf<T>>& value() noexcept { return value_; }

private:
    void end() noexcept {
        std::exception_ptr exception = take_result(task_, value_);
        Task<T> ended = std::move(task_);  // its frame goes now: what it holds is not needed until the others end
        group_->member_ended(index_, exception);
    }

    Task<T> task_;
    std::optional<ValueOf<T>> value_;
    TaskGroup* group_ = nullptr;
    std::size_t index_ = 0;
};

}  // namespace caropig::detail
