#pragma once

#include <caropig/loop/clock.h>
#include <caropig/loop/operation.h>

#include <memory>
#include <optional>
#include <string_view>

namespace caropig {

/// What performs operations for one loop: epoll here, io_uring and the simulated network behind the same interface.
///
/// submit() tries at once where it can: true means that the operation is complete (its result is set, it is not
/// called back); false that it will be called back from dispatch() or in a later round. A descriptor takes at most one
/// reading and one writing operation at a time. All but wake() on the loop's thread.
class Backend {
public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    virtual bool submit(ReceiveOperation& operation) noexcept = 0;
    virtual bool submit(SendOperation& operation) noexcept = 0;
    virtual bool submit(SendFileOperation& operation) noexcept = 0;
    virtual bool submit(AcceptOperation& operation) noexcept = 0;
    virtual bool submit(ConnectOperation& operation) noexcept = 0;
    virtual bool submit(PollOperation& operation) noexcept = 0;
    virtual bool submit(HangupOperation& operation) noexcept = 0;

    /// Asks a pending operation to end; it completes in a later round, with -ECANCELED unless it was done before.
    virtual void cancel(Operation& operation) noexcept = 0;

    /// Cancels an accept, and calls back for the connections that it has made already, within this call.
    virtual void drain(AcceptOperation& operation) noexcept { cancel(operation); }

    /// Tries again what was put off in the name of fairness (Operation::retry_later).
    virtual void retry(Operation& operation) noexcept = 0;

    /// Takes over a non-blocking descriptor. 0, or a negated errno value.
    virtual int attach(int fd) noexcept = 0;
    /// Forgets a descriptor without closing it; pending operations complete with -ECANCELED.
    virtual void detach(int fd) noexcept = 0;
    /// Closes a descriptor; pending operations complete with -ECANCELED.
    virtual void close(int fd) noexcept = 0;

    /// Waits until something can complete, until wake(), or for `timeout` (nothing: for ever).
    virtual void wait(std::optional<Duration> timeout) noexcept = 0;

    /// Completes what wait() has found: calls back.
    virtual void dispatch() noexcept = 0;

    /// Ends a wait() from any thread.
    virtual void wake() noexcept = 0;

    /// The loop ends: what was cancelled and still has to complete does, or is scheduled to.
    virtual void settle() noexcept {}
};

/// epoll, edge-triggered; throws IoError when the kernel has no descriptor left.
std::unique_ptr<Backend> make_epoll_backend(Executor& executor);

}  // namespace caropig
