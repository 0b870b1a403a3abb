#include "latency_histogram.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace caropig::bench {
namespace {

TEST(LatencyHistogram, IsZeroWhenEmpty) { EXPECT_EQ(LatencyHistogram().percentile(0.99), 0U); }

TEST(LatencyHistogram, SmallValuesAreExact) {
    LatencyHistogram histogram;
    for (std::uint64_t value = 1; value <= 100; ++value) histogram.record(value);
    EXPECT_EQ(histogram.count(), 100U);
    EXPECT_EQ(histogram.percentile(0.50), 51U);
    EXPECT_EQ(histogram.percentile(0.99), 100U);
    EXPECT_EQ(histogram.percentile(1.0), 100U);
}

TEST(LatencyHistogram, LargeValuesAreNeverUnderstatedAndAtMostOnePercentAbove) {
    for (std::uint64_t value = 200; value < 100'000'000'000; value = value * 3 / 2 + 1) {
        LatencyHistogram histogram;
        histogram.record(value);
        EXPECT_GE(histogram.percentile(0.5), value);
        EXPECT_LE(histogram.percentile(0.5), value + value / 100);
    }
}

TEST(LatencyHistogram, HoldsTheLargestValue) {
    LatencyHistogram histogram;
    histogram.record(std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(histogram.percentile(0.5), std::numeric_limits<std::uint64_t>::max());
}

TEST(LatencyHistogram, TailIsSeenThroughTheMass) {
    LatencyHistogram histogram;
    for (int i = 0; i < 998; ++i) histogram.record(10);
    histogram.record(5'000'000);
    histogram.record(5'000'000);
    EXPECT_EQ(histogram.percentile(0.99), 10U);
    EXPECT_GE(histogram.percentile(0.999), 5'000'000U);
}

}  // namespace
}  // namespace caropig::bench
