#include "base/read_file.h"
#include "http/h1/writer.h"
#include "net/io_awaiter.h"
#include "server/activity.h"
#include "server/connection.h"
#include "server/forwarding.h"
#include <caropig/async/waiter.h>
#include <caropig/base/log.h>
#include <caropig/http/status.h>
#include <caropig/net/networks.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

namespace caropig::server {
namespace {

constexpr std::size_t kMovedBody = std::size_t{16} * 1024;  // a body of this size is sent from where it is, not copied

constexpr std::string_view kBodyLimit = "max_body_bytes";

// RFC 9110 15.3.5 and 15.4.5; 205 may say that there is nothing, but not have anything (15.3.6).
bool status_is_framed(int status) noexcept { return status != 204 && status != 304; }
bool status_has_body(int status) noexcept { return status_is_framed(status) && status != 205; }

// Written to a client that takes it as fast as it comes, before others have their turn: at most, and where the loop has
// been busy for a while already.
constexpr std::size_t kWrittenInARow = std::size_t{256} * 1024;
constexpr std::size_t kWrittenWhenBusy = std::size_t{64} * 1024;
// Of a file that is not sent by itself.
constexpr std::size_t kCopiedPiece = std::size_t{128} * 1024;

}  // namespace

// ---- what the web layer sees

Activity& Exchange::activity() noexcept { return static_cast<Activity&>(*this); }
const Activity& Exchange::activity() const noexcept { return static_cast<const Activity&>(*this); }
Connection& Exchange::connection() const noexcept { return *activity().connection; }

http::Method Exchange::method() const noexcept { return activity().head->method; }
std::string_view Exchange::method_text() const noexcept { return activity().head->method_text; }
std::string_view Exchange::target() const noexcept { return activity().head->target; }
std::string_view Exchange::host() const noexcept { return activity().head->host; }
int Exchange::minor_version() const noexcept { return activity().head->minor_version; }
http::HeadersView Exchange::headers() const noexcept { return activity().head->fields; }
std::string Exchange::peer() const {
    const ActiveRequest* active = activity().active.get();
    if (active != nullptr && !active->gone_peer.empty()) return active->gone_peer;
    return connection().stream_->peer();
}
ClientInfo Exchange::client() const {
    const std::string peer = this->peer();
    ClientInfo direct;
    direct.ip = net::ip_of_peer(peer);
    direct.host = host();
    if (!trusts_proxies()) return direct;
    return follow_proxies(connection().server_.options.proxies(), peer, std::move(direct), headers());
}
bool Exchange::trusts_proxies() const noexcept { return !connection().server_.options.proxies().trusted().empty(); }
Loop& Exchange::loop() const noexcept { return connection().server_.loop; }

bool Exchange::has_body() const noexcept { return activity().head->has_body(); }

std::optional<std::uint64_t> Exchange::content_length() const noexcept {
    const http::h1::RequestHead& head = *activity().head;
    if (head.framing != http::h1::Framing::kLength) return std::nullopt;
    return head.content_length;
}

void Exchange::respond(const ResponseHead& head, std::string_view body) { connection().respond(head, body, nullptr); }
void Exchange::respond(const ResponseHead& head, std::string&& body) { connection().respond(head, body, &body); }
void Exchange::respond(const ResponseHead& head, std::string_view body, std::shared_ptr<const void> owner,
                       InFile in_file) {
    Output::Sharing sharing{std::move(owner), in_file};
    connection().respond(head, body, nullptr, &sharing);
}
void Exchange::run(Task<void> task) { connection().run(std::move(task)); }
void Exchange::own_head() { connection().own_head(); }

std::string_view Exchange::rebase(std::string_view view) const noexcept {
    return activity().active != nullptr ? activity().active->moved(view) : view;
}

Task<std::optional<std::string_view>> Exchange::read_body() {
    return decodes_body() ? connection().read_decoded_body() : connection().read_body();
}

Task<std::string> Exchange::read_whole_body() {
    std::string body;
    for (;;) {
        auto piece = co_await read_body();
        if (!piece) break;
        body += *piece;
    }
    co_return body;
}

int Exchange::status_if_cancelled() const noexcept {
    using Cut = ActiveRequest::Cut;
    Cut cut = activity().active != nullptr ? activity().active->cut : Cut::kNot;
    constexpr int kSwitchingProtocols = 101;
    constexpr int kClientClosedRequest = 499;
    if (upgraded()) return kSwitchingProtocols;
    return cut == Cut::kTimedOut || cut == Cut::kStopping ? 503 : kClientClosedRequest;
}

void Exchange::set_max_body_bytes(std::uint64_t limit) noexcept { connection().activate_request().body_limit = limit; }
void Exchange::set_max_inflated_bytes(std::uint64_t limit) noexcept {
    connection().activate_request().inflated_limit = limit;
}
bool Exchange::decodes_body() const noexcept { return connection().server_.options.decompress_requests(); }

void Exchange::start_response(const ResponseHead& head, std::optional<std::uint64_t> length) {
    connection().start_response(head, length);
}
Task<void> Exchange::write(std::string_view data) { return connection().write(data); }
Task<void> Exchange::write_file(int file, std::uint64_t offset, std::uint64_t count) {
    return connection().write_file(file, offset, count);
}
Task<void> Exchange::finish() { return connection().finish({}); }
Task<void> Exchange::finish(const http::Headers& trailers) { return connection().finish(trailers.wire()); }
bool Exchange::offers_upgrade(std::string_view protocol) const noexcept {
    return connection().offers_upgrade(protocol);
}
Task<net::Stream*> Exchange::upgrade(std::string_view protocol, std::string_view fields) {
    return connection().upgrade(protocol, fields);
}
bool Exchange::upgraded() const noexcept { return connection().upgraded(); }
void Exchange::inform(int status, std::string_view fields) { connection().inform(status, fields); }

const http::Headers& Exchange::trailers() const noexcept {
    static const http::Headers none;
    const ActiveRequest* active = activity().active.get();
    return active != nullptr && active->decoder ? active->decoder->trailers() : none;
}

// ---- the request

/// Gives the request being handled what it needs to wait: the bytes that follow its head move to it.
ActiveRequest& Connection::activate_request() {
    Activity& activity = *activity_;
    if (activity.active != nullptr) return *activity.active;
    const http::h1::RequestHead& request = server_.head;
    activity.active = server_.take_active(*this);
    ActiveRequest& active = *activity.active;
    if (activity.in_input) {
        // The bytes stay where they are, also those of the head: a long pipeline is not copied request by request.
        active.current.swap(activity.input);
        active.position = static_cast<std::size_t>(activity.unparsed.data() - active.current.data());
        activity.input_start = 0;
    } else {
        active.current.assign(activity.unparsed);
    }
    activity.unparsed = {};
    activity.rest_taken = true;
    active.body_limit = server_.options.max_body_bytes();
    active.inflated_limit = server_.options.max_inflated_bytes();
    active.body_done = !activity.head->has_body();
    if (!active.body_done) {
        active.body_used = true;
        active.decoder.emplace(request.framing, request.content_length);
    }
    return active;
}

void Connection::own_head() {
    ActiveRequest& active = activate_request();
    if (active.owned) return;
    active.own(server_.head, activity_->head_text);
    activity_->head = &active.head;
    activity_->path_ = active.moved(activity_->path_);
    activity_->query_ = active.moved(activity_->query_);
}

void Connection::run(Task<void> task) {
    flush();                               // the answers of earlier requests do not wait for this one
    if (phase_ == Phase::kClosed) return;  // nobody took them: this request is dropped with its connection
    own_head();
    ActiveRequest& active = *activity_->active;
    CAROPIG_CHECK(!active.task, "a request was run twice");
    active.cancellation.emplace();
    active.task.emplace(std::move(task));
    if (active.task->start({&server_.loop, &*active.cancellation}, active)) {
        take_result();
        end_exchange();
        return;
    }
    if (auto timeout = server_.options.handler_timeout(); timeout.count() > 0 && !activity_->responded_) {
        active.handler_timer.arm(server_.loop, server_.loop.now() + timeout);
    }
    receive();
}

void Connection::on_handler_timeout() noexcept {
    ActiveRequest& active = *activity_->active;
    if (activity_->responded_ || active.cut != ActiveRequest::Cut::kNot) return;
    ++server_.limits.handler_deadline;
    log::warning("the handler of " + std::string(active.head.method_text) + " " + std::string(activity_->path_) +
                 " took too long (handler_timeout)");
    active.cut = ActiveRequest::Cut::kTimedOut;
    active.cancellation->request();
}

/// What the handler threw is said in the log, or to the client where it was the client's doing.
void Connection::take_result() noexcept {
    ActiveRequest& active = *activity_->active;
    active.handler_timer.disarm();
    auto where = [this, &active] { return std::string(active.head.method_text) + " " + std::string(activity_->path_); };
    try {
        active.task->result();
    } catch (const Cancelled&) {
        if (active.cut == ActiveRequest::Cut::kNot) log::warning(where() + ": the handler ended with Cancelled");
    } catch (const BodyError& error) {
        if (error.status() == 413) ++(error.limit() == kBodyLimit ? server_.limits.body : server_.limits.inflated);
        if (error.status() == 408) ++server_.limits.body_deadline;
        std::string limit(error.limit());
        if (!limit.empty()) limit = " (" + limit + ")";
        log::info(std::to_string(error.status()) + " " + where() + " from " + stream_->peer() + ": " + error.what() +
                  limit);
        activity_->keep_alive = false;
        activity_->linger = true;
        if (!activity_->responded_) {
            const std::string_view fields = error.status() == 415 ? BodyInflater::kAcceptEncoding : std::string_view();
            respond({error.status(), "text/plain; charset=UTF-8", fields}, std::string(error.what()) + "\n", nullptr);
        }
    } catch (const IoError& error) {
        if (!gone_) log::write(log::Level::kError, "application", where() + ": " + error.what());
    } catch (const std::exception& error) {
        log::write(log::Level::kError, "application", where() + ": " + error.what());
    } catch (...) {
        log::write(log::Level::kError, "application", where() + ": the handler threw what is no std::exception");
    }
    active.task.reset();
}

void Connection::answer_unanswered() {
    using Cut = ActiveRequest::Cut;
    Cut cut = activity_->active != nullptr ? activity_->active->cut : Cut::kNot;
    if (cut == Cut::kNot) {
        respond({500, "text/plain; charset=UTF-8", {}}, "Internal Server Error\n", nullptr);
    } else {
        activity_->keep_alive = false;
        std::string_view why = cut == Cut::kTimedOut ? "the request took too long\n" : "the server is stopping\n";
        respond({503, "text/plain; charset=UTF-8", "Retry-After: 1\r\n"}, why, nullptr);
    }
}

// ---- the request's body

/// The next piece of what has come of the body: nothing at its end, an empty piece when more must come first.
std::optional<std::string_view> Connection::next_piece() {
    ActiveRequest& active = *activity_->active;
    while (!active.body_done) {
        if (active.decoder->done()) {
            active.body_done = true;
            break;
        }
        if (active.position == active.current.size()) {
            active.current.clear();
            active.position = 0;
            active.current.swap(active.incoming);
            if (active.current.empty()) return std::string_view();
        }
        auto step = active.decoder->next(std::string_view(active.current).substr(active.position));
        active.position += step.consumed;
        using Step = http::h1::BodyDecoder::Step;
        switch (step.state) {
            case Step::kData:
                active.body_received += step.data.size();
                if (active.body_received > active.body_limit)
                    throw BodyError(413, "the request's body is too large", kBodyLimit);
                return step.data;
            case Step::kDone:
                active.body_done = true;
                break;
            case Step::kError:
                throw BodyError(step.error.status, step.error.reason);
            case Step::kNeedMore:
                if (active.position < active.current.size()) {
                    if (active.incoming.empty()) return std::string_view();
                    active.current.erase(0, std::exchange(active.position, 0));
                    active.current += std::exchange(active.incoming, {});
                }
                break;
        }
    }
    return std::nullopt;
}

/// While it exists a handler waits for its client: the body's deadline runs, and the handler's own stands still. So no
/// client pays for a handler that is slow, and no handler for a client.
class Connection::BodyWait {
public:
    BodyWait(Connection& connection, ActiveRequest& active) noexcept
        : loop_(connection.server_.loop), active_(active), began_(loop_.now()) {
        const ServerOptions& options = connection.server_.options;
        Duration allowed = options.body_timeout();
        if (allowed == Duration::zero()) return;
        if (options.min_body_rate() != 0) {
            // In floating point, so that no size overflows; the precision of a second in centuries is enough.
            auto earned = std::chrono::duration<double>(static_cast<double>(active.body_received) /
                                                        static_cast<double>(options.min_body_rate()));
            constexpr std::chrono::duration<double> kLongest = std::chrono::hours(24 * 365);
            allowed = std::max(allowed, std::chrono::duration_cast<Duration>(std::min(earned, kLongest)));
        }
        active.body_deadline = began_ + allowed - active.body_waited;
        connection.arm_timer(*active.body_deadline);
        if (active.handler_timer.armed()) {
            handler_left_ = active.handler_timer.deadline() - began_;
            active.handler_timer.disarm();
        }
    }
    BodyWait(const BodyWait&) = delete;
    BodyWait& operator=(const BodyWait&) = delete;
    ~BodyWait() {
        active_.body_waited += loop_.now() - began_;
        active_.body_deadline.reset();
        if (handler_left_) active_.handler_timer.arm(loop_, loop_.now() + *handler_left_);
    }

private:
    Loop& loop_;
    ActiveRequest& active_;
    TimePoint began_;
    std::optional<Duration> handler_left_;
};

Task<std::optional<std::string_view>> Connection::read_body() {
    ActiveRequest& active = activate_request();
    if (!active.body_done && active.body_received == 0 && active.head.content_length > active.body_limit &&
        active.head.framing == http::h1::Framing::kLength) {
        throw BodyError(413, "the request's body is too large", kBodyLimit);
    }
    for (;;) {
        auto piece = next_piece();
        if (!piece || !piece->empty()) {
            if (!piece) active.body_arrived.clear();
            co_return piece;
        }
        if (peer_finished_) throw BodyError(400, "the request's body ended early");
        if (active.body_timed_out)
            throw BodyError(408, "the request's body took too long", "body_timeout, min_body_rate");
        // Where a response has been begun, its head has still to go out.
        const bool can_tell = !activity_->responded_ || !active.pending_head.empty();
        if (active.head.expect_continue && !active.continue_sent && can_tell) send_continue();
        BodyWait wait(*this, active);
        active.body_arrived.clear();
        receive();
        co_await active.body_arrived.wait();
    }
}

/// The same without its content codings.
Task<std::optional<std::string_view>> Connection::read_decoded_body() {
    ActiveRequest& active = activate_request();
    if (!std::exchange(active.inflater_chosen, true)) {
        active.inflater = BodyInflater::make(activity_->head->fields, active.inflated_limit);
    }
    for (;;) {
        if (active.inflater != nullptr) {
            const std::string_view decoded = active.inflater->next();
            if (!decoded.empty()) co_return decoded;
        }
        auto piece = co_await read_body();
        if (active.inflater == nullptr) co_return piece;
        if (!piece) {
            active.inflater->finish();
            co_return std::nullopt;
        }
        active.inflater->take(*piece);
    }
}

/// Sends an interim response; for HTTP/1.0, which has none, nothing.
void Connection::inform(int status, std::string_view fields) {
    CAROPIG_CHECK(phase_ == Phase::kHandling && !activity_->responded_, "an interim response after the response");
    CAROPIG_CHECK(status >= 102 && status <= 199, "100 and 101 are sent by the server itself");
    if (activity_->head->minor_version < 1 || gone_) return;
    http::h1::append_interim_response(server_.cork, status, fields);
    if (!activity_->corked) flush();
}

void Connection::send_continue() {
    ActiveRequest& active = *activity_->active;
    if (active.head.minor_version < 1) return;
    active.continue_sent = true;
    server_.cork += http::h1::kContinueResponse;
    if (!activity_->corked) flush();
}

// ---- the response

void Connection::append_head(std::string& out, const ResponseHead& response, http::h1::Framing framing,
                             std::uint64_t length, std::string_view body) {
    http::h1::ResponseStart start;
    start.status = response.status;
    start.framing = framing;
    start.content_length = length;
    start.keep_alive = activity_->keep_alive;
    start.request_minor_version = fresh() ? 1 : activity_->head->minor_version;
    start.content_type = response.content_type;
    http::h1::append_response(out, start, response.fields, server_.date_line(), body);
}

void Connection::respond(const ResponseHead& response, std::string_view body, std::string* movable,
                         Output::Sharing* sharing) {
    CAROPIG_CHECK(phase_ == Phase::kHandling && !activity_->responded_, "a request was answered twice");
    activity_->responded_ = true;
    if (gone_) return;
    CAROPIG_CHECK(response.status >= 200, "an interim response is no answer: use inform()");
    const bool with_body = status_has_body(response.status);
    const bool framed = status_is_framed(response.status);
    const std::size_t length = with_body ? body.size() : 0;
    forget_unreadable_body();
    if (!with_body || activity_->head->method == http::Method::kHead) body = {};
    const bool apart =
        body.size() >= kMovedBody && (movable != nullptr || sharing != nullptr) && !activity_->output.pending();
    append_head(server_.cork, response, framed ? http::h1::Framing::kLength : http::h1::Framing::kNone, length,
                apart ? std::string_view() : body);
    if (apart) {
        if (movable != nullptr) {
            activity_->output.send_body(std::move(*movable));
        } else {
            activity_->output.send_body(body, std::move(*sharing));
        }
        flush();
        return;
    }
    if (!activity_->corked) flush();
}

/// Where the rest of the body is not worth waiting for, the connection ends with this response.
void Connection::forget_unreadable_body() noexcept {
    Activity& activity = *activity_;
    if (server_.stopping) activity.keep_alive = false;
    const http::h1::RequestHead& request = *activity.head;
    const ActiveRequest* active = activity.active.get();
    if (active != nullptr ? active->body_done : !request.has_body()) return;
    bool client_waits = request.expect_continue && (active == nullptr || !active->continue_sent);
    if (client_waits || request.content_length > server_.options.max_drained_bytes()) activity.keep_alive = false;
}

void Connection::start_response(const ResponseHead& response, std::optional<std::uint64_t> length) {
    CAROPIG_CHECK(phase_ == Phase::kHandling && !activity_->responded_, "a request was answered twice");
    CAROPIG_CHECK(activity_->active != nullptr, "a response is streamed by a task: use Exchange::run()");
    activity_->responded_ = true;
    ActiveRequest& active = *activity_->active;
    active.handler_timer.disarm();
    forget_unreadable_body();
    using Streaming = ActiveRequest::Streaming;
    CAROPIG_CHECK(response.status >= 200, "an interim response is no answer: use inform()");
    http::h1::Framing framing = http::h1::Framing::kLength;
    if (!status_has_body(response.status)) {
        active.streaming = Streaming::kNoBody;
        if (!status_is_framed(response.status)) framing = http::h1::Framing::kNone;
        length = 0;
    } else if (length) {
        active.streaming = Streaming::kLength;
        active.response_left = *length;
    } else if (active.head.minor_version >= 1) {
        active.streaming = Streaming::kChunked;
        framing = http::h1::Framing::kChunked;
    } else {
        active.streaming = Streaming::kUntilClose;
        framing = http::h1::Framing::kUntilClose;
        activity_->keep_alive = false;
    }
    append_head(active.pending_head, response, framing, length.value_or(0));
    if (active.head.method == http::Method::kHead) active.streaming = Streaming::kNoBody;
}

Task<void> Connection::write(std::string_view data) {
    using Streaming = ActiveRequest::Streaming;
    ActiveRequest& active = *activity_->active;
    if (data.empty() && active.pending_head.empty()) co_return;
    if (active.streaming == Streaming::kLength && data.size() > active.response_left) {
        throw std::length_error("the response's body is longer than its Content-Length");
    }
    std::string before = std::exchange(active.pending_head, {});
    std::string_view after;
    switch (active.streaming) {
        case Streaming::kNo:
        case Streaming::kFinished:
            CAROPIG_CHECK(false, "write() without start_response(), or after finish()");
        case Streaming::kNoBody:
            data = {};
            break;
        case Streaming::kLength:
            active.response_left -= data.size();
            break;
        case Streaming::kChunked:
            if (!data.empty()) {
                http::h1::append_chunk_head(before, data.size());
                after = http::h1::kChunkEnd;
            }
            break;
        case Streaming::kUntilClose:
            break;
    }
    std::array<ConstBytes, 3> pieces{as_bytes(before), as_bytes(data), as_bytes(after)};
    co_await send_pieces(pieces);
}

Task<void> Connection::finish(std::string_view trailers) {
    using Streaming = ActiveRequest::Streaming;
    ActiveRequest& active = *activity_->active;
    if (active.streaming == Streaming::kLength && active.response_left > 0) {
        throw std::length_error("the response's body is shorter than its Content-Length");
    }
    std::string last = std::exchange(active.pending_head, {});
    if (active.streaming == Streaming::kChunked) http::h1::append_last_chunk(last, trailers);
    if (!last.empty()) {
        std::array<ConstBytes, 1> pieces{as_bytes(last)};
        co_await send_pieces(pieces);
    }
    active.streaming = Streaming::kFinished;
}

/// Waits until what the connection had to send is sent, so that somebody else may.
Task<void> Connection::wait_until_sent() {
    ActiveRequest& active = *activity_->active;
    while (activity_->output.pending()) {
        active.sent.clear();
        co_await active.sent.wait();
    }
    if (gone_) throw IoError(errno_code(ECONNRESET), "write to " + stream_->peer());
}

/// Sends from the handler's own memory, and waits until that is done.
Task<void> Connection::send_pieces(std::span<const ConstBytes> pieces) {
    net::IoAwaiter<SendOperation, net::Stream> send(*stream_);
    send.operation.pieces = pieces;
    std::size_t size = 0;
    for (ConstBytes piece : pieces) size += piece.size();
    co_await send_waiting(send, size);
    if (send.operation.result < 0) {
        client_gone();
        throw IoError(errno_code(-send.operation.result), "write to " + stream_->peer());
    }
}

/// Sends from a file. False, with nothing sent, where the stream or the file system can't.
Task<bool> Connection::send_file(int file, std::uint64_t offset, std::size_t count) {
    net::IoAwaiter<SendFileOperation, net::Stream> send(*stream_);
    send.operation.file = file;
    send.operation.offset = offset;
    send.operation.count = count;
    co_await send_waiting(send, count);
    const std::int32_t outcome = send.operation.result;
    activity_->active->response_left -= std::min<std::uint64_t>(send.operation.sent, activity_->active->response_left);
    if (outcome == -EOPNOTSUPP) co_return false;
    if (outcome == -EINVAL && send.operation.sent == 0) co_return false;
    // These are of the file; the client may still hear that its answer is cut short.
    if (outcome == -EIO || outcome == -ESTALE) throw IoError(errno_code(-outcome), "read a file");
    if (outcome < 0) {
        client_gone();
        throw IoError(errno_code(-outcome), "send a file to " + stream_->peer());
    }
    if (static_cast<std::size_t>(outcome) < count) throw std::runtime_error("a file shrank while it was sent");
    co_return true;
}

Task<void> Connection::write_file(int file, std::uint64_t offset, std::uint64_t count) {
    using Streaming = ActiveRequest::Streaming;
    ActiveRequest& active = *activity_->active;
    if (active.streaming == Streaming::kLength && count > active.response_left) {
        throw std::length_error("the response's body is longer than its Content-Length");
    }
    co_await write({});  // the head, which may have to be sent yet
    if (active.streaming == Streaming::kNoBody) co_return;
    // A chunk says its length before its bytes come, which a file that shrinks would break.
    bool by_file = active.streaming != Streaming::kChunked;
    while (by_file && count > 0) {
        const std::size_t part = std::min<std::uint64_t>(count, kWrittenInARow);
        by_file = co_await send_file(file, offset, part);
        if (!by_file) break;
        offset += part;
        count -= part;
    }
    if (count > 0) co_await copy_file(file, offset, count);
}

/// The same by way of memory.
Task<void> Connection::copy_file(int file, std::uint64_t offset, std::uint64_t count) {
    std::vector<std::byte> buffer(std::min<std::uint64_t>(count, kCopiedPiece));
    while (count > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(count, buffer.size());
        const std::size_t size = read_file(file, offset, MutableBytes(buffer).first(wanted));
        if (size == 0) throw std::runtime_error("a file shrank while it was sent");
        co_await write(as_text(ConstBytes(buffer).first(size)));
        offset += size;
        count -= size;
    }
}

/// Performs an operation that sends `size` bytes from what the handler holds, and waits until that is done.
template <class Awaiter>
Task<void> Connection::send_waiting(Awaiter& send, std::size_t size) {
    ActiveRequest& active = *activity_->active;
    try {
        flush();  // a 100 (Continue) of this request may lie in the cork
        co_await wait_until_sent();
        activity_->output.follow(send.operation.sent);
        co_await send;
        // A client that takes everything at once never makes the handler wait.
        active.written_in_a_row += size;
        const std::size_t written = active.written_in_a_row;
        if (written >= kWrittenInARow || (written >= kWrittenWhenBusy && server_.loop.turn_is_over())) {
            active.written_in_a_row = 0;
            activity_->output.stop_following();
            co_await yield();
        }
    } catch (const Cancelled&) {
        // Nobody knows how much of this piece was sent, so nothing may follow it, also where the handler goes on after
        // a with_timeout() of its own.
        activity_->output.stop_following();
        client_gone();
        throw;
    }
    activity_->output.stop_following();
}

// ---- another protocol

bool Connection::offers_upgrade(std::string_view protocol) const noexcept {
    const Activity& activity = *activity_;
    const http::h1::RequestHead& request = *activity.head;
    bool unread = activity.head->has_body() && (activity.active == nullptr || !activity.active->body_done);
    return request.upgrade && request.keep_alive && !unread && !activity.responded_ &&
           request.fields.has_token("Upgrade", protocol);
}

/// The receive that waits for the client's next bytes must end first: the handler's takes its place.
Task<net::Stream*> Connection::upgrade(std::string_view protocol, std::string_view fields) {
    CAROPIG_CHECK(activity_->active != nullptr && activity_->active->task,
                  "an upgrade needs a task: use Exchange::run()");
    if (!offers_upgrade(protocol)) {
        throw std::logic_error("the client does not offer this upgrade: ask offers_upgrade() first");
    }
    ActiveRequest& active = *activity_->active;
    active.handler_timer.disarm();
    activity_->responded_ = true;
    activity_->keep_alive = false;
    std::string lines = "Connection: upgrade\r\nUpgrade: " + std::string(protocol) + "\r\n";
    lines += fields;
    constexpr int kSwitchingProtocols = 101;
    try {
        if (gone_) throw IoError(errno_code(ECONNRESET), "write to " + stream_->peer());
        http::h1::append_interim_response(server_.cork, kSwitchingProtocols, lines);
        flush();
        co_await wait_until_sent();
        ReceiveOperation& receiving = *this;
        active.upgraded = std::make_unique<UpgradedStream>(*stream_);
        if (receiving.pending()) stream_->cancel(receiving);
        while (receiving.pending()) {
            active.body_arrived.clear();
            co_await active.body_arrived.wait();
        }
        if (gone_) throw IoError(errno_code(ECONNRESET), "read from " + stream_->peer());
    } catch (const Cancelled&) {
        client_gone();  // nobody knows whether the answer went out
        throw;
    }
    active.current.erase(0, std::exchange(active.position, 0));
    active.upgraded->give(std::exchange(active.current, {}) + std::exchange(active.incoming, {}));
    watch_for_hangup();
    if (server_.stopping) cut_off();
    co_return active.upgraded.get();
}

}  // namespace caropig::server
