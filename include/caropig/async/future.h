#pragma once

#include <caropig/async/task.h>
#include <caropig/async/task_group.h>
#include <caropig/async/waiter.h>

#include <atomic>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

/// \file
/// A value that will be there later, for those who can't be awaited: callbacks, other threads, other loops. A Promise
/// is the end that sets it, a Future the ends that wait for it.
namespace caropig {

/// The promise was destroyed without having been set: nobody waits for ever.
class BrokenPromise : public std::runtime_error {
public:
    BrokenPromise() : runtime_error("broken promise: it was dropped before a result was set") {}
};

namespace detail {

class FutureAwaiterBase;

/// The way from the thread that sets a future to a coroutine that waits for it on another loop. The coroutine cuts
/// itself loose, on its own thread, when it no longer waits.
struct FutureWake {
    std::shared_ptr<RemoteExecutor> executor;
    FutureAwaiterBase* awaiter;  // used on the executor's thread only
};

/// What does not depend on the value.
class FutureStateBase {
public:
    explicit FutureStateBase(Executor& owner) : owner_(owner.remote()) {}
    FutureStateBase(const FutureStateBase&) = delete;
    FutureStateBase& operator=(const FutureStateBase&) = delete;

    [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }
    bool set_exception(const std::exception_ptr& exception) {
        return set([&] { exception_ = exception; });
    }
    /// Calls `callback` on the owner's loop once this is done.
    void add_callback(RemoteExecutor::Work callback);

    using WakeList = std::list<std::shared_ptr<FutureWake>>;
    /// Puts the one node of `wake` into the list of those to wake up; false when this is done.
    bool add_wake(WakeList& wake);
    void remove_wake(WakeList::iterator wake);

protected:
    ~FutureStateBase() = default;

    /// Has `store` keep the result, once; false when there is one already.
    template <class Store>
    bool set(Store store) {
        std::unique_lock lock(mutex_);
        if (done()) return false;
        store();
        done_.store(true, std::memory_order_release);
        notify(std::move(lock));
        return true;
    }

    std::exception_ptr exception_;

private:
    void notify(std::unique_lock<std::mutex> lock);

    std::mutex mutex_;
    std::shared_ptr<RemoteExecutor> owner_;
    std::vector<RemoteExecutor::Work> callbacks_;
    WakeList wakes_;
    std::atomic<bool> done_ = false;
};

template <class T>
class FutureState final : public FutureStateBase {
public:
    using FutureStateBase::FutureStateBase;

    bool set_value(ValueOf<T> value) {
        return set([&] { value_.emplace(std::move(value)); });
    }
    [[nodiscard]] const std::exception_ptr& exception() const {
        CAROPIG_CHECK(done(), "a future was asked for its result before it was done");
        return exception_;
    }
    [[nodiscard]] const ValueOf<T>& value() const {
        if (exception()) std::rethrow_exception(exception_);
        return *value_;
    }

private:
    std::optional<ValueOf<T>> value_;
};

class FutureAwaiterBase : Waiter {
public:
    explicit FutureAwaiterBase(std::shared_ptr<FutureStateBase> state) noexcept : state_(std::move(state)) {}
    ~FutureAwaiterBase() { cut_loose(); }

    bool await_ready() const noexcept { return false; }
    template <TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        return wait(handle, handle.promise());
    }

    void wake() noexcept { grant(); }

protected:
    void end_wait() {
        cut_loose();
        throw_if_cancelled();
    }
    [[nodiscard]] const FutureStateBase& state() const noexcept { return *state_; }

private:
    bool wait(std::coroutine_handle<> handle, const TaskPromiseBase& promise);
    void cut_loose() noexcept;

    std::shared_ptr<FutureStateBase> state_;
    std::shared_ptr<FutureWake> wake_;
    FutureStateBase::WakeList::iterator position_;
};

}  // namespace detail

/// A value, or an exception, that a Promise sets once. Copies share it. All functions may be used on any thread.
/// T is copyable or void: everybody who asks gets a copy.
template <class T>
class Future {
    using Result = std::conditional_t<std::is_void_v<T>, void, T>;

    class Awaiter : public detail::FutureAwaiterBase {
    public:
        explicit Awaiter(std::shared_ptr<detail::FutureState<T>> state) noexcept
            : FutureAwaiterBase(std::move(state)) {}
        Result await_resume() {
            end_wait();
            return static_cast<Result>(static_cast<const detail::FutureState<T>&>(state()).value());
        }
    };

public:
    using value_type = T;

    /// `co_await future` waits until it is done and gives a copy of the value, or throws the exception. It resumes on
    /// the awaiting coroutine's own loop. Throws Cancelled at once when that is cancelled; the future goes on.
    Awaiter operator co_await() const { return Awaiter(state_); }

    [[nodiscard]] bool done() const noexcept { return state_->done(); }

    /// A copy of the value, or throws the exception. Only when it is done(): a check fails otherwise.
    [[nodiscard]] Result result() const { return static_cast<Result>(state_->value()); }

    /// The exception, null where there is a value. Only when it is done().
    [[nodiscard]] std::exception_ptr exception() const { return state_->exception(); }

    /// Calls `callback(future)` once this is done, from the loop of the promise's owner and never from within this
    /// call or set_result(); as Tornado's add_done_callback. Callbacks run in the order in which they were added. What
    /// one throws is logged. Once the owner's loop is gone, callbacks are destroyed uncalled.
    template <class Callback>
    void add_done_callback(Callback callback) const {
        static_assert(!detail::is_task<std::invoke_result_t<Callback&, Future>>,
                      "a done callback must not return a Task: nobody would await it; use Scope::spawn, which owns it");
        // The state keeps the callback and the callback the state, until it is set: a promise always sets it.
        state_->add_callback([callback = std::move(callback), future = *this]() mutable {
            try {
                callback(std::move(future));
            } catch (...) {
                detail::log_exception("a done callback", std::current_exception());
            }
        });
    }

private:
    template <class>
    friend class Promise;
    explicit Future(std::shared_ptr<detail::FutureState<T>> state) noexcept : state_(std::move(state)) {}

    std::shared_ptr<detail::FutureState<T>> state_;
};

/// The end of a future that sets it. It may be moved to, and used on, any thread; one that is destroyed without having
/// been set gives its future a BrokenPromise. Several threads may race for one with try_set_result().
template <class T>
class Promise {
public:
    /// Owned by the loop that runs on this thread, where done callbacks are called. A check fails when there is none.
    Promise() : Promise(current()) {}
    explicit Promise(Executor& owner) : state_(std::make_shared<detail::FutureState<T>>(owner)) {}
    Promise(Promise&&) noexcept = default;
    Promise& operator=(Promise&& other) noexcept {
        if (this != &other) {
            drop();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~Promise() { drop(); }

    [[nodiscard]] Future<T> future() const { return Future<T>(state_); }

    /// Sets the value. A check fails when there is a result already.
    void set_result(detail::ValueOf<T> value)
        requires(!std::is_void_v<T>)
    {
        CAROPIG_CHECK(state_->set_value(std::move(value)), "a promise was set twice");
    }
    void set_result()
        requires std::is_void_v<T>
    {
        CAROPIG_CHECK(state_->set_value({}), "a promise was set twice");
    }
    void set_exception(const std::exception_ptr& exception) {
        CAROPIG_CHECK(state_->set_exception(exception), "a promise was set twice");
    }

    /// Sets the value unless there is a result already; whether it did. For several that may come first.
    bool try_set_result(detail::ValueOf<T> value)
        requires(!std::is_void_v<T>)
    {
        return state_->set_value(std::move(value));
    }
    bool try_set_result()
        requires std::is_void_v<T>
    {
        return state_->set_value({});
    }
    bool try_set_exception(const std::exception_ptr& exception) { return state_->set_exception(exception); }

private:
    static Executor& current() {
        Executor* executor = Executor::current();
        CAROPIG_CHECK(executor != nullptr, "a Promise needs a loop: none runs on this thread, and none was given");
        return *executor;
    }
    void drop() noexcept {
        if (state_ != nullptr && !state_->done()) state_->set_exception(std::make_exception_ptr(BrokenPromise()));
    }

    std::shared_ptr<detail::FutureState<T>> state_;
};

/// Sets `target` with the result of `source` once that is done, on the loop of the owner of `source`. As Tornado's
/// chain_future.
template <class T>
void chain_future(const Future<T>& source, Promise<T> target) {
    source.add_done_callback([target = std::move(target)](const Future<T>& done) mutable {
        if (auto exception = done.exception()) {
            target.try_set_exception(exception);
        } else if constexpr (std::is_void_v<T>) {
            target.try_set_result();
        } else {
            target.try_set_result(done.result());
        }
    });
}

}  // namespace caropig
