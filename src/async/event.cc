#include <caropig/async/event.h>
#include <caropig/async/take_or_wait.h>

namespace caropig {

void Event::set() noexcept {
    set_ = true;
    waiters_.grant_all();
}

Task<void> Event::wait() {
    detail::TakeOrWait waiting(waiters_, [this] { return set_; });
    co_await waiting;
}

}  // namespace caropig
