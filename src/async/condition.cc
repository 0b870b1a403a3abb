#include <caropig/async/condition.h>
#include <caropig/async/take_or_wait.h>

namespace caropig {

Task<void> Condition::wait() {
    detail::TakeOrWait waiting(waiters_, [] { return false; });
    co_await waiting;
}

void Condition::notify(std::size_t n) noexcept {
    while (n-- > 0 && waiters_.grant_one()) continue;
}

void Condition::notify_all() noexcept { waiters_.grant_all(); }

}  // namespace caropig
