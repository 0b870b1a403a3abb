#pragma once

#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

#include <cerrno>

namespace caropig::net {

/// Awaits one operation of the I/O seam. `Submit` is called with the operation and returns whether it is complete;
/// `Cancel` asks for its end. The result is the operation's, with Cancelled thrown for -ECANCELED.
///
///     IoAwaiter<ReceiveOperation, Stream> receive(stream);
///     receive.operation.buffer = buffer;
///     std::int32_t size = co_await receive;
template <class Kind, class Owner>
class IoAwaiter : CancellationCallback {
public:
    explicit IoAwaiter(Owner& owner) noexcept
        : CancellationCallback([](CancellationCallback& self) noexcept {
              auto& awaiter = static_cast<IoAwaiter&>(self);
              awaiter.owner_.cancel(awaiter.operation);
          }),
          operation(*this),
          owner_(owner) {}

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        CancellationSource* cancellation = handle.promise().context().cancellation;
        if (cancellation != nullptr && cancellation->requested()) {
            operation.result = -ECANCELED;
            return false;
        }
        handle_ = handle;
        if (owner_.submit(operation)) return false;
        register_with(cancellation);
        return true;
    }
    std::int32_t await_resume() {
        unregister();
        if (operation.result == -ECANCELED) throw Cancelled();
        return operation.result;
    }

    struct Pending : Kind {
        explicit Pending(IoAwaiter& owner) noexcept
            : Kind([](Operation& self) noexcept { static_cast<Pending&>(self).owner_.handle_.resume(); }),
              owner_(owner) {}

    private:
        IoAwaiter& owner_;
    };
    Pending operation;

private:
    Owner& owner_;
    std::coroutine_handle<> handle_;
};

}  // namespace caropig::net
