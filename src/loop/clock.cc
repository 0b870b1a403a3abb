#include <caropig/loop/clock.h>

namespace caropig {

TimePoint SystemClock::now() const noexcept { return std::chrono::steady_clock::now(); }

std::int64_t SystemClock::unix_seconds() const noexcept {
    auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

}  // namespace caropig
