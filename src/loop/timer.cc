#include "loop/timer_wheel.h"
#include <caropig/async/waiter.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

namespace caropig {
namespace {

TimePoint deadline_of(Duration duration, const Loop& loop) noexcept { return time_after(loop.now(), duration); }
TimePoint deadline_of(TimePoint moment, const Loop&) noexcept { return moment; }

/// Until a moment, or for a duration from when it is awaited.
template <class When>
class SleepAwaiter : detail::Waiter, Timer {
public:
    explicit SleepAwaiter(When when) noexcept
        : Timer([](Timer& self) noexcept { static_cast<SleepAwaiter&>(self).grant(); }), when_(when) {}

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (!suspend(handle, nullptr)) return false;
        auto& loop = static_cast<Loop&>(*handle.promise().context().executor);
        arm(loop, deadline_of(when_, loop));
        return true;
    }
    void await_resume() noexcept(false) {
        disarm();
        throw_if_cancelled();
    }

private:
    When when_;
};

}  // namespace

void Timer::arm(Loop& loop, TimePoint deadline) noexcept { loop.timers().arm(*this, deadline); }

Task<void> sleep_for(Duration duration) {
    SleepAwaiter awaiter(duration);
    co_await awaiter;
}

Task<void> sleep_until(TimePoint moment) {
    SleepAwaiter awaiter(moment);
    co_await awaiter;
}

}  // namespace caropig
