#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

namespace caropig::detail {

/// How many of the objects that a pool keeps for later it could do without: those that were there all the time lately,
/// apart from a few. Thousands of requests that come and go together so find what they need, time and again, without
/// the allocator, and what was for one rush only goes. Lately is counted in objects that come back, as a pool has no
/// clock: while nothing is going on, nothing goes.
class Surplus {
public:
    static constexpr std::size_t kFew = 1024;     // that are always kept
    static constexpr std::size_t kPeriod = 8192;  // objects that come back between two looks
    static constexpr std::size_t kAtOnce = 1024;  // that go: nobody is to wait long for it

    /// One was taken, and `kept` are left.
    void taken(std::size_t kept) noexcept { fewest_ = std::min(fewest_, kept); }

    /// One has come back, and `kept` are there with it; so many are to go.
    [[nodiscard]] std::size_t came_back(std::size_t kept) noexcept {
        if (--until_look_ != 0) [[likely]]
            return 0;
        until_look_ = kPeriod;
        const std::size_t unneeded = std::exchange(fewest_, kept);
        return unneeded > kFew ? std::min(unneeded - kFew, kAtOnce) : 0;
    }

private:
    std::size_t fewest_ = 0;  // that were left at any time of this period
    std::size_t until_look_ = kPeriod;
};

}  // namespace caropig::detail
