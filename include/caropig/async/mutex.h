#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>

#include <optional>
#include <utility>

/// \file
/// Mutual exclusion among coroutines of one loop: for a section that awaits in its middle, a connection that two
/// writers share. Between two awaits nothing else runs on a loop, so a section without one needs no lock.
namespace caropig {

/// A lock for coroutines, handed over first come, first served. As tornado.locks.Lock, but it can't be released by
/// somebody who does not hold it. Used on one executor's thread; free, and wanted by nobody, when it is destroyed.
class Mutex {
public:
    /// Holds the lock until it is destroyed or unlocked. It may be moved, also out of the coroutine that locked.
    class [[nodiscard("the lock is released at once")]] Guard {
    public:
        Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
        Guard& operator=(Guard&& other) noexcept {
            if (this != &other) {
                unlock();
                mutex_ = std::exchange(other.mutex_, nullptr);
            }
            return *this;
        }
        ~Guard() { unlock(); }

        /// Releases before the end; harmless when it was released already.
        void unlock() noexcept {
            if (mutex_ != nullptr) std::exchange(mutex_, nullptr)->release();
        }
        [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }

    private:
        friend class Mutex;
        explicit Guard(Mutex& mutex) noexcept : mutex_(&mutex) {}
        Mutex* mutex_;
    };

    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    ~Mutex() { CAROPIG_CHECK(!locked_, "a Mutex was destroyed while it was locked"); }

    /// Waits for the lock: `auto guard = co_await mutex.lock();`. The mutex must outlive task and guard. Throws
    /// Cancelled. With a limit: `co_await with_timeout(5s, mutex.lock())`.
    Task<Guard> lock();

    /// The lock if it is free, else nothing.
    [[nodiscard]] std::optional<Guard> try_lock() noexcept;

    [[nodiscard]] bool locked() const noexcept { return locked_; }

private:
    void release() noexcept;

    detail::WaiterList waiters_;
    bool locked_ = false;
};

}  // namespace caropig
