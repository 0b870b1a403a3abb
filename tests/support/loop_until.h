#pragma once

#include <caropig/async/waiter.h>
#include <caropig/loop/loop.h>

#include <functional>

namespace caropig::support {

inline Task<void> yield_until(std::function<bool()> condition) {
    while (!condition()) co_await yield();
}

/// Runs `loop` until `condition` holds. It polls, so that a test needs no callback for what it waits for.
inline void run_until(Loop& loop, std::function<bool()> condition) {
    loop.run_until(yield_until(std::move(condition)));
}

/// Runs some rounds, for what must not happen.
inline void run_rounds(Loop& loop, int rounds = 20) {
    run_until(loop, [rounds]() mutable { return rounds-- <= 0; });
}

}  // namespace caropig::support
