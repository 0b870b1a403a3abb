#include <caropig/async/future.h>

namespace caropig::detail {
void FutureStateBase::add_callback(RemoteExecutor::Work callback) {
    {
        std::lock_guard lock(mutex_);
        if (!done()) {
            callbacks_.push_back(std::move(callback));
            return;
        }
    }
    owner_->post(std::move(callback));
}

bool FutureStateBase::add_wake(WakeList& wake) {
    std::lock_guard lock(mutex_);
    if (done()) return false;
    wakes_.splice(wakes_.end(), wake);
    return true;
}

void FutureStateBase::remove_wake(WakeList::iterator wake) {
    std::lock_guard lock(mutex_);
    if (!done()) wakes_.erase(wake);  // else notify() has taken the list
}

void FutureStateBase::notify(std::unique_lock<std::mutex> lock) {
    // Nothing is posted under the lock: a loop that is gone destroys what it refuses, and that may be anything.
    std::vector<RemoteExecutor::Work> callbacks = std::move(callbacks_);
    WakeList wakes = std::move(wakes_);
    std::shared_ptr<RemoteExecutor> owner = owner_;
    lock.unlock();
    for (auto& wake : wakes) {
        std::shared_ptr<RemoteExecutor> executor = wake->executor;
        executor->post([wake = std::move(wake)] {
            if (wake->awaiter != nullptr) wake->awaiter->wake();
        });
    }
    for (auto& callback : callbacks) owner->post(std::move(callback));
}

bool FutureAwaiterBase::wait(std::coroutine_handle<> handle, const TaskPromiseBase& promise) {
    const TaskContext& context = promise.context();
    if (state_->done() && !CancellationToken(context.cancellation).requested()) return false;
    auto wake = std::make_shared<FutureWake>(context.executor->remote(), this);
    FutureStateBase::WakeList node{wake};
    auto position = node.begin();
    if (!suspend(handle, promise, context, nullptr)) return false;
    if (state_->add_wake(node)) {
        wake_ = std::move(wake);
        position_ = position;
    } else {
        grant();  // set in this moment, by another thread
    }
    return true;
}

void FutureAwaiterBase::cut_loose() noexcept {
    if (wake_ == nullptr) return;
    wake_->awaiter = nullptr;
    wake_ = nullptr;
    state_->remove_wake(position_);
}

}  // namespace caropig::detail
