#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>

/// \file
/// A flag that coroutines can wait for: something has started, finished or been asked for.
namespace caropig {

/// A flag, false at first. As tornado.locks.Event. Used on one executor's thread; nobody may wait when it is destroyed.
class Event {
public:
    [[nodiscard]] bool is_set() const noexcept { return set_; }

    /// Sets the flag and wakes everybody who waits; they run in the executor's next round, also when the flag has been
    /// cleared by then.
    void set() noexcept;

    /// Whoever waits from now on waits for the next set().
    void clear() noexcept { set_ = false; }

    /// Waits until the flag is set; returns at once when it is. The event must outlive the task. Throws Cancelled.
    /// With a limit: `co_await with_timeout(5s, event.wait())`.
    Task<void> wait();

private:
    detail::WaiterList waiters_;
    bool set_ = false;
};

}  // namespace caropig
