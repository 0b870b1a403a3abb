#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>

#include <cstddef>

/// \file
/// Waiting until somebody says that something has changed. No lock belongs to it: on one loop nothing changes between
/// a look and the await that follows.
namespace caropig {

/// As tornado.locks.Condition. Used on one executor's thread; nobody may wait when it is destroyed.
class Condition {
public:
    /// Waits for a notification that comes after this call, first come, first served. The condition must outlive the
    /// task. Throws Cancelled; a notification that came before the cancellation counts, and nothing is thrown.
    Task<void> wait();

    /// Wakes up to `n` of those who wait, the oldest first; they run in the executor's next round. With nobody waiting
    /// a notification is lost.
    void notify(std::size_t n = 1) noexcept;

    /// Wakes all who wait.
    void notify_all() noexcept;

private:
    detail::WaiterList waiters_;
};

}  // namespace caropig
