#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/clock.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// \file
/// The event loop: one thread that waits for I/O, timers and other threads, and runs what has become ready.
namespace caropig {

class Backend;
class TimerWheel;

/// What performs the I/O.
enum class BackendKind {
    kAuto,   ///< What the environment variable CAROPIG_BACKEND names; epoll where it names none.
    kEpoll,  ///< Readiness by epoll.
    kUring,  ///< io_uring; where it can't be had, epoll serves, with a log line.
};

/// "auto", "epoll" or "uring"; anything else is nothing.
std::optional<BackendKind> parse_backend(std::string_view name) noexcept;

/// Names a callback of call_later() or call_at(), to cancel it by; never the same twice on one loop.
enum class TimerId : std::uint64_t {};

/// An I/O loop. It belongs to the thread that runs it, the same every time; only post(), stop() and remote() may be
/// used from others. Construct it before, and destroy it after, everything that uses it. An idle loop sleeps in the
/// kernel.
class Loop : public Executor {
public:
    /// Throws IoError when the kernel refuses another descriptor.
    explicit Loop(BackendKind backend = BackendKind::kAuto);
    ~Loop() override;

    /// Runs until stop(). A stop() that came before ends it after one round.
    void run();

    /// Runs until `task` has ended; its value, or its exception. stop() cancels the task and waits for its end.
    template <class T>
    T run_until(Task<T> task);

    /// Ends run() after the current round. Any thread.
    void stop();

    /// The moment at which the current round began, or the part of it that runs now.
    [[nodiscard]] TimePoint now() const noexcept { return now_; }
    /// Whether that was a millisecond ago: others should have their turn, and what could go on gives way. It looks at
    /// the clock.
    [[nodiscard]] bool turn_is_over() const noexcept;
    /// The clock itself, for what happens within a round.
    [[nodiscard]] Clock& clock() const noexcept { return *clock_; }
    /// The wall clock of the current round, in seconds since 1970.
    [[nodiscard]] std::int64_t unix_seconds() const noexcept { return clock_->unix_seconds(); }

    /// Calls `callback` once, after `delay` or at `moment`, from the loop; never from within this call. What it throws
    /// is logged. As Tornado's IOLoop.call_later and call_at.
    template <class Callback>
    TimerId call_later(Duration delay, Callback callback) {
        return call_at(time_after(now_, delay), std::move(callback));
    }
    template <class Callback>
    TimerId call_at(TimePoint moment, Callback callback) {
        check_callback<Callback>();
        return add_callback_at(moment, std::move(callback));
    }
    /// False when the callback has run or was cancelled before; both are harmless.
    bool cancel(TimerId id) noexcept;

    /// Calls `callback` in the next round and wakes the loop. Any thread. False, and nothing is called, once the loop
    /// is gone (ask through remote() then). As Tornado's IOLoop.add_callback.
    template <class Callback>
    bool post(Callback callback) {
        check_callback<Callback>();
        return remote()->post(std::move(callback));
    }

    [[nodiscard]] const std::shared_ptr<RemoteExecutor>& remote() const noexcept override { return remote_; }

    /// The loop's own object of type T, made as T(Loop&) when it is first asked for and destroyed with the loop: what
    /// each worker needs one of, a client or a pool of connections. Nothing of it may be pending by then.
    template <class T>
    [[nodiscard]] T& local() {
        static const char key = 0;  // its address tells the types apart
        if (void* found = find_local(&key)) return *static_cast<T*>(found);
        auto made = std::make_shared<T>(*this);
        T& result = *made;
        add_local(&key, std::move(made));
        return result;
    }

    /// "epoll", or what else performs the I/O.
    [[nodiscard]] std::string_view backend_name() const noexcept;

    /// The loop that runs on this thread now. A check fails when there is none.
    [[nodiscard]] static Loop& current() noexcept;

    // For the layers above.
    [[nodiscard]] Backend& backend() noexcept { return *backend_; }
    [[nodiscard]] TimerWheel& timers() noexcept { return *timers_; }

protected:
    Loop(std::unique_ptr<Clock> clock, std::unique_ptr<Backend> (*make_backend)(Executor&));

    /// One round: what is ready, what other threads sent, timers, I/O. It waits for I/O only where nothing is ready.
    void run_round(bool may_wait);
    /// Whether nothing is ready to run and no other thread has sent anything.
    [[nodiscard]] bool idle() const noexcept;

private:
    class Mailbox;
    struct CallbackTable;

    template <class Callback>
    static constexpr void check_callback() {
        using Result = std::invoke_result_t<Callback&>;
        static_assert(!detail::is_task<Result>,
                      "a callback must not return a Task: nobody would await it; use Scope::spawn, which owns it");
    }
    [[nodiscard]] void* find_local(const void* key) const noexcept;
    void add_local(const void* key, std::shared_ptr<void> object);
    TimerId add_callback_at(TimePoint moment, std::move_only_function<void()> callback);
    void run_until_done(const bool& done, CancellationSource& cancellation);
    void run_what_is_ready();
    void wait(bool may_wait);

    std::unique_ptr<Clock> clock_;
    TimePoint now_;
    std::unique_ptr<Backend> backend_;
    std::unique_ptr<TimerWheel> timers_;
    std::unique_ptr<CallbackTable> callbacks_;
    std::shared_ptr<Mailbox> mailbox_;
    std::shared_ptr<RemoteExecutor> remote_;
    std::vector<std::pair<const void*, std::shared_ptr<void>>> locals_;
    bool stopping_ = false;
};

template <class T>
T Loop::run_until(Task<T> task) {
    struct Completion : detail::TaskCompletion {
        Completion()
            : TaskCompletion([](TaskCompletion& self) noexcept { static_cast<Completion&>(self).done = true; }) {}
        bool done = false;
    };
    Running running(*this);
    CancellationSource cancellation;
    Completion completion;
    if (!task.start({this, &cancellation}, completion)) run_until_done(completion.done, cancellation);
    return task.result();
}

}  // namespace caropig
