#pragma once

#include <caropig/async/task.h>

/// \file
/// The leaf of most waits: a coroutine suspended until somebody on the same executor grants it something, or until it
/// is cancelled. Event, Mutex, Queue and timers are built of it, and so can be a primitive of your own.
namespace caropig::detail {

class WaiterList;

/// One suspended coroutine, in a WaiterList. Lives in the coroutine's frame as (a base of) the awaiter.
class Waiter {
public:
    Waiter() noexcept : ready_(*this), cancel_(*this) {}
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { unlink(); }

    /// Suspends `handle` at the end of `list` (null: in no list, something else will grant). False, and the waiter is
    /// cancelled at once, when the coroutine was asked to end before.
    template <TaskCoroutine Promise>
    bool suspend(std::coroutine_handle<Promise> handle, WaiterList* list) noexcept {
        return suspend(handle, handle.promise(), handle.promise().context(), list);
    }
    /// The same under another context than its own.
    template <TaskCoroutine Promise>
    bool suspend(std::coroutine_handle<Promise> handle, const TaskContext& context, WaiterList* list) noexcept {
        return suspend(handle, handle.promise(), context, list);
    }
    bool suspend(std::coroutine_handle<> handle, const TaskPromiseBase& promise, const TaskContext& context,
                 WaiterList* list) noexcept;

    /// Resumes the coroutine in the executor's next round. What was granted stays granted, also when it is cancelled
    /// before it runs: no permit is lost.
    void grant() noexcept;

    /// Whether the coroutine is suspended here and nothing has been granted yet.
    [[nodiscard]] bool waiting() const noexcept { return state_ == State::kWaiting; }

    /// The coroutine that a ready node is going to resume: its frame and its promise, or null where it is no waiter's.
    struct Resumed {
        const void* frame = nullptr;
        const TaskPromiseBase* promise = nullptr;
    };
    [[nodiscard]] static Resumed resumed_by(const ReadyNode& node) noexcept;

    /// For await_resume: throws Cancelled when the wait ended so.
    void throw_if_cancelled() const {
        if (state_ == State::kCancelled) throw Cancelled();
    }

private:
    friend class WaiterList;
    enum class State : unsigned char { kIdle, kWaiting, kGranted, kCancelled };

    struct Ready : ReadyNode {
        explicit Ready(Waiter& owner) noexcept;
        Waiter& owner;
    };
    struct Cancel : CancellationCallback {
        explicit Cancel(Waiter& owner) noexcept;
        Waiter& owner;
    };

    static void resume(ReadyNode& node) noexcept;
    void unlink() noexcept;
    void end(State state) noexcept;

    Ready ready_;
    Cancel cancel_;
    std::coroutine_handle<> handle_;
    const TaskPromiseBase* promise_ = nullptr;  // of handle_
    Executor* executor_ = nullptr;
    Waiter* next_ = nullptr;
    Waiter* previous_ = nullptr;
    WaiterList* list_ = nullptr;
    State state_ = State::kIdle;
};

/// Waiters in the order of their arrival. Must be empty when it is destroyed: nobody may wait on what dies.
class WaiterList {
public:
    WaiterList() = default;
    WaiterList(const WaiterList&) = delete;
    WaiterList& operator=(const WaiterList&) = delete;
    ~WaiterList() { CAROPIG_CHECK(first_ == nullptr, "destroyed while a task was waiting on it"); }

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] Waiter* first() const noexcept { return first_; }

    /// Grants the first waiter; false when there is none.
    bool grant_one() noexcept;
    void grant_all() noexcept;

private:
    friend class Waiter;
    Waiter* first_ = nullptr;
    Waiter* last_ = nullptr;
};

/// What yield() awaits.
class YieldAwaiter : Waiter {
public:
    bool await_ready() const noexcept { return false; }
    template <TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (!suspend(handle, nullptr)) return false;
        grant();
        return true;
    }
    void await_resume() const { throw_if_cancelled(); }
};

}  // namespace caropig::detail

namespace caropig {

/// Lets everything else that is ready run first: `co_await yield();`. Throws Cancelled.
inline detail::YieldAwaiter yield() noexcept { return {}; }

}  // namespace caropig
