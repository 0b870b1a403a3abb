#include "loop/timer_wheel.h"

#include <caropig/base/prefetch.h>

#include <algorithm>
#include <bit>

namespace caropig {
namespace {
constexpr Duration kTick = std::chrono::milliseconds(1);
// One slot of the top level less than a whole turn: a timer must not land in the slot that is the present one.
constexpr std::uint64_t kMaxDelta = (std::uint64_t{1} << 36) - (std::uint64_t{1} << 30);
}  // namespace

TimerWheel::TimerWheel(TimePoint origin) noexcept : origin_(origin) {
    make_empty(due_);
    make_empty(expired_);
    for (Level& level : levels_) {
        for (Slot& slot : level.slots) make_empty(slot);
    }
}

TimerWheel::~TimerWheel() {
    auto clear = [](Timer& list) {
        while (!empty(list)) list.next_->disarm();
        list.next_ = list.previous_ = nullptr;
    };
    clear(due_);
    clear(expired_);
    for (Level& level : levels_) {
        for (Slot& slot : level.slots) clear(slot);
    }
}

void TimerWheel::append(Timer& list, Timer& timer) noexcept {
    timer.previous_ = list.previous_;
    timer.next_ = &list;
    list.previous_->next_ = &timer;
    list.previous_ = &timer;
}

/// Moves all of `from` to `to`, which is empty or new.
void TimerWheel::take_all(Timer& from, Timer& to) noexcept {
    make_empty(to);
    if (empty(from)) return;
    to.next_ = from.next_;
    to.previous_ = from.previous_;
    to.next_->previous_ = to.previous_->next_ = &to;
    make_empty(from);
}

/// Has the cache fetch the timers of a list. Each is part of another object, which nobody has touched for long, and
/// only its neighbours know where; so this goes from both ends at once, to wait for memory half as long.
void TimerWheel::fetch(const Timer& list) noexcept {
    constexpr int kMost = 2048;  // from each end: the cache is to hold them until they are looked at
    const Timer* front = list.next_;
    const Timer* back = list.previous_;
    for (int count = 0; count < kMost && front != back && front->next_ != back; ++count) {
        front = front->next_;
        back = back->previous_;
        detail::prefetch<detail::kCacheLine>(front);  // or the compiler would see that nothing comes of all this
        detail::prefetch<detail::kCacheLine>(back);
    }
}

void TimerWheel::insert_by_deadline(Timer& list, Timer& timer) noexcept {
    Timer* before = &list;
    while (before->previous_ != &list && before->previous_->deadline_ > timer.deadline_) before = before->previous_;
    append(*before, timer);  // links in front of `before`
}

std::uint64_t TimerWheel::tick_of(TimePoint deadline) const noexcept {
    if (deadline <= origin_) return 0;
    Duration since = deadline - origin_;
    return static_cast<std::uint64_t>(since / kTick) + (since % kTick != Duration::zero() ? 1 : 0);
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) noexcept {
    if (timer.armed() && deadline >= timer.slot_end_) {
        timer.deadline_ = deadline;
        return;
    }
    timer.disarm();
    timer.deadline_ = deadline;
    insert(timer);
}

void TimerWheel::insert(Timer& timer) noexcept {
    timer.slot_end_ = timer.deadline_;
    std::uint64_t tick = tick_of(timer.deadline_);
    if (tick <= elapsed_) {
        append(due_, timer);
        return;
    }
    tick = std::min(tick, elapsed_ + kMaxDelta);
    std::uint64_t differing = elapsed_ ^ tick;
    int level = std::min((63 - std::countl_zero(differing)) / kBits, kLevels - 1);
    auto slot = static_cast<std::size_t>((tick >> (level * kBits)) & (kSlots - 1));
    Level& home = levels_[static_cast<std::size_t>(level)];
    append(home.slots[slot], timer);
    home.occupied |= std::uint64_t{1} << slot;
}

std::optional<TimerWheel::Expiry> TimerWheel::next_expiry() noexcept {
    for (int index = 0; index < kLevels; ++index) {
        Level& level = levels_[static_cast<std::size_t>(index)];
        int shift = index * kBits;
        auto position = static_cast<int>((elapsed_ >> shift) & (kSlots - 1));
        while (level.occupied != 0) {
            int offset = std::countr_zero(std::rotr(level.occupied, position));
            int slot = (position + offset) & (kSlots - 1);
            if (empty(level.slots[static_cast<std::size_t>(slot)])) {
                level.occupied &= ~(std::uint64_t{1} << slot);
                continue;
            }
            std::uint64_t turn = std::uint64_t{kSlots} << shift;
            std::uint64_t tick = (elapsed_ & ~(turn - 1)) + (static_cast<std::uint64_t>(slot) << shift);
            // Only the top level may wrap: its timers can be up to a whole turn ahead.
            if (tick <= elapsed_ && slot < position) tick += turn;
            return Expiry{index, slot, std::max(tick, elapsed_)};
        }
    }
    return std::nullopt;
}

std::optional<TimePoint> TimerWheel::next() noexcept {
    if (!empty(due_) || !empty(expired_)) return origin_ + kTick * elapsed_;
    auto expiry = next_expiry();
    if (!expiry) return std::nullopt;
    return origin_ + kTick * expiry->tick;
}

void TimerWheel::collect(TimePoint now) noexcept {
    std::uint64_t target = now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / kTick);
    while (!empty(due_)) {
        Timer& timer = *due_.next_;
        timer.disarm();
        insert_by_deadline(expired_, timer);
    }
    while (auto expiry = next_expiry()) {
        if (expiry->tick > target) break;
        elapsed_ = expiry->tick;
        Level& level = levels_[static_cast<std::size_t>(expiry->level)];
        Slot& slot = level.slots[static_cast<std::size_t>(expiry->slot)];
        level.occupied &= ~(std::uint64_t{1} << expiry->slot);
        Slot moving;
        take_all(slot, moving);
        fetch(moving);
        while (!empty(moving)) {
            Timer& timer = *moving.next_;
            timer.disarm();
            if (tick_of(timer.deadline_) <= elapsed_) {
                insert_by_deadline(expired_, timer);
            } else {
                insert(timer);
            }
        }
        moving.next_ = moving.previous_ = nullptr;
    }
    elapsed_ = std::max(elapsed_, target);
}

void TimerWheel::fire_first(TimePoint now) noexcept {
    Timer& timer = *expired_.next_;
    timer.disarm();
    if (timer.deadline_ > now) {
        insert(timer);
    } else {
        timer.fire_(timer);
    }
}

}  // namespace caropig
