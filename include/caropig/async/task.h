#pragma once

#include <caropig/async/cancellation.h>
#include <caropig/async/executor.h>
#include <caropig/async/frame_pool.h>
#include <caropig/base/error.h>

#include <concepts>
#include <coroutine>
#include <exception>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

/// \file
/// Task<T>: a coroutine that somebody waits for.
///
/// A task does nothing until it is awaited, is awaited once, and is never detached: whoever awaits it (a coroutine,
/// when_all, with_timeout, a Scope) owns it until it has ended. The executor and the cancellation of the awaiting
/// coroutine pass on to the awaited one.
///
/// Parameters of a coroutine live in its frame, so take them by value, or by reference to what outlives the task.
/// Rvalue references and initializer lists are rejected at compile time: they would dangle at the first suspension.
namespace caropig {

template <class T = void>
class Task;

namespace detail {

/// What a task inherits from whoever awaits it.
struct TaskContext {
    Executor* executor = nullptr;
    CancellationSource* cancellation = nullptr;
};

/// Told when a task that was started by Task::start() has ended; may destroy the task.
class TaskCompletion {
public:
    using Done = void (*)(TaskCompletion& self) noexcept;
    /// Has the cache fetch what done() will touch (look_ahead()). In two steps, between which what the first asked for
    /// may arrive: in step 0 this object may be read, in step 1 also what it refers to.
    using Prefetch = void (*)(const TaskCompletion& self, int step) noexcept;

    explicit TaskCompletion(Done done, Prefetch prefetch = nullptr) noexcept : done_(done), prefetch_(prefetch) {}
    void done() noexcept { done_(*this); }
    void prefetch(int step) const noexcept {
        if (prefetch_ != nullptr) prefetch_(*this, step);
    }

protected:
    ~TaskCompletion() = default;

private:
    Done done_;
    Prefetch prefetch_;
};

class TaskPromiseBase {
public:
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

    std::suspend_always initial_suspend() const noexcept { return {}; }

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> handle) const noexcept {
            // Not a symmetric transfer: unoptimized builds don't make it a tail call, and a frame may be destroyed by
            // what runs here. The depth of nesting is that of the chain of awaits, whatever a loop does.
            TaskPromiseBase& promise = handle.promise();
            if (promise.running_inline_) return;
            if (promise.completion_ != nullptr) {
                promise.completion_->done();
            } else {
                promise.continuation_.resume();
            }
        }
        void await_resume() const noexcept {}
    };
    FinalAwaiter final_suspend() const noexcept { return {}; }

    void unhandled_exception() noexcept { exception_ = std::current_exception(); }

    [[nodiscard]] const TaskContext& context() const noexcept { return context_; }

    /// Runs until the first suspension or the end; true when it has ended. `handle` is this promise's.
    bool start(std::coroutine_handle<> handle, const TaskContext& context) noexcept {
        context_ = context;
        running_inline_ = true;
        handle.resume();
        running_inline_ = false;
        return handle.done();
    }
    /// `parent` is the promise of the coroutine that awaits this one, which is resumed when it has ended.
    void set_continuation(std::coroutine_handle<> continuation, const TaskPromiseBase& parent) noexcept {
        continuation_ = continuation;
        parent_ = &parent;
    }
    void set_completion(TaskCompletion& completion) noexcept { completion_ = &completion; }

    // Who waits for this task: another one, in this frame, or what was given to Task::start().
    [[nodiscard]] const TaskPromiseBase* parent() const noexcept { return parent_; }
    [[nodiscard]] const void* parent_frame() const noexcept { return continuation_.address(); }
    [[nodiscard]] const TaskCompletion* completion() const noexcept { return completion_; }

protected:
    void rethrow_if_failed() {
        if (exception_) std::rethrow_exception(std::move(exception_));
    }

private:
    TaskContext context_;
    std::coroutine_handle<> continuation_;
    const TaskPromiseBase* parent_ = nullptr;
    TaskCompletion* completion_ = nullptr;
    std::exception_ptr exception_;
    bool running_inline_ = false;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
public:
    Task<T> get_return_object() noexcept;

    template <class U = T>
        requires std::constructible_from<T, U>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    T result() {
        rethrow_if_failed();
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void result() { rethrow_if_failed(); }
};

/// The coroutines that may await what this library offers: those that know their executor and cancellation.
template <class Promise>
concept TaskCoroutine = std::derived_from<Promise, TaskPromiseBase>;

template <class T>
inline constexpr bool is_initializer_list = false;
template <class T>
inline constexpr bool is_initializer_list<std::initializer_list<T>> = true;

}  // namespace detail

template <class T>
class [[nodiscard("a Task does nothing until it is awaited")]] Task {
    static_assert(!std::is_reference_v<T>, "Task<T&> is not supported: return a pointer or a value");

public:
    using promise_type = detail::TaskPromise<T>;
    using value_type = T;

    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            destroy();
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() { destroy(); }

    /// Runs the task and waits for its end; yields its value or throws its exception. Throws Cancelled when the
    /// awaiting coroutine is cancelled and the task did not finish first. Once only, and only of an rvalue:
    /// `co_await std::move(task)`.
    auto operator co_await() && noexcept { return Awaiter{handle_}; }

    // For those who run tasks (Loop, Scope, when_all …), not for handlers.

    /// Starts the task under `context`. True when it ended at once; otherwise `completion` is told later.
    bool start(const detail::TaskContext& context, detail::TaskCompletion& completion) noexcept {
        CAROPIG_CHECK(handle_, "a Task was started twice, or after it was moved from");
        handle_.promise().set_completion(completion);
        return handle_.promise().start(handle_, context);
    }
    /// The value or the exception of a task that has ended. Once.
    T result() { return handle_.promise().result(); }
    /// False for a task that was moved from.
    [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(handle_); }

private:
    struct Awaiter {
        std::coroutine_handle<promise_type> child;

        bool await_ready() const noexcept {
            CAROPIG_CHECK(child, "a Task was awaited twice, or after it was moved from");
            return false;
        }
        template <detail::TaskCoroutine Promise>
        bool await_suspend(std::coroutine_handle<Promise> parent) const noexcept {
            child.promise().set_continuation(parent, parent.promise());
            return !child.promise().start(child, parent.promise().context());
        }
        T await_resume() const { return child.promise().result(); }
    };

    friend promise_type;
    explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    void destroy() noexcept {
        if (handle_) std::exchange(handle_, nullptr).destroy();
    }

    std::coroutine_handle<promise_type> handle_;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

struct ContextAwaiter {
    TaskContext context;

    bool await_ready() const noexcept { return false; }
    template <TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        context = handle.promise().context();
        return false;
    }
    TaskContext await_resume() const noexcept { return context; }
};

struct TokenAwaiter : ContextAwaiter {
    CancellationToken await_resume() const noexcept { return CancellationToken(context.cancellation); }
};

}  // namespace detail

/// The context of the running coroutine: `auto context = co_await current_context();`. Never suspends.
inline detail::ContextAwaiter current_context() noexcept { return {}; }

/// Whether the running coroutine has been asked to end: `(co_await cancellation_token()).requested()`.
inline detail::TokenAwaiter cancellation_token() noexcept { return {}; }

}  // namespace caropig

/// Rejects coroutines whose parameters would dangle at their first suspension.
template <class T, class... Args>
struct std::coroutine_traits<caropig::Task<T>, Args...> {
    static_assert(!(std::is_rvalue_reference_v<Args> || ...),
                  "a Task coroutine must not take an rvalue reference: it dangles at the first suspension; take the "
                  "parameter by value");
    static_assert(!(caropig::detail::is_initializer_list<std::remove_cvref_t<Args>> || ...),
                  "a Task coroutine must not take an initializer_list: its array dies before the task; take a vector");
    using promise_type = caropig::detail::TaskPromise<T>;
};
