#include <caropig/async/semaphore.h>
#include <caropig/async/take_or_wait.h>

#include <stdexcept>

namespace caropig {

Task<void> Semaphore::acquire() {
    detail::TakeOrWait waiting(waiters_, [this] { return try_acquire(); });
    co_await waiting;
}

bool Semaphore::try_acquire() noexcept {
    if (available_ == 0) return false;
    --available_;
    return true;
}

void Semaphore::release() noexcept {
    // Handed to the oldest waiter without passing through available_: nobody who comes later can take it first.
    if (!waiters_.grant_one()) ++available_;
}

Task<Semaphore::Permit> Semaphore::scoped() {
    co_await acquire();
    co_return Permit(*this);
}

void BoundedSemaphore::release() {
    if (available() >= permits_) throw std::logic_error("semaphore released too many times");
    Semaphore::release();
}

}  // namespace caropig
