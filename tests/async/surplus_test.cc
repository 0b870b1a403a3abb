#include "async/surplus.h"

#include <algorithm>
#include <cstddef>

#include <gtest/gtest.h>

namespace caropig::detail {
namespace {

/// A pool that counts only.
struct Pool {
    void take() {
        if (kept != 0) surplus.taken(--kept);
    }
    void give_back() {
        const std::size_t dropped = surplus.came_back(++kept);
        if (dropped == 0) return;
        kept -= dropped;
        ++times_dropped;
        most_dropped = std::max(most_dropped, dropped);
    }
    /// So many are in use at once.
    void rush(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) take();
        for (std::size_t i = 0; i < count; ++i) give_back();
    }

    Surplus surplus;
    std::size_t kept = 0;
    int times_dropped = 0;
    std::size_t most_dropped = 0;
};

TEST(Surplus, KeepsWhatIsNeededTimeAndAgain) {
    Pool pool;
    for (int i = 0; i < 50; ++i) pool.rush(5000);
    EXPECT_EQ(pool.kept, 5000u);
    EXPECT_EQ(pool.times_dropped, 0);
}

TEST(Surplus, LetsGoBitByBitWhatOneRushHasLeft) {
    Pool pool;
    pool.rush(9000);
    EXPECT_EQ(pool.kept, 9000u);
    for (std::size_t i = 0; i < 20 * Surplus::kPeriod; ++i) pool.rush(1);
    EXPECT_EQ(pool.kept, Surplus::kFew + 1);
    EXPECT_LE(pool.most_dropped, Surplus::kAtOnce);
    EXPECT_GT(pool.times_dropped, 1);
}

TEST(Surplus, KeepsAFewThatNobodyNeeds) {
    Pool pool;
    pool.rush(Surplus::kFew);
    for (std::size_t i = 0; i < 10 * Surplus::kPeriod; ++i) pool.rush(1);
    EXPECT_EQ(pool.kept, Surplus::kFew);
}

}  // namespace
}  // namespace caropig::detail
