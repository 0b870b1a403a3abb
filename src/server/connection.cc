#include "server/connection.h"

#include <caropig/base/log.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caropig::server {
namespace {

constexpr std::size_t kCorkLimit = std::size_t{64} * 1024;      // answers collected before they are sent
constexpr std::size_t kKeptBytes = std::size_t{4} * 1024;       // capacity that an idle connection may keep in a buffer
constexpr std::size_t kLingerLimit = std::size_t{1024} * 1024;  // bytes dropped while closing

void release(std::string& text) {
    if (text.capacity() > kKeptBytes) {
        std::string().swap(text);
    } else {
        text.clear();
    }
}

http::h1::HeadLimits head_limits(const ServerOptions& options) {
    http::h1::HeadLimits limits;
    limits.max_bytes = options.max_head_bytes();
    limits.max_fields = options.max_fields();
    limits.max_target = options.max_target_bytes();
    return limits;
}

}  // namespace

Connection::Connection(Server::State& server, std::unique_ptr<net::Stream> stream)
    : server_(server), stream_(std::move(stream)), parser_(head_limits(server.options)) {}

Connection::~Connection() {
    if (refused_) --server_.refused_count;
    if (address_ != nullptr && --address_->second == 0) server_.addresses.erase(address_->first);
    server_.buffered -= held_;
    server_.remove(*this);
    if (closed_event != nullptr) closed_event->set();
}

void Connection::start() {
    if (stream_->submit(hangup_)) hangup_.complete_later(server_.loop, hangup_.result);
    arm_read_timer();
    receive();
}

void Connection::start_refused() {
    refused_ = true;
    ++server_.refused_count;
    fail_request(503, "too many connections");
    flush();
    delete_if_over();
}

// ---- reading

void Connection::receive() noexcept {
    if (phase_ == Phase::kClosed || gone_ || peer_finished_ || receive_.pending()) return;
    if (phase_ == Phase::kHandling) {
        // Backpressure: reading goes on when the handler has read. Without an active request nothing waits.
        // Requests that wait behind this one count too, or each of them would let in as much again.
        if (active_ == nullptr) return;
        std::size_t ahead = active_->current.size() - active_->position + active_->incoming.size();
        std::size_t allowed = server_.holds_too_much() ? 0 : server_.options.read_ahead_bytes();
        if (ahead >= std::max<std::size_t>(allowed, 1)) return;
    }
    if (stream_->submit(receive_)) receive_.complete_later(server_.loop, receive_.result);
}

void Connection::on_received() noexcept {
    begin_turn();
    if (receive_.result > 0) {
        received_bytes(as_text(receive_.received()));
        if (phase_ == Phase::kReading && parser_.in_progress()) refuse_if_too_much();
    } else if (receive_.result == 0) {
        peer_finished_ = true;
        received_end();
    } else {
        client_gone();
    }
    delete_if_over();
}

/// What is left is a head that is incomplete: where the connections hold too much already, it is not waited for.
void Connection::refuse_if_too_much() {
    account();
    if (!server_.holds_too_much()) return;
    ++server_.limits.buffered;
    server_.log_refusal("requests", "max_buffered_bytes");
    fail_request(503, "the server is busy");
}

void Connection::received_bytes(std::string_view bytes) {
    switch (phase_) {
        case Phase::kReading:
            if (input_.empty() && !send_.pending()) {
                std::size_t used = handle_requests(bytes);
                keep_rest(bytes.substr(used));
            } else {
                input_.erase(0, std::exchange(input_start_, 0));
                input_.append(bytes);
            }
            continue_reading();
            break;
        case Phase::kHandling:
            active_->incoming.append(bytes);
            active_->body_arrived.set();
            receive();
            break;
        case Phase::kDraining:
            active_->incoming.append(bytes);
            drain();
            break;
        case Phase::kFlushing:
        case Phase::kLingering:
            lingered_ += bytes.size();
            if (lingered_ > kLingerLimit) {
                close();
            } else {
                receive();
            }
            break;
        case Phase::kClosed:
            break;
    }
}

void Connection::received_end() {
    switch (phase_) {
        case Phase::kReading:
            continue_reading();
            break;
        case Phase::kHandling:
            active_->body_arrived.set();  // a reader finds what came before, and then the end
            // The client may have closed, or only finished sending and wait for its answer: TCP does not tell. An
            // interim response does: whoever has closed answers it with a reset, whoever waits must ignore it
            // (RFC 9110 section 15.2). HTTP/1.0 knows none; such a client is taken to wait.
            if (!responded_ && active_->head.minor_version >= 1) send_continue();
            break;
        case Phase::kDraining:
        case Phase::kFlushing:
        case Phase::kLingering:
            if (send_.pending()) {
                linger_ = false;  // closes once it is sent
                phase_ = Phase::kFlushing;
            } else {
                close();
            }
            break;
        case Phase::kClosed:
            break;
    }
}

void Connection::begin_turn() noexcept {
    left_in_turn_ = std::max<std::size_t>(server_.options.requests_per_turn(), 1);
}

/// Another turn for the requests that are left in input_.
void Connection::on_turn() noexcept {
    begin_turn();
    continue_reading();
    delete_if_over();
}

/// Handles what is in input_ as long as requests are answered at once, and then waits for what comes next.
void Connection::continue_reading() {
    if (processing_) return;
    processing_ = true;
    while (phase_ == Phase::kReading && !input_.empty() && !send_.pending() && left_in_turn_ != 0) {
        in_input_ = true;
        std::size_t used = handle_requests(std::string_view(input_).substr(input_start_));
        in_input_ = false;
        if (std::exchange(rest_taken_, false)) continue;  // next_request() has given back what follows
        if (used == 0) break;                             // the beginning of a head
        input_start_ += used;
        if (input_start_ == input_.size()) {
            input_.clear();
            input_start_ = 0;
        }
    }
    processing_ = false;
    if (phase_ == Phase::kReading) {
        if (input_.empty()) release(input_);
        if (send_.pending()) return;  // while answers lie unsent no further requests are read
        if (left_in_turn_ == 0 && !input_.empty()) return server_.loop.schedule(turn_);
        if (peer_finished_) return close_after_flush();
        arm_read_timer();
    }
    receive();
}

/// Keeps what handle_requests() left over; where an active request took it, that request has given it back.
void Connection::keep_rest(std::string_view rest) {
    if (std::exchange(rest_taken_, false) || rest.empty()) return;
    input_.assign(rest);
    input_start_ = 0;
}

/// Handles the requests in `input`, which stays in place meanwhile; returns how many bytes of it were used. The answers
/// of all of them are sent together.
std::size_t Connection::handle_requests(std::string_view input) {
    bool nested = std::exchange(processing_, true);
    corked_ = true;
    rest_taken_ = false;
    std::size_t position = 0;
    while (phase_ == Phase::kReading && !rest_taken_ && position < input.size() && !send_.pending() &&
           left_in_turn_ != 0) {
        std::string_view rest = input.substr(position);
        auto parsed = parser_.parse_request(rest, server_.head, server_.fields);
        if (parsed.state == http::h1::ParseResult::kNeedMore) break;
        if (parsed.state == http::h1::ParseResult::kError) {
            refuse(parsed.error);
            break;
        }
        position += parsed.consumed;
        head_text_ = rest.substr(0, parsed.consumed);
        unparsed_ = rest.substr(parsed.consumed);
        begin_exchange();
        answer_request();
        // A request without a task has been answered by now; one with a task ends its exchange itself.
        if (phase_ == Phase::kHandling && (active_ == nullptr || !active_->task)) end_exchange();
        if (server_.cork.size() >= kCorkLimit) flush();
    }
    unparsed_ = head_text_ = {};
    corked_ = false;
    processing_ = nested;
    flush();
    return position;
}

void Connection::begin_exchange() {
    const http::h1::RequestHead& request = server_.head;
    phase_ = Phase::kHandling;
    head_started_ = fresh_ = false;
    responded_ = false;
    --left_in_turn_;
    ++requests_;
    keep_alive_ = request.keep_alive && !server_.stopping && requests_ != server_.options.max_requests();
    started_ = server_.loop.now().time_since_epoch().count();
    ++server_.request_count;
    path_ = request.path;
    query_ = request.query;
}

/// Has the service answer, but for what is the server's own business: methods that no service has, and targets that are
/// not its own.
void Connection::answer_request() {
    const http::h1::RequestHead& request = server_.head;
    // All methods but those that a service may have come last.
    if (request.method < http::Method::kTrace && request.target.front() == '/') [[likely]] {
        return server_.service.serve(*this);
    }
    const auto refuse_with = [this](int status, const std::string& reason) {
        log::info(std::to_string(status) + " to " + stream_->peer() + ": " + reason);
        respond({status, "text/plain; charset=UTF-8", {}}, reason + "\n", nullptr);
    };
    if (request.method >= http::Method::kTrace) {
        // RFC 9110 9.1. A TRACE would show a script what its browser hides. After a CONNECT that was refused, the bytes
        // that follow may be meant for the tunnel and are not read as requests.
        if (request.method == http::Method::kConnect) {
            keep_alive_ = false;
            linger_ = true;
        }
        refuse_with(501, "method not implemented");
    } else if (request.https_target) {
        refuse_with(421, "this connection is not for https");  // RFC 9110 7.4
    } else if (request.target == "*") {
        respond({204, {}, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"}, {}, nullptr);  // RFC 9110 9.3.7
    } else {
        server_.service.serve(*this);
    }
}

void Connection::arm_read_timer() noexcept {
    const ServerOptions& options = server_.options;
    TimePoint now = server_.loop.now();
    auto arm = [&](ServerOptions::Milliseconds timeout) {
        if (timeout.count() > 0) {
            read_timer_.arm(server_.loop, now + timeout);
        } else {
            read_timer_.disarm();
        }
    };
    if (server_.stopping && input_.empty()) {
        head_started_ = false;  // a head that begins within the grace gets its full time
        auto grace = std::min(options.shutdown_idle_timeout(), options.shutdown_timeout());
        read_timer_.arm(server_.loop, now + grace);
    } else if (!input_.empty() || fresh_) {
        if (!std::exchange(head_started_, true)) arm(options.header_timeout());
    } else {
        arm(options.keep_alive_timeout());
    }
}

/// The timer is not disarmed when a head is complete, which would cost every request something: where it fires, it may
/// be left from before.
void Connection::on_read_timer() noexcept {
    switch (phase_) {
        case Phase::kReading:
            // Armed anew once the answer is sent, for which write_timer_ is responsible; or after this turn.
            if (send_.pending() || turn_.scheduled()) break;
            if (input_.empty()) {
                close();
            } else {
                ++server_.limits.head_deadline;
                fail_request(408, "the request's head took too long", "header_timeout");
                flush();
            }
            break;
        case Phase::kHandling:
            // It may be left from before; and is moved lazily, so that it is looked at here.
            if (active_ != nullptr && active_->body_deadline && server_.loop.now() >= *active_->body_deadline) {
                active_->body_timed_out = true;
                active_->body_arrived.set();
            }
            break;
        case Phase::kDraining:
        case Phase::kLingering:
            close();
            break;
        case Phase::kFlushing:  // write_timer_ is responsible
        case Phase::kClosed:
            break;
    }
    delete_if_over();
}

void Connection::refuse(const http::h1::ParseError& error) {
    std::string_view limit;
    if (error.status == 414) {
        ++server_.limits.target;
        limit = "max_target_bytes";
    } else if (error.status == 431) {
        ++server_.limits.head;
        limit = "max_head_bytes, max_fields";
    }
    fail_request(error.status, error.reason, limit);
}

/// Answers a request that can't be read, and closes: nothing after it can be told apart.
void Connection::fail_request(int status, std::string_view reason, std::string_view limit) {
    // Refused connections (503) may come by the thousand: Server::State::accepted() logs one line a second.
    if (status != 503) {
        std::string named = limit.empty() ? std::string() : " (" + std::string(limit) + ")";
        log::info(std::to_string(status) + " to " + stream_->peer() + ": " + std::string(reason) + named);
    }
    keep_alive_ = false;
    responded_ = true;
    linger_ = true;
    std::string body(reason);
    body += '\n';
    std::string_view fields = status == 503 ? "Retry-After: 1\r\n" : "";
    append_head(server_.cork, {status, "text/plain; charset=UTF-8", fields}, http::h1::Framing::kLength, body.size());
    if (parser_.method() != http::Method::kHead) server_.cork += body;
    close_after_flush();
}

// ---- the end of an exchange

void Connection::on_handler_done() noexcept {
    begin_turn();
    take_result();
    end_exchange();
    if (phase_ == Phase::kReading) continue_reading();
    delete_if_over();
}

void Connection::end_exchange() {
    if (gone_) return close();
    if (!responded_) {
        answer_unanswered();
        if (phase_ == Phase::kClosed) return;  // sending it failed
    }
    using Streaming = ActiveRequest::Streaming;
    if (active_ != nullptr && active_->streaming != Streaming::kNo && active_->streaming != Streaming::kFinished) {
        return close();  // cut short: the client sees that the body is incomplete
    }
    bool unread = active_ != nullptr && active_->decoder ? !active_->body_done : has_body();
    if (!keep_alive_) {
        linger_ = linger_ || unread || !unparsed_.empty() || (active_ != nullptr && !active_->incoming.empty());
        return close_after_flush();
    }
    if (!unread) return next_request();
    activate();
    active_->task.reset();
    phase_ = Phase::kDraining;
    if (auto timeout = server_.options.body_timeout(); timeout.count() > 0) {
        read_timer_.arm(server_.loop, server_.loop.now() + timeout);
    } else {
        read_timer_.disarm();
    }
    drain();
}

/// Reads and drops what the handler left of the body, so that the next request can be found.
void Connection::drain() {
    try {
        while (auto piece = next_piece()) {
            active_->drained += piece->size();
            if (active_->drained > server_.options.max_drained_bytes()) {
                linger_ = true;
                return close_after_flush();
            }
            if (piece->empty()) {  // all that has come is dropped
                if (!processing_) flush();
                receive();
                return;
            }
        }
    } catch (const BodyError&) {
        linger_ = true;
        return close_after_flush();
    }
    next_request();
    if (phase_ == Phase::kReading) continue_reading();
}

void Connection::next_request() {
    phase_ = Phase::kReading;
    if (active_ != nullptr) {
        // What was received behind the request moves back, without a copy: there may be many to come.
        active_->current += active_->incoming;
        if (active_->position == active_->current.size()) {
            active_->current.clear();
            active_->position = 0;
        }
        input_.swap(active_->current);
        input_start_ = active_->position;
        server_.give_back(std::move(active_));
    }
    if (!corked_) flush();
}

void Connection::close_after_flush() {
    phase_ = Phase::kFlushing;
    if (!corked_) flush();
}

/// Everything is sent: says so to the client, and closes, or waits for the client to close first.
void Connection::finish_closing() {
    if (phase_ != Phase::kFlushing || corked_) return;
    if (!linger_ || peer_finished_) return close();
    phase_ = Phase::kLingering;
    stream_->shutdown_write();
    read_timer_.arm(server_.loop, server_.loop.now() + server_.options.linger_timeout());
    receive();
}

// ---- stopping

void Connection::begin_stop() {
    if (phase_ == Phase::kReading) arm_read_timer();
}

void Connection::cut_off() {
    if (phase_ == Phase::kHandling && active_ != nullptr && active_->cancellation) {
        if (active_->cut == ActiveRequest::Cut::kNot) active_->cut = ActiveRequest::Cut::kStopping;
        keep_alive_ = false;
        active_->cancellation->request();
        return;
    }
    close();
    delete_if_over();
}

void Connection::abort() noexcept {
    client_gone();
    delete_if_over();
}

// ---- writing

/// Sends what the server's cork holds, which is all from this connection, and the body that goes with it.
void Connection::flush() {
    std::string& cork = server_.cork;
    if (gone_ || phase_ == Phase::kClosed) {
        cork.clear();
        return;
    }
    if (send_.pending()) {
        queued_ += cork;
        cork.clear();
        return;
    }
    const std::string_view body = out_owner_ != nullptr ? out_shared_ : std::string_view(out_body_);
    if (!cork.empty() || !body.empty()) {
        out_pieces_ = {as_bytes(cork), as_bytes(body)};
        send_.pieces = std::span(out_pieces_).first(body.empty() ? 1 : 2);
        if (!stream_->submit(send_)) {
            out_ = std::move(cork);  // on the heap, so its bytes stay where they are
            cork = server_.new_cork();
            arm_write_timer(send_.sent);
            return;
        }
        cork.clear();
        release_body();
        if (send_.result < 0) return client_gone();
    }
    finish_closing();
}

void Connection::release_body() noexcept {
    release(out_body_);
    out_shared_ = {};
    out_owner_.reset();
}

void Connection::on_sent() noexcept {
    begin_turn();
    disarm_write_timer();
    release(out_);
    release_body();
    if (send_.result < 0) {
        client_gone();
    } else {
        if (!queued_.empty()) server_.cork += std::exchange(queued_, {});
        flush();
        if (!send_.pending()) {
            if (active_ != nullptr) active_->sent.set();
            if (phase_ == Phase::kReading) continue_reading();
        }
    }
    delete_if_over();
}

/// Follows the progress of `sent`, until disarm_write_timer().
void Connection::arm_write_timer(const std::size_t& sent) noexcept {
    sent_ = &sent;
    sent_before_ = sent;
    if (auto timeout = server_.options.write_timeout(); timeout.count() > 0) {
        write_timer_.arm(server_.loop, server_.loop.now() + timeout);
    }
}

void Connection::disarm_write_timer() noexcept {
    sent_ = nullptr;
    write_timer_.disarm();
}

void Connection::on_write_timer() noexcept {
    const ServerOptions& options = server_.options;
    auto enough = options.min_write_rate() * static_cast<std::uint64_t>(options.write_timeout().count()) / 1000;
    if (*sent_ - sent_before_ >= std::max<std::uint64_t>(enough, 1)) return arm_write_timer(*sent_);
    ++server_.limits.write_deadline;
    log::info("closing the connection to " + stream_->peer() + ": it reads too slowly (write_timeout, min_write_rate)");
    stream_->drop_unsent_at_close();
    client_gone();
    delete_if_over();
}

void Connection::on_hangup() noexcept {
    if (hangup_.result == 0) {
        // In other phases what was received before is still gone through; a request that would wait is cancelled then.
        hung_up_ = true;
        if (phase_ == Phase::kHandling) client_gone();
    }
    delete_if_over();
}

/// The client does not listen any more: cancels the handler, or closes.
void Connection::client_gone() noexcept {
    gone_ = true;
    if (phase_ == Phase::kHandling && active_ != nullptr && active_->task) {
        if (active_->cut == ActiveRequest::Cut::kNot) active_->cut = ActiveRequest::Cut::kGone;
        active_->sent.set();
        active_->gone_peer = stream_->peer();
        active_->cancellation->request();
        stream_->close();
    } else {
        close();
    }
}

void Connection::close() noexcept {
    phase_ = Phase::kClosed;
    gone_ = true;
    read_timer_.disarm();
    disarm_write_timer();
    turn_.unlink();
    stream_->close();
    if (active_ != nullptr) server_.give_back(std::move(active_));
}

/// Counts the bytes that this connection holds with those of the others.
void Connection::account() noexcept {
    std::size_t held = input_.size() + out_.size() + out_body_.size() + queued_.size();
    if (active_ != nullptr) held += active_->current.size() + active_->incoming.size();
    server_.buffered += held - held_;
    held_ = held;
}

/// Called last by every event: nothing may touch the connection after it.
void Connection::delete_if_over() noexcept {
    account();
    if (phase_ == Phase::kClosed && !receive_.pending() && !send_.pending() && !hangup_.pending() && !corked_) {
        delete this;
    }
}

}  // namespace caropig::server
