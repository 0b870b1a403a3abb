#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

/// \file
/// Millions of latencies, percentiles at the end, and nothing allocated in between: counts in buckets whose width grows
/// with the value, as HdrHistogram does, so that a percentile is at most 0.8 % above the latency it stands for.
namespace caropig::bench {

class LatencyHistogram {
public:
    void record(std::uint64_t nanoseconds) noexcept {
        ++buckets_[bucket_of(nanoseconds)];
        ++count_;
    }

    std::uint64_t count() const noexcept { return count_; }

    /// The upper end of the bucket that holds the latency below which `fraction` (0 to 1) of all lie; 0 if there are
    /// none.
    std::uint64_t percentile(double fraction) const noexcept {
        if (count_ == 0) return 0;
        auto rank = static_cast<std::uint64_t>(fraction * static_cast<double>(count_));
        if (rank >= count_) rank = count_ - 1;
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
            seen += buckets_[bucket];
            if (seen > rank) return upper_end(bucket);
        }
        return upper_end(buckets_.size() - 1);
    }

private:
    // A value of up to 2^7 has its own bucket; above that, each power of two is split into 128.
    static constexpr unsigned kPrecisionBits = 7;
    static constexpr std::size_t kPerPower = std::size_t{1} << kPrecisionBits;
    static constexpr std::size_t kPowers = 64 - kPrecisionBits;

    static std::size_t bucket_of(std::uint64_t value) noexcept {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        const unsigned shift = width > kPrecisionBits + 1 ? width - (kPrecisionBits + 1) : 0;
        return shift * kPerPower + static_cast<std::size_t>(value >> shift);
    }

    static std::uint64_t upper_end(std::size_t bucket) noexcept {
        if (bucket < 2 * kPerPower) return bucket;
        const std::size_t shift = bucket / kPerPower - 1;
        const std::uint64_t mantissa = bucket - shift * kPerPower;
        return ((mantissa + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (kPowers + 1) * kPerPower> buckets_{};
    std::uint64_t count_ = 0;
};

}  // namespace caropig::bench
