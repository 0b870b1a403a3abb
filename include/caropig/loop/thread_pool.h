#pragma once

#include <caropig/async/scope.h>
#include <caropig/async/task.h>
#include <caropig/async/task_group.h>
#include <caropig/base/error.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

/// \file
/// For what would hold up a loop: a library that blocks, a hash that takes long. The pool's threads do it, and the
/// coroutine that asked goes on, on its own loop, when it is done. As Tornado's run_in_executor.
namespace caropig {

/// The pool's queue is full: more work comes in than its threads get done.
class ThreadPoolFull : public LimitError {
public:
    using LimitError::LimitError;
};

/// The pool was stopped before the callable ran.
class ThreadPoolStopped : public std::runtime_error {
public:
    ThreadPoolStopped() : runtime_error("the thread pool was stopped") {}
};

/// How a pool is made: `ThreadPoolOptions().threads(5).name("hash")`.
class ThreadPoolOptions {
public:
    /// One for each core, unless set.
    ThreadPoolOptions& threads(std::size_t count) {
        threads_ = count;
        return *this;
    }
    /// Callables that may wait for a thread, 10,000 unless set: what waits longer than that is better refused.
    ThreadPoolOptions& queue_limit(std::size_t count) {
        queue_limit_ = count;
        return *this;
    }
    /// What its threads are called in a debugger; "pool" unless set. The system cuts it off at 15 characters.
    ThreadPoolOptions& name(std::string name) {
        name_ = std::move(name);
        return *this;
    }

    /// For a library's calls that nothing can end: the pool's end does not wait for those that run. What they use they
    /// must own. False unless set.
    ThreadPoolOptions& leaves_running(bool leaves) noexcept {
        leaves_running_ = leaves;
        return *this;
    }

    [[nodiscard]] bool leaves_running() const noexcept { return leaves_running_; }
    [[nodiscard]] std::size_t threads() const noexcept { return threads_; }
    [[nodiscard]] std::size_t queue_limit() const noexcept { return queue_limit_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

private:
    std::size_t threads_ = 0;
    std::size_t queue_limit_ = 10'000;
    std::string name_ = "pool";
    bool leaves_running_ = false;
};

namespace detail {

class PoolCore;

/// A callable on its way through the pool.
class PoolJob {
public:
    PoolJob() = default;
    PoolJob(const PoolJob&) = delete;
    PoolJob& operator=(const PoolJob&) = delete;
    virtual ~PoolJob() = default;

    /// Runs the callable and keeps what comes of it. On a thread of the pool.
    virtual void run() noexcept = 0;
    /// Tells who waits, if somebody does. Afterwards the job belongs to that thread.
    virtual void finish(std::shared_ptr<PoolJob> self, bool ran) noexcept = 0;

    std::stop_source stop;
    std::list<std::shared_ptr<PoolJob>>::iterator position;  // in the pool's queue; like the next under its lock
    bool queued = false;
};

/// Calls with the job's stop token where the callable takes one.
template <class Callable>
decltype(auto) call_in_pool(Callable& callable, const std::stop_source& stop) {
    if constexpr (std::is_invocable_v<Callable&, std::stop_token>) {
        return std::invoke(callable, stop.get_token());
    } else {
        return std::invoke(callable);
    }
}

template <class Callable>
using PoolResult = std::decay_t<decltype(call_in_pool(std::declval<Callable&>(), std::declval<std::stop_source&>()))>;

/// A job that a coroutine waits for.
class AwaitedPoolJob : public PoolJob {
public:
    void finish(std::shared_ptr<PoolJob> self, bool ran) noexcept final;

    std::shared_ptr<RemoteExecutor> home;  // set before the job is submitted
    Waiter* waiter = nullptr;              // used on the home thread only
    bool ran = false;                      // the same
};

template <class Callable>
class ValuePoolJob final : public AwaitedPoolJob {
    using T = PoolResult<Callable>;

public:
    explicit ValuePoolJob(Callable callable) : callable_(std::move(callable)) {}
    void run() noexcept override {
        try {
            if constexpr (std::is_void_v<T>) {
                call_in_pool(callable_, stop);
                value_.emplace();
            } else {
                value_.emplace(call_in_pool(callable_, stop));
            }
        } catch (...) {
            exception_ = std::current_exception();
        }
    }
    ValueOf<T> take() {
        if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
        return *std::move(value_);
    }

private:
    Callable callable_;
    std::optional<ValueOf<T>> value_;
    std::exception_ptr exception_;
};

/// A job that nobody waits for.
template <class Callable>
class PostedPoolJob final : public PoolJob {
public:
    explicit PostedPoolJob(Callable callable) : callable_(std::move(callable)) {}
    void run() noexcept override {
        try {
            call_in_pool(callable_, stop);
        } catch (...) {
            log_exception("a callable posted to a thread pool", std::current_exception());
        }
    }
    void finish(std::shared_ptr<PoolJob>, bool) noexcept override {}

private:
    Callable callable_;
};

/// Puts the job into the pool and waits for its end. Throws ThreadPoolFull, ThreadPoolStopped, Cancelled.
Task<void> run_in_pool(std::shared_ptr<PoolCore> core, std::shared_ptr<AwaitedPoolJob> job);

}  // namespace detail

/// Threads that run callables. All functions may be used on any thread; run() by coroutines.
class ThreadPool {
public:
    /// Throws std::system_error when the system refuses a thread.
    explicit ThreadPool(const ThreadPoolOptions& options = {});
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    /// Stops, and waits for the callables that run. Not from one of the pool's own threads.
    ~ThreadPool();

    /// Runs `callable`, which may take a std::stop_token, on a thread of the pool, and gives its value or throws its
    /// exception on the awaiting coroutine's loop. Throws ThreadPoolFull at once, and ThreadPoolStopped when the pool
    /// is stopped before the callable runs. When the coroutine is cancelled, a callable that has not begun won't run;
    /// one that runs is asked to stop through its token and waited for, since it may use what the caller owns: what it
    /// returns or throws is dropped. Cancelled is thrown in both cases.
    ///
    /// The callable may capture by reference what lives until the task has ended. One whose captures need destruction
    /// must have a name (a bug of GCC 12): `co_await pool.run(std::ref(work))`.
    template <class Callable>
    [[nodiscard("a Task does nothing until it is awaited")]] auto run(Callable&& callable) {
        detail::check_awaited_callable<Callable>();
        return run_owned<std::decay_t<Callable>>(core_, std::forward<Callable>(callable));
    }

    /// Runs `callable`, which may take a std::stop_token, some time, for nobody: what it throws is logged. False when
    /// the queue is full or the pool was stopped; it is destroyed uncalled then, and when the pool stops before its
    /// turn.
    template <class Callable>
    bool post(Callable callable) {
        return submit(std::make_shared<detail::PostedPoolJob<Callable>>(std::move(callable)));
    }

    /// Ends it without waiting: takes no more work, drops what is queued (its waiters get ThreadPoolStopped) and asks
    /// what runs to stop, through its token. Idempotent.
    void stop() noexcept;

    /// Callables that wait for a thread.
    [[nodiscard]] std::size_t queued() const;

private:
    template <class Callable>
    static Task<detail::PoolResult<Callable>> run_owned(std::shared_ptr<detail::PoolCore> core, Callable callable) {
        auto job = std::make_shared<detail::ValuePoolJob<Callable>>(std::move(callable));
        co_await detail::run_in_pool(std::move(core), job);
        if constexpr (std::is_void_v<detail::PoolResult<Callable>>) {
            job->take();
        } else {
            co_return job->take();
        }
    }
    bool submit(std::shared_ptr<detail::PoolJob> job);

    std::shared_ptr<detail::PoolCore> core_;
    std::vector<std::thread> threads_;
    bool leaves_running_;
};

}  // namespace caropig
