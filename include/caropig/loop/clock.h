#pragma once

#include <chrono>
#include <cstdint>

/// \file
/// Where a loop takes its time from. A program uses the system's clocks; a test uses testkit::ManualClock.
namespace caropig {

/// A moment of the monotonic clock: deadlines and durations, unaffected by changes of the wall clock.
using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// `delay` after `moment`; the last moment there is, where the sum would lie beyond it.
constexpr TimePoint time_after(TimePoint moment, Duration delay) noexcept {
    if (delay > Duration::zero() && moment > TimePoint::max() - delay) return TimePoint::max();
    return moment + delay;
}

class Clock {
public:
    virtual ~Clock() = default;
    /// The monotonic clock.
    [[nodiscard]] virtual TimePoint now() const noexcept = 0;
    /// The wall clock, in seconds since 1970-01-01 00:00:00 UTC.
    [[nodiscard]] virtual std::int64_t unix_seconds() const noexcept = 0;
};

/// The operating system's clocks.
class SystemClock final : public Clock {
public:
    [[nodiscard]] TimePoint now() const noexcept override;
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override;
};

}  // namespace caropig
