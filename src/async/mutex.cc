#include <caropig/async/mutex.h>
#include <caropig/async/take_or_wait.h>

namespace caropig {

Task<Mutex::Guard> Mutex::lock() {
    detail::TakeOrWait waiting(waiters_, [this] { return !std::exchange(locked_, true); });
    co_await waiting;
    co_return Guard(*this);
}

std::optional<Mutex::Guard> Mutex::try_lock() noexcept {
    if (locked_) return std::nullopt;
    locked_ = true;
    return Guard(*this);
}

void Mutex::release() noexcept {
    // Handed over while locked: nobody who comes later can get in between.
    if (!waiters_.grant_one()) locked_ = false;
}

}  // namespace caropig
