#include "loop/timer_wheel.h"
#include <caropig/async/waiter.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

namespace caropig {
namespace {

class SleepAwaiter : detail::Waiter, Timer {
public:
    explicit SleepAwaiter(TimePoint deadline) noexcept
        : Timer([](Timer& self) noexcept { static_cast<SleepAwaiter&>(self).grant(); }), deadline_(deadline) {}

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (!suspend(handle, nullptr)) return false;
        arm(static_cast<Loop&>(*handle.promise().context().executor), deadline_);
        return true;
    }
    void await_resume() noexcept(false) {
        disarm();
        throw_if_cancelled();
    }

private:
    TimePoint deadline_;
};

}  // namespace

void Timer::arm(Loop& loop, TimePoint deadline) noexcept { loop.timers().arm(*this, deadline); }

Task<void> sleep_for(Duration duration) {
    auto context = co_await current_context();
    SleepAwaiter awaiter(time_after(static_cast<Loop&>(*context.executor).now(), duration));
    co_await awaiter;
}

Task<void> sleep_until(TimePoint moment) {
    SleepAwaiter awaiter(moment);
    co_await awaiter;
}

}  // namespace caropig
