#include <caropig/async/scope.h>

namespace caropig {

struct Scope::Child : detail::TaskCompletion {
    Child(Scope& owner, Task<void> started) noexcept
        : TaskCompletion([](TaskCompletion& self) noexcept { static_cast<Child&>(self).end(); }),
          scope(owner),
          task(std::move(started)) {}

    /// Destroys itself, and the task's frame with it: the task stands at its final suspension point.
    void end() noexcept {
        Scope& owner = scope;
        std::optional<std::monostate> value;
        std::exception_ptr exception = detail::take_result(task, value);
        delete this;
        if (exception && !detail::is_cancelled(exception)) owner.fail(exception);
        if (--owner.size_ == 0) owner.joiners_.grant_all();
    }

    Scope& scope;
    Task<void> task;
};

/// Waits until there is no child. Cancellation does not end the wait but is passed on to the children.
class Scope::JoinAwaiter : detail::Waiter, CancellationCallback {
public:
    explicit JoinAwaiter(Scope& scope) noexcept
        : CancellationCallback([](CancellationCallback& self) noexcept { static_cast<JoinAwaiter&>(self).cancel(); }),
          scope_(scope) {}

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        const detail::TaskContext& context = handle.promise().context();
        if (CancellationToken(context.cancellation).requested()) cancel();
        if (scope_.size_ == 0) return false;
        register_with(context.cancellation);
        return suspend(handle, {context.executor, nullptr}, &scope_.joiners_);
    }
    /// Whether the coroutine was cancelled.
    bool await_resume() const noexcept { return cancelled_; }

private:
    void cancel() noexcept {
        cancelled_ = true;
        scope_.cancel();
    }

    Scope& scope_;
    bool cancelled_ = false;
};

void Scope::start(Task<void> task) {
    auto* child = new Child(*this, std::move(task));
    ++size_;
    if (child->task.start({&executor_, &cancellation_}, *child)) child->end();
}

void Scope::fail(const std::exception_ptr& exception) noexcept {
    if (failure_) {
        detail::log_exception("a task of a scope that had failed", exception);
    } else {
        failure_ = exception;
    }
    cancel();
    if (body_ != nullptr) body_->request();
}

Task<bool> Scope::join_children() {
    bool cancelled = false;
    do {
        JoinAwaiter joining(*this);
        if (co_await joining) cancelled = true;
    } while (size_ != 0);  // a child may have been spawned between the grant and now
    co_return cancelled;
}

void Scope::rethrow_if_failed() {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

Task<void> Scope::join() {
    bool cancelled = co_await join_children();
    rethrow_if_failed();
    if (cancelled) throw Cancelled();
}

}  // namespace caropig
