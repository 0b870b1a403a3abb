#pragma once

#include <caropig/async/waiter.h>

#include <concepts>
#include <utility>

/// \file
/// What most locks and queues wait by: take it now if it is there, stand in line otherwise.
namespace caropig::detail {

/// Awaits until `take` has succeeded or somebody has granted. Cancellation is looked at first: a coroutine that was
/// asked to end takes nothing. Name it before awaiting it, so that `take` may capture.
template <std::predicate Take>
class TakeOrWait : Waiter {
public:
    TakeOrWait(WaiterList& line, Take take) noexcept : line_(line), take_(std::move(take)) {}

    bool await_ready() const noexcept { return false; }
    template <TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) {
        CancellationToken token(handle.promise().context().cancellation);
        if (!token.requested() && take_()) return false;
        return suspend(handle, &line_);
    }
    void await_resume() const { throw_if_cancelled(); }

private:
    WaiterList& line_;
    Take take_;
};

}  // namespace caropig::detail
