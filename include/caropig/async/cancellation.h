#pragma once

#include <utility>

/// \file
/// How a wait is ended from outside: a client has gone, a deadline has passed, the server stops.
///
/// Cancellation is a request, then a wait. A CancellationSource asks; the token of it travels with every task that is
/// awaited under it, and each leaf operation (a timer, a read, a lock) registers a callback there. A cancelled
/// operation still completes, with Cancelled, in a later round of the loop; nothing is resumed or destroyed inside of
/// request(). Everything here is used on one executor's thread; from another thread, post the request.
namespace caropig {

class CancellationSource;

/// A callback that a pending operation registers. It must only note and schedule; it must not resume a coroutine.
class CancellationCallback {
public:
    using Invoke = void (*)(CancellationCallback& self) noexcept;

    explicit CancellationCallback(Invoke invoke) noexcept : invoke_(invoke) {}
    CancellationCallback(const CancellationCallback&) = delete;
    CancellationCallback& operator=(const CancellationCallback&) = delete;
    ~CancellationCallback() { unregister(); }

    /// Calls back once `source` (may be null: never) is asked to cancel. Not when it was asked already: look first.
    void register_with(CancellationSource* source) noexcept;

    /// After this the callback won't be called. Harmless when it is not registered.
    void unregister() noexcept {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

private:
    friend class CancellationSource;
    Invoke invoke_;
    CancellationCallback* next_ = nullptr;
    CancellationCallback* previous_ = nullptr;
};

/// Asks the tasks that run under it to end. It must outlive them.
class CancellationSource {
public:
    /// A source under `parent` (may be null) is asked together with it; parent must outlive this one.
    explicit CancellationSource(CancellationSource* parent = nullptr) noexcept;
    CancellationSource(const CancellationSource&) = delete;
    CancellationSource& operator=(const CancellationSource&) = delete;
    ~CancellationSource();

    /// Whether request() was called here or above.
    [[nodiscard]] bool requested() const noexcept { return requested_; }

    /// Asks everything under this source to end. Idempotent. Operations end in a later round of the loop.
    void request() noexcept;

private:
    friend class CancellationCallback;
    struct ParentLink : CancellationCallback {
        explicit ParentLink(CancellationSource& owner) noexcept;
        CancellationSource& owner;
    };

    CancellationCallback callbacks_{nullptr};
    ParentLink parent_link_;
    bool requested_ = false;
};

/// A view of a source, to hand on and to ask. It is valid as long as the source.
class CancellationToken {
public:
    CancellationToken() = default;
    explicit CancellationToken(CancellationSource* source) noexcept : source_(source) {}

    /// Whether the work should end. A loop that never waits asks this from time to time.
    [[nodiscard]] bool requested() const noexcept { return source_ != nullptr && source_->requested(); }
    [[nodiscard]] CancellationSource* source() const noexcept { return source_; }

private:
    CancellationSource* source_ = nullptr;
};

}  // namespace caropig
