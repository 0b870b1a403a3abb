#pragma once

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>

#include <cstddef>
#include <utility>

/// \file
/// Bounding how many coroutines do something at once: connections to an upstream, files open, queries in flight.
namespace caropig {

/// A number of permits, handed out first come, first served. As tornado.locks.Semaphore. Used on one executor's
/// thread; nobody may wait when it is destroyed.
class Semaphore {
public:
    /// A permit that goes back when it is destroyed. It may be moved.
    class [[nodiscard("the permit is released at once")]] Permit {
    public:
        Permit(Permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
        Permit& operator=(Permit&& other) noexcept {
            if (this != &other) {
                release();
                semaphore_ = std::exchange(other.semaphore_, nullptr);
            }
            return *this;
        }
        ~Permit() { release(); }

        /// Gives it back before the end; harmless when that was done already.
        void release() noexcept {
            if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->release();
        }

    private:
        friend class Semaphore;
        explicit Permit(Semaphore& semaphore) noexcept : semaphore_(&semaphore) {}
        Semaphore* semaphore_;
    };

    explicit Semaphore(std::size_t permits = 1) noexcept : available_(permits) {}

    /// Takes a permit; waits for one where there is none. The semaphore must outlive the task. Throws Cancelled, and
    /// then no permit was taken. Every acquire() needs a release(); scoped() sees to that itself.
    Task<void> acquire();

    /// Takes a permit if there is one.
    [[nodiscard]] bool try_acquire() noexcept;

    /// Gives a permit back, or one more than there were: the oldest waiter gets it.
    void release() noexcept;

    /// Takes a permit for a block: `auto permit = co_await semaphore.scoped();`. As acquire(); the semaphore must
    /// outlive the permit too.
    Task<Permit> scoped();

    /// Permits that can be taken now.
    [[nodiscard]] std::size_t available() const noexcept { return available_; }

private:
    detail::WaiterList waiters_;
    std::size_t available_;
};

/// A semaphore that can't be released more often than it was acquired: doing so is the sign of a bug. As
/// tornado.locks.BoundedSemaphore.
class BoundedSemaphore : Semaphore {
public:
    explicit BoundedSemaphore(std::size_t permits = 1) noexcept : Semaphore(permits), permits_(permits) {}

    using Semaphore::acquire;
    using Semaphore::available;
    using Semaphore::Permit;
    using Semaphore::scoped;
    using Semaphore::try_acquire;

    /// Gives a permit back. Throws std::logic_error when all have been given back.
    void release();

private:
    std::size_t permits_;
};

}  // namespace caropig
