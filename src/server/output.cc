#include "server/output.h"

#include "server/connection.h"
#include "server/memory.h"
#include <caropig/loop/loop.h>

#include <algorithm>
#include <utility>

namespace caropig::server {
namespace {
constexpr std::size_t kCorkCapacity = std::size_t{16} * 1024;
}  // namespace

Output::Sending::Sending(Output& output) noexcept
    : SendOperation([](Operation& self) noexcept { static_cast<Sending&>(self).owner.on_sent(); }), owner(output) {}

Output::Deadline::Deadline(Output& output) noexcept
    : Timer([](Timer& self) noexcept { static_cast<Deadline&>(self).owner.on_deadline(); }), owner(output) {}

Output::Output(Loop& loop, const ServerOptions& options, std::string& cork) noexcept
    : cork_(cork), loop_(loop), options_(options) {}

std::string Output::new_cork() {
    std::string fresh;
    fresh.reserve(kCorkCapacity);
    return fresh;
}

Output::Outcome Output::flush(net::Stream& stream) {
    if (send_.pending()) {
        queued_ += cork_;
        cork_.clear();
        return Outcome::kPending;
    }
    std::size_t count = 1;
    pieces_[0] = as_bytes(cork_);
    if (has_body_) [[unlikely]] {
        pieces_[1] = as_bytes(body_owner_ != nullptr ? shared_body_ : std::string_view(body_));
        count = 2;
    } else if (cork_.empty()) {
        return Outcome::kSent;
    }
    send_.pieces = std::span(pieces_).first(count);
    if (!stream.submit(send_)) {
        out_ = std::move(cork_);  // on the heap, so its bytes stay where they are
        cork_ = new_cork();
        follow(send_.sent);
        return Outcome::kPending;
    }
    cork_.clear();
    if (count == 2) release_body();
    return send_.result < 0 ? Outcome::kFailed : Outcome::kSent;
}

void Output::send_body(std::string body) noexcept {
    body_ = std::move(body);
    has_body_ = true;
}

void Output::send_body(std::string_view body, Sharing sharing) noexcept {
    shared_body_ = body;
    body_owner_ = std::move(sharing.owner);
    send_.last_in_file = sharing.in_file;
    has_body_ = true;
}

void Output::release_body() noexcept {
    release(body_);
    shared_body_ = {};
    body_owner_.reset();
    send_.last_in_file = {};
    has_body_ = false;
}

void Output::on_sent() noexcept {
    stop_following();
    release(out_);
    release_body();
    if (send_.result >= 0 && !queued_.empty()) cork_ += std::exchange(queued_, {});
    connection_->on_sent(send_.result >= 0);
}

void Output::follow(const std::size_t& sent) noexcept {
    followed_ = &sent;
    sent_before_ = sent;
    if (auto timeout = options_.write_timeout(); timeout.count() > 0) deadline_.arm(loop_, loop_.now() + timeout);
}

void Output::stop_following() noexcept {
    followed_ = nullptr;
    deadline_.disarm();
}

void Output::on_deadline() noexcept {
    auto enough = options_.min_write_rate() * static_cast<std::uint64_t>(options_.write_timeout().count()) / 1000;
    if (*followed_ - sent_before_ >= std::max<std::uint64_t>(enough, 1)) return follow(*followed_);
    connection_->on_slow_reader();
}

void Output::reset() noexcept {
    stop_following();
    release(out_);
    release_body();
    release(queued_);
}

}  // namespace caropig::server
