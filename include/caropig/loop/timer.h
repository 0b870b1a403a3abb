#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/clock.h>

/// \file
/// Waiting for a moment. Timers have a resolution of one millisecond and never fire early.
namespace caropig {

class Loop;

/// A deadline that is part of another object: armed, extended and disarmed in constant time and without an
/// allocation, made for deadlines that almost never pass. Used on its loop's thread; destroying it disarms it.
class Timer {
public:
    using Fire = void (*)(Timer& self) noexcept;

    explicit Timer(Fire fire) noexcept : fire_(fire) {}
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { disarm(); }

    /// Fires once at `deadline`, from the loop; an armed timer is moved. A deadline in the past fires in the next
    /// round. Moving a timer to a later moment costs one store: it is looked at again when the earlier one comes.
    void arm(Loop& loop, TimePoint deadline) noexcept;

    void disarm() noexcept {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

    [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }
    [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }

private:
    friend class TimerWheel;
    Fire fire_;
    Timer* next_ = nullptr;
    Timer* previous_ = nullptr;
    TimePoint deadline_{};
    TimePoint slot_end_{};
};

/// Waits for `duration`, or at least one round of the loop when it is zero or negative. Throws Cancelled.
Task<void> sleep_for(Duration duration);

/// Waits until `moment` of the loop's clock. Throws Cancelled.
Task<void> sleep_until(TimePoint moment);

}  // namespace caropig
