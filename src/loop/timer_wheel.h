#pragma once

#include <caropig/loop/timer.h>

#include <array>
#include <cstdint>
#include <optional>

namespace caropig {

/// A hierarchical timing wheel: six levels of 64 slots, the lowest of one millisecond each, every level 64 times
/// coarser than the one below (together about two years; what is later waits in the last slot and is put in again).
/// Arming and disarming are O(1); a timer moves down at most once per level.
class TimerWheel {
public:
    explicit TimerWheel(TimePoint origin) noexcept;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;
    ~TimerWheel();

    void arm(Timer& timer, TimePoint deadline) noexcept;

    /// Fires what is due at `now`, in the order of the deadlines. What is armed meanwhile waits for the next call, and
    /// so does the rest once `over`, which is asked now and then, says that this has lasted long enough; it is due
    /// before all else then. False when something was left.
    template <class Over>
    bool advance(TimePoint now, Over&& over) noexcept {
        constexpr int kTimersBetweenLooks = 8;  // looking at a clock costs as much as a short timer
        collect(now);
        for (int left = kTimersBetweenLooks; !empty(expired_); --left) {
            if (left == 0) {
                if (over()) return false;
                left = kTimersBetweenLooks;
            }
            fire_first(now);
        }
        return true;
    }
    void advance(TimePoint now) noexcept {
        advance(now, [] { return false; });
    }

    /// When to call advance() next; it may be earlier than the first deadline, never later.
    [[nodiscard]] std::optional<TimePoint> next() noexcept;

private:
    static constexpr int kLevels = 6;
    static constexpr int kBits = 6;
    static constexpr int kSlots = 1 << kBits;

    struct Slot : Timer {
        Slot() noexcept : Timer(nullptr) {}
    };
    struct Level {
        std::uint64_t occupied = 0;  // a set bit may be stale: its slot was emptied by disarm()
        std::array<Slot, kSlots> slots;
    };
    struct Expiry {
        int level;
        int slot;
        std::uint64_t tick;
    };

    static void make_empty(Timer& list) noexcept { list.next_ = list.previous_ = &list; }
    static bool empty(const Timer& list) noexcept { return list.next_ == &list; }
    static void append(Timer& list, Timer& timer) noexcept;
    static void take_all(Timer& from, Timer& to) noexcept;
    static void fetch(const Timer& list) noexcept;
    void insert_by_deadline(Timer& list, Timer& timer) noexcept;
    void insert(Timer& timer) noexcept;
    [[nodiscard]] std::uint64_t tick_of(TimePoint deadline) const noexcept;
    [[nodiscard]] std::optional<Expiry> next_expiry() noexcept;
    /// Moves what is due at `now` to expired_.
    void collect(TimePoint now) noexcept;
    /// Fires the first of expired_, or puts it in again if it was moved to a later moment meanwhile.
    void fire_first(TimePoint now) noexcept;

    TimePoint origin_;
    std::uint64_t elapsed_ = 0;  // the tick up to which everything has been taken out of the slots
    Slot due_;                   // armed with a deadline that had passed already
    Slot expired_;               // taken out, by deadline: to be fired
    std::array<Level, kLevels> levels_;
};

}  // namespace caropig
