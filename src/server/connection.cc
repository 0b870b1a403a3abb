#include "server/connection.h"

#include "server/activity.h"
#include "server/memory.h"
#include <caropig/base/log.h>
#include <caropig/base/prefetch.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caropig::server {
namespace {

constexpr std::size_t kCorkLimit = std::size_t{64} * 1024;      // answers collected before they are sent
constexpr std::size_t kLingerLimit = std::size_t{1024} * 1024;  // bytes dropped while closing

}  // namespace

static_assert(sizeof(Connection) <= 168, "there may be tens of thousands that are idle");

Connection::Connection(Server::State& server, std::unique_ptr<net::Stream> stream)
    : ReceiveOperation([](Operation& self) noexcept { static_cast<Connection&>(self).on_received(); }),
      Timer([](Timer& self) noexcept { static_cast<Connection&>(self).on_read_timer(); }),
      server_(server),
      stream_(std::move(stream)) {}

Connection::~Connection() {
    if (refused_) --server_.refused_count;
    if (address_ != nullptr && --address_->second == 0) server_.addresses.erase(address_->first);
    server_.remove(*this);
    if (closed_event != nullptr) closed_event->set();
}

void Connection::start() {
    arm_read_timer();
    receive();
}

void Connection::start_refused() {
    refused_ = true;
    activate();
    ++server_.refused_count;
    fail_request(503, "too many connections");
    flush();
    settle();
}

void Connection::prefetch_parts() const noexcept {
    detail::prefetch<Activity::kUsedAtTheEnd>(activity_);
    detail::prefetch<detail::kCacheLine>(stream_.get());
}

// ---- reading

/// Gives it what it needs while something is going on; settle() takes it away again.
Activity& Connection::activate() {
    if (activity_ == nullptr) {
        activity_ = &server_.take_activity();
        activity_->attach(*this);
    }
    return *activity_;
}

void Connection::receive() noexcept {
    if (phase_ == Phase::kClosed || gone_ || ReceiveOperation::pending()) return;
    if (phase_ == Phase::kHandling) {
        // Backpressure: reading goes on when the handler has read. Without an active request nothing waits.
        // Requests that wait behind this one count too, or each of them would let in as much again.
        const ActiveRequest* active = activity_->active.get();
        if (active == nullptr) return;
        std::size_t ahead = active->current.size() - active->position + active->incoming.size();
        std::size_t allowed = server_.holds_too_much() ? 0 : server_.options.read_ahead_bytes();
        // After an upgrade it is the handler who receives.
        if (peer_finished_ || active->upgraded || ahead >= std::max<std::size_t>(allowed, 1)) return watch_for_hangup();
    }
    if (peer_finished_) return;
    ReceiveOperation& receiving = *this;
    if (stream_->submit(receiving)) receiving.complete_later(server_.loop, receiving.result);
}

/// A receive that is pending tells of a client that leaves; while there is none, this does.
void Connection::watch_for_hangup() noexcept {
    Activity::Hangup& hangup = activity_->hangup;
    if (!activity_->active->task || hangup.pending()) return;
    activity_->watches_hangup = true;
    if (stream_->submit(hangup)) hangup.complete_later(server_.loop, hangup.result);
}

void Connection::on_received() noexcept {
    const ReceiveOperation& receiving = *this;
    activate();
    begin_turn();
    if (receiving.result > 0) {
        received_bytes(as_text(receiving.received()));
        if (phase_ == Phase::kReading && activity_->parser.in_progress()) refuse_if_too_much();
    } else if (receiving.result == 0) {
        peer_finished_ = true;
        received_end();
    } else if (receiving.result == -ECANCELED && upgraded() && !gone_) {
        activity_->active->body_arrived.set();  // upgrade() waits for it
    } else {
        client_gone();
    }
    settle();
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
            if (activity_->input.empty() && !activity_->output.pending()) {
                std::size_t used = handle_requests(bytes);
                keep_rest(bytes.substr(used));
            } else {
                activity_->input.erase(0, std::exchange(activity_->input_start, 0));
                activity_->input.append(bytes);
            }
            continue_reading();
            break;
        case Phase::kHandling:
            activity_->active->incoming.append(bytes);
            activity_->active->body_arrived.set();
            receive();
            break;
        case Phase::kDraining:
            activity_->active->incoming.append(bytes);
            drain();
            break;
        case Phase::kFlushing:
        case Phase::kLingering:
            activity_->lingered += bytes.size();
            if (activity_->lingered > kLingerLimit) {
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
            activity_->active->body_arrived.set();  // a reader finds what came before, and then the end
            // The client may have closed, or only finished sending and wait for its answer: TCP does not tell. An
            // interim response does: whoever has closed answers it with a reset, whoever waits must ignore it
            // (RFC 9110 section 15.2). HTTP/1.0 knows none; such a client is taken to wait.
            if (!activity_->responded_ && activity_->active->head.minor_version >= 1) send_continue();
            receive();
            break;
        case Phase::kDraining:
        case Phase::kFlushing:
        case Phase::kLingering:
            if (activity_->output.pending()) {
                activity_->linger = false;  // closes once it is sent
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
    activity_->left_in_turn = std::max<std::size_t>(server_.options.requests_per_turn(), 1);
}

/// Another turn for the requests that are left in activity_->input.
void Connection::on_turn() noexcept {
    begin_turn();
    continue_reading();
    settle();
}

/// Handles what is in activity_->input as long as requests are answered at once, and then waits for what comes next.
void Connection::continue_reading() {
    Activity& activity = *activity_;
    if (activity.processing) return;
    activity.processing = true;
    while (phase_ == Phase::kReading && !activity.input.empty() && !activity.output.pending() &&
           activity.left_in_turn != 0) {
        activity.in_input = true;
        std::size_t used = handle_requests(std::string_view(activity.input).substr(activity.input_start));
        activity.in_input = false;
        if (std::exchange(activity.rest_taken, false)) continue;  // next_request() has given back what follows
        if (used == 0) break;                                     // the beginning of a head
        activity.input_start += used;
        if (activity.input_start == activity.input.size()) {
            release(activity.input);
            activity.input_start = 0;
        }
    }
    activity.processing = false;
    if (phase_ == Phase::kReading) {
        if (activity.output.pending()) return;  // while answers lie unsent no further requests are read
        if (activity.left_in_turn == 0 && !activity.input.empty()) return server_.loop.schedule(activity.turn);
        if (peer_finished_) return close_after_flush();
        arm_read_timer();
    }
    receive();
}

/// Keeps what handle_requests() left over; where an active request took it, that request has given it back.
void Connection::keep_rest(std::string_view rest) {
    Activity& activity = *activity_;
    if (std::exchange(activity.rest_taken, false) || rest.empty()) return;
    activity.input.assign(rest);
    activity.input_start = 0;
}

/// Handles the requests in `input`, which stays in place meanwhile; returns how many bytes of it were used. The answers
/// of all of them are sent together.
std::size_t Connection::handle_requests(std::string_view input) {
    Activity& activity = *activity_;
    bool nested = std::exchange(activity.processing, true);
    activity.corked = true;
    activity.rest_taken = false;
    std::size_t position = 0;
    while (phase_ == Phase::kReading && !activity.rest_taken && position < input.size() && !activity.output.pending() &&
           activity.left_in_turn != 0) {
        std::string_view rest = input.substr(position);
        auto parsed = activity.parser.parse_request(rest, server_.head, server_.fields);
        if (parsed.state == http::h1::ParseResult::kNeedMore) break;
        if (parsed.state == http::h1::ParseResult::kError) {
            refuse(parsed.error);
            break;
        }
        position += parsed.consumed;
        activity.head_text = rest.substr(0, parsed.consumed);
        activity.unparsed = rest.substr(parsed.consumed);
        begin_exchange();
        answer_request();
        // A request without a task has been answered by now; one with a task ends its exchange itself.
        if (phase_ == Phase::kHandling && (activity.active == nullptr || !activity.active->task)) end_exchange();
        if (server_.cork.size() >= kCorkLimit) flush();
    }
    activity.unparsed = {};
    activity.head_text = {};
    activity.corked = false;
    activity.processing = nested;
    flush();
    return position;
}

void Connection::begin_exchange() {
    Activity& activity = *activity_;
    const http::h1::RequestHead& request = server_.head;
    phase_ = Phase::kHandling;
    head_started_ = false;
    activity.responded_ = false;
    activity.head = &request;
    --activity.left_in_turn;
    ++requests_;
    activity.keep_alive = request.keep_alive && !server_.stopping && requests_ != server_.options.max_requests();
    activity.started_ = server_.loop.now().time_since_epoch().count();
    ++server_.request_count;
    activity.path_ = request.path;
    activity.query_ = request.query;
}

/// Has the service answer, but for what is the server's own business: methods that no service has, and targets that are
/// not its own.
void Connection::answer_request() {
    const http::h1::RequestHead& request = server_.head;
    // All methods but those that a service may have come last.
    if (request.method < http::Method::kTrace && request.target.front() == '/') [[likely]] {
        return server_.service.serve(*activity_);
    }
    const auto refuse_with = [this](int status, const std::string& reason) {
        log::info(std::to_string(status) + " to " + stream_->peer() + ": " + reason);
        respond({status, "text/plain; charset=UTF-8", {}}, reason + "\n", nullptr);
    };
    if (request.method >= http::Method::kTrace) {
        // RFC 9110 9.1. A TRACE would show a script what its browser hides. After a CONNECT that was refused, the bytes
        // that follow may be meant for the tunnel and are not read as requests.
        if (request.method == http::Method::kConnect) {
            activity_->keep_alive = false;
            activity_->linger = true;
        }
        refuse_with(501, "method not implemented");
    } else if (request.https_target) {
        refuse_with(421, "this connection is not for https");  // RFC 9110 7.4
    } else if (request.target == "*") {
        respond({204, {}, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"}, {}, nullptr);  // RFC 9110 9.3.7
    } else {
        server_.service.serve(*activity_);
    }
}

void Connection::arm_read_timer() noexcept {
    const ServerOptions& options = server_.options;
    TimePoint now = server_.loop.now();
    auto arm = [&](ServerOptions::Milliseconds timeout) {
        if (timeout.count() > 0) {
            arm_timer(now + timeout);
        } else {
            Timer::disarm();
        }
    };
    if (server_.stopping && !has_input()) {
        head_started_ = false;  // a head that begins within the grace gets its full time
        auto grace = std::min(options.shutdown_idle_timeout(), options.shutdown_timeout());
        arm_timer(now + grace);
    } else if (has_input() || fresh()) {
        if (!head_started_) arm(options.header_timeout());
        head_started_ = true;
    } else {
        arm(options.keep_alive_timeout());
    }
}

/// The timer is not disarmed when a head is complete, which would cost every request something: where it fires, it may
/// be left from before.
void Connection::on_read_timer() noexcept {
    switch (phase_) {
        case Phase::kReading:
            // Armed anew once the answer is sent, for which the output is responsible; or after this turn.
            if (activity_ != nullptr && (activity_->output.pending() || activity_->turn.scheduled())) break;
            if (!has_input()) {
                close();
            } else {
                ++server_.limits.head_deadline;
                fail_request(408, "the request's head took too long", "header_timeout");
                flush();
            }
            break;
        case Phase::kHandling:
            // It may be left from before; and is moved lazily, so that it is looked at here.
            if (activity_->active != nullptr && activity_->active->body_deadline &&
                server_.loop.now() >= *activity_->active->body_deadline) {
                activity_->active->body_timed_out = true;
                activity_->active->body_arrived.set();
            }
            break;
        case Phase::kDraining:
        case Phase::kLingering:
            close();
            break;
        case Phase::kFlushing:  // the output is responsible
        case Phase::kClosed:
            break;
    }
    settle();
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
    Activity& activity = *activity_;
    // Refused connections (503) may come by the thousand: Server::State::accepted() logs one line a second.
    if (status != 503) {
        std::string named = limit.empty() ? std::string() : " (" + std::string(limit) + ")";
        log::info(std::to_string(status) + " to " + stream_->peer() + ": " + std::string(reason) + named);
    }
    activity.keep_alive = false;
    activity.responded_ = true;
    activity.linger = true;
    std::string body(reason);
    body += '\n';
    std::string_view fields = status == 503 ? "Retry-After: 1\r\n" : "";
    append_head(server_.cork, {status, "text/plain; charset=UTF-8", fields}, http::h1::Framing::kLength, body.size(),
                activity.parser.method() != http::Method::kHead ? std::string_view(body) : std::string_view());
    close_after_flush();
}

// ---- the end of an exchange

void Connection::on_handler_done() noexcept {
    begin_turn();
    take_result();
    end_exchange();
    if (phase_ == Phase::kReading) continue_reading();
    settle();
}

void Connection::end_exchange() {
    Activity& activity = *activity_;
    if (gone_) return close();
    if (!activity.responded_) {
        answer_unanswered();
        if (phase_ == Phase::kClosed) return;  // sending it failed
    }
    using Streaming = ActiveRequest::Streaming;
    const ActiveRequest* active = activity.active.get();
    if (active != nullptr && active->streaming != Streaming::kNo && active->streaming != Streaming::kFinished) {
        return close();  // cut short: the client sees that the body is incomplete
    }
    bool unread = active != nullptr ? !active->body_done : activity.head->has_body();
    if (active != nullptr && active->upgraded) activity.linger = true;
    if (!activity.keep_alive) {
        activity.linger =
            activity.linger || unread || !activity.unparsed.empty() || (active != nullptr && !active->incoming.empty());
        return close_after_flush();
    }
    if (!unread) return next_request();
    activate_request().task.reset();
    phase_ = Phase::kDraining;
    if (auto timeout = server_.options.body_timeout(); timeout.count() > 0) {
        arm_timer(server_.loop.now() + timeout);
    } else {
        Timer::disarm();
    }
    drain();
}

/// Reads and drops what the handler left of the body, so that the next request can be found.
void Connection::drain() {
    ActiveRequest& active = *activity_->active;
    try {
        while (auto piece = next_piece()) {
            active.drained += piece->size();
            if (active.drained > server_.options.max_drained_bytes()) {
                activity_->linger = true;
                return close_after_flush();
            }
            if (piece->empty()) {  // all that has come is dropped
                if (!activity_->processing) flush();
                receive();
                return;
            }
        }
    } catch (const BodyError&) {
        activity_->linger = true;
        return close_after_flush();
    }
    next_request();
    if (phase_ == Phase::kReading) continue_reading();
}

void Connection::next_request() {
    phase_ = Phase::kReading;
    if (activity_->active != nullptr) {
        take_back_rest(*activity_->active);
        give_back_request();
    }
    if (!activity_->corked) flush();
}

/// What was received behind the request moves back, without a copy: there may be many to come.
void Connection::take_back_rest(ActiveRequest& active) {
    Activity& activity = *activity_;
    if (active.current.empty() && active.incoming.empty() && activity.input.empty()) return;
    active.current += active.incoming;
    if (active.position == active.current.size()) {
        active.current.clear();
        active.position = 0;
    }
    activity.input.swap(active.current);
    if (activity.input.empty()) release(activity.input);
    activity.input_start = active.position;
}

void Connection::give_back_request() noexcept {
    activity_->head = &server_.head;
    server_.give_back(std::move(activity_->active));
}

void Connection::close_after_flush() {
    phase_ = Phase::kFlushing;
    if (!activity_->corked) flush();
}

/// Everything is sent: says so to the client, and closes, or waits for the client to close first.
void Connection::finish_closing() {
    if (phase_ != Phase::kFlushing || activity_->corked) return;
    if (!activity_->linger || peer_finished_) return close();
    phase_ = Phase::kLingering;
    stream_->shutdown_write();
    arm_timer(server_.loop.now() + server_.options.linger_timeout());
    receive();
}

// ---- stopping

void Connection::begin_stop() {
    if (phase_ == Phase::kReading) {
        arm_read_timer();
    } else if (upgraded()) {
        cut_off();  // it may never end by itself
    }
}

void Connection::cut_off() {
    ActiveRequest* active = activity_ != nullptr ? activity_->active.get() : nullptr;
    if (phase_ == Phase::kHandling && active != nullptr && active->cancellation) {
        if (active->cut == ActiveRequest::Cut::kNot) active->cut = ActiveRequest::Cut::kStopping;
        activity_->keep_alive = false;
        active->cancellation->request();
        return;
    }
    close();
    settle();
}

void Connection::abort() noexcept {
    client_gone();
    settle();
}

// ---- writing

/// Sends what the server's cork holds, which is all from this connection, and the body that goes with it.
void Connection::flush() {
    if (gone_ || phase_ == Phase::kClosed) {
        server_.cork.clear();
        return;
    }
    switch (activity_->output.flush(*stream_)) {
        case Output::Outcome::kSent:
            return finish_closing();
        case Output::Outcome::kFailed:
            return client_gone();
        case Output::Outcome::kPending:
            return;
    }
}

void Connection::on_sent(bool taken) noexcept {
    begin_turn();
    if (!taken) {
        client_gone();
    } else {
        flush();
        if (!activity_->output.pending()) {
            if (activity_->active != nullptr) activity_->active->sent.set();
            if (phase_ == Phase::kReading) continue_reading();
        }
    }
    settle();
}

void Connection::on_slow_reader() noexcept {
    ++server_.limits.write_deadline;
    log::info("closing the connection to " + stream_->peer() + ": it reads too slowly (write_timeout, min_write_rate)");
    stream_->drop_unsent_at_close();
    client_gone();
    settle();
}

// ---- the end

void Connection::on_hangup() noexcept {
    if (phase_ == Phase::kHandling) {
        if (activity_->hangup.result == 0) {
            client_gone();
        } else {
            receive();  // it was cancelled for an earlier request
        }
    }
    settle();
}

/// The client does not listen any more: cancels the handler, or closes.
void Connection::client_gone() noexcept {
    gone_ = true;
    ActiveRequest* active = activity_ != nullptr ? activity_->active.get() : nullptr;
    if (phase_ == Phase::kHandling && active != nullptr && active->task) {
        if (active->cut == ActiveRequest::Cut::kNot) active->cut = ActiveRequest::Cut::kGone;
        active->sent.set();
        active->body_arrived.set();
        if (active->upgraded) active->upgraded->tell_hangup();
        active->gone_peer = stream_->peer();
        active->cancellation->request();
        stream_->close();
    } else {
        close();
    }
}

void Connection::close() noexcept {
    phase_ = Phase::kClosed;
    gone_ = true;
    Timer::disarm();
    stream_->close();
    if (activity_ == nullptr) return;
    activity_->output.stop_following();
    activity_->turn.unlink();
    if (activity_->active != nullptr) give_back_request();
}

/// Counts the bytes that this connection holds with those of the others.
void Connection::account() noexcept {
    Activity& activity = *activity_;
    std::size_t held = activity.input.size() + activity.output.size();
    if (const ActiveRequest* active = activity.active.get(); active != nullptr) {
        held += active->current.size() + active->incoming.size();
    }
    server_.buffered += held - activity.held;
    activity.held = held;
}

/// Called last by every event: nothing may touch the connection after it. Gives back what an idle connection does not
/// need, and the connection itself once it is over.
void Connection::settle() noexcept {
    if (activity_ != nullptr) {
        Activity& activity = *activity_;
        const bool pending = activity.output.pending();
        const bool idle = phase_ == Phase::kReading && activity.input.empty() && !pending;
        if (!idle || activity.held != 0) account();
        if (pending || activity.corked || !(idle || phase_ == Phase::kClosed)) return;
        if (activity.watches_hangup) [[unlikely]] {
            if (activity.hangup.pending()) {
                if (idle) stream_->cancel(activity.hangup);
                return;
            }
            activity.watches_hangup = false;
        }
        if (!idle) {
            server_.buffered -= std::exchange(activity.held, 0);
            activity.reset();
        }
        activity_ = nullptr;
        server_.give_back(activity);
    }
    if (phase_ == Phase::kClosed && !ReceiveOperation::pending()) server_.destroy(*this);
}

}  // namespace caropig::server
