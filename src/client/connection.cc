#include "client/connection.h"

#include <utility>

namespace caropig::client {
namespace {

constexpr std::size_t kKeptBytes = 4096;  // capacity that an idle connection may keep in a buffer

void release(std::string& text) noexcept {
    if (text.capacity() > kKeptBytes) {
        std::string().swap(text);
    } else {
        text.clear();
    }
}

}  // namespace

Connection::Connection(Loop& loop, std::unique_ptr<net::Stream> stream) noexcept
    : loop_(loop), stream_(std::move(stream)) {}

void Connection::become_idle(Owner& owner, TimePoint deadline) noexcept {
    release(out);
    release(body);
    release(kept_);
    owner_ = &owner;
    idle_until_ = deadline;
    if (deadline != TimePoint::max()) timer_.arm(loop_, deadline);
    receive();
}

void Connection::discard() noexcept {
    owner_ = nullptr;
    waiter_ = nullptr;
    timer_.disarm();
    cancelled_.unlink();
    discarded_ = true;
    stream_->close();
    delete_if_over();
}

void Connection::start_sending() noexcept {
    pieces_ = {as_bytes(out), as_bytes(body)};
    send_.pieces = std::span(pieces_).first(body.empty() ? 1 : 2);
    stream_->submit(send_);  // where it is complete at once, sending() says so
}

void Connection::receive() noexcept {
    if (receive_.pending() || unheard_) return;
    if (stream_->submit(receive_)) receive_.complete_later(loop_, receive_.result);
}

void Connection::on_received() noexcept {
    if (discarded_) return delete_if_over();
    if (owner_ != nullptr) return owner_->idle_ended(*this);
    data_ = as_text(receive_.received());
    if (waiter_ != nullptr) return wake(Event::kReceived);
    kept_ = data_;
    data_ = kept_;
    unheard_ = true;
}

void Connection::on_sent() noexcept {
    if (discarded_) return delete_if_over();
    if (waiter_ != nullptr) wake(Event::kSent);
}

/// It is moved lazily, and may be left from before.
void Connection::on_timer() noexcept {
    if (waiter_ != nullptr) {
        if (waiter_->deadline_ == TimePoint::max()) return;
        if (loop_.now() >= waiter_->deadline_) return wake(Event::kTimeout);
        timer_.arm(loop_, waiter_->deadline_);
    } else if (owner_ != nullptr) {
        if (idle_until_ == TimePoint::max()) return;
        if (loop_.now() >= idle_until_) return owner_->idle_ended(*this);
        timer_.arm(loop_, idle_until_);
    }
}

void Connection::on_cancelled() noexcept {
    if (waiter_ != nullptr) wake(Event::kCancelled);
}

void Connection::wake(Event event) noexcept {
    Wait& wait = *std::exchange(waiter_, nullptr);
    wait.event_ = event;
    wait.handle_.resume();  // may discard this connection
}

void Connection::delete_if_over() noexcept {
    if (discarded_ && !receive_.pending() && !send_.pending()) delete this;
}

bool Connection::Wait::suspend(std::coroutine_handle<> handle, CancellationSource* cancellation) noexcept {
    if (cancellation != nullptr && cancellation->requested()) {
        event_ = Event::kCancelled;
        return false;
    }
    if (std::exchange(connection_.unheard_, false)) {
        event_ = Event::kReceived;
        return false;
    }
    handle_ = handle;
    connection_.waiter_ = this;
    register_with(cancellation);
    if (deadline_ != TimePoint::max()) connection_.timer_.arm(connection_.loop_, deadline_);
    connection_.receive();
    return true;
}

}  // namespace caropig::client
