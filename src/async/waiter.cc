#include <caropig/async/waiter.h>

namespace caropig::detail {

Waiter::Ready::Ready(Waiter& owner_) noexcept : ReadyNode(&Waiter::resume), owner(owner_) {}

Waiter::Cancel::Cancel(Waiter& owner_) noexcept
    : CancellationCallback(
          [](CancellationCallback& self) noexcept { static_cast<Cancel&>(self).owner.end(State::kCancelled); }),
      owner(owner_) {}

void Waiter::resume(ReadyNode& node) noexcept { static_cast<Ready&>(node).owner.handle_.resume(); }

Waiter::Resumed Waiter::resumed_by(const ReadyNode& node) noexcept {
    if (!node.runs(&Waiter::resume)) return {};
    const Waiter& waiter = static_cast<const Ready&>(node).owner;
    return {waiter.handle_.address(), waiter.promise_};
}

bool Waiter::suspend(std::coroutine_handle<> handle, const TaskPromiseBase& promise, const TaskContext& context,
                     WaiterList* list) noexcept {
    if (context.cancellation != nullptr && context.cancellation->requested()) {
        state_ = State::kCancelled;
        return false;
    }
    handle_ = handle;
    promise_ = &promise;
    executor_ = context.executor;
    state_ = State::kWaiting;
    cancel_.register_with(context.cancellation);
    list_ = list;
    if (list != nullptr) {
        previous_ = list->last_;
        (previous_ != nullptr ? previous_->next_ : list->first_) = this;
        list->last_ = this;
    }
    return true;
}

void Waiter::unlink() noexcept {
    if (list_ == nullptr) return;
    (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
    (next_ != nullptr ? next_->previous_ : list_->last_) = previous_;
    next_ = previous_ = nullptr;
    list_ = nullptr;
}

void Waiter::end(State state) noexcept {
    if (state_ != State::kWaiting) return;
    state_ = state;
    unlink();
    cancel_.unregister();
    executor_->schedule(ready_);
}

void Waiter::grant() noexcept { end(State::kGranted); }

bool WaiterList::grant_one() noexcept {
    if (first_ == nullptr) return false;
    first_->grant();
    return true;
}

void WaiterList::grant_all() noexcept {
    while (grant_one()) continue;
}

}  // namespace caropig::detail
