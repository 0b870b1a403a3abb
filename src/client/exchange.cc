#include "client/exchange.h"

#include "client/follow.h"
#include "client/resilience.h"
#include "client/send_body.h"
#include "http/h1/writer.h"
#include <caropig/client/status_error.h>
#include <caropig/loop/with_timeout.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace caropig::client {
namespace {

using Event = Connection::Event;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

constexpr std::string_view kUsualFields = "User-Agent: CaroPig/0.1\r\nAccept-Encoding: zstd, br, gzip\r\n";
constexpr std::string_view kUserAgentLine = kUsualFields.substr(0, kUsualFields.find('\n') + 1);

std::string_view describe(Phase phase) {
    switch (phase) {
        case Phase::kQueue:
            return "waiting for a connection";
        case Phase::kResolve:
            return "resolving the name";
        case Phase::kConnect:
            return "connecting";
        case Phase::kProxy:
            return "asking the proxy";
        case Phase::kTls:
            return "in the TLS handshake";
        case Phase::kSend:
            return "sending the request";
        case Phase::kWait:
            return "waiting for the response";
        case Phase::kReceive:
            break;
    }
    return "receiving the response";
}

[[noreturn]] void fail(const Exchange& exchange, Kind kind, std::error_code code, std::string_view detail) {
    throw FetchError(kind, exchange.phase, code, exchange.request.url().origin(), detail);
}

[[noreturn]] void fail(const Exchange& exchange, const Failure& failure) {
    fail(exchange, failure.kind, std::make_error_code(failure.code), failure.detail);
}

[[noreturn]] void fail_broken(const Exchange& exchange, std::int32_t result, std::string_view when) {
    const std::error_code code = errno_code(-result);
    const Kind kind = code == std::errc::timed_out ? Kind::kTimeout : Kind::kBroken;
    fail(exchange, kind, code, fmt::format("the connection broke while {}: {}", when, code.message()));
}

/// What connecting ended with that was not the request's deadline.
[[noreturn]] void fail_unconnected(const Exchange& exchange, const IoError& error) {
    const Kind kind = error.code() == std::errc::timed_out ? Kind::kTimeout
                      : exchange.phase == Phase::kResolve  ? Kind::kUnresolvable
                                                           : Kind::kUnreachable;
    fail(exchange, kind, error.code(), error.what());
}

TimePoint sooner(TimePoint deadline, TimePoint now, Duration limit) noexcept {
    return limit == Duration::zero() ? deadline : std::min(deadline, now + limit);
}

/// Writes the head into the connection. True if there is a body.
bool write_head(const FetchRequest& request, Connection& connection) {
    std::string& out = connection.out;
    const http::Method method = http::parse_method(request.method());
    const bool expects_body =
        method == http::Method::kPost || method == http::Method::kPut || method == http::Method::kPatch;
    const http::Url& url = request.url();
    const std::string joined = connection.absolute_target ? url.origin() + url.target()
                               : url.query.empty()        ? std::string()
                                                          : url.target();
    std::string host = url.authority();
    const bool has_body = !request.body().empty() || request.producer();

    http::h1::RequestStart start;
    start.method = request.method();
    start.target = joined.empty() ? std::string_view(url.path) : joined;
    start.host = host;
    if (request.producer()) {
        start.framing = request.produced_length() ? http::h1::Framing::kLength : http::h1::Framing::kChunked;
        start.content_length = request.produced_length().value_or(0);
    } else if (expects_body || has_body) {
        start.framing = http::h1::Framing::kLength;
        start.content_length = request.body().size();
    }
    const bool expects = has_body && request.expect_continue() != Duration::zero();
    const bool names_itself = request.names_itself() && !request.headers().find("User-Agent");
    const std::optional<std::string_view> own_host = request.headers().find("Host");
    out.clear();
    const bool asks = request.decompress() && !request.headers().find("Accept-Encoding");
    const bool plain = !own_host && !expects && !request.wants_trailers() && request.upgrade().empty() &&
                       connection.proxy_authorization.empty();
    if (plain && names_itself && request.headers().empty()) {
        http::h1::append_request_head(out, start, asks ? kUsualFields : kUserAgentLine);
        return has_body;
    }
    if (plain && !names_itself && !asks) {
        http::h1::append_request_head(out, start, request.headers().wire());
        return has_body;
    }
    http::Headers headers = request.headers();
    if (own_host) {
        host = *own_host;
        start.host = host;
        headers.remove("Host");
    }
    if (names_itself) headers.add("User-Agent", "CaroPig/0.1");
    if (expects) headers.add("Expect", "100-continue");
    if (request.wants_trailers()) {
        headers.add("TE", "trailers");
        headers.add("Connection", "TE");
    }
    if (!request.upgrade().empty()) {
        headers.add("Upgrade", request.upgrade());
        headers.add("Connection", "Upgrade");
    }
    if (asks) headers.add("Accept-Encoding", "zstd, br, gzip");
    if (!connection.proxy_authorization.empty()) {
        headers.set("Proxy-Authorization", connection.proxy_authorization);
    }
    http::h1::append_request_head(out, start, headers.wire());
    return has_body;
}

/// Opens a connection in `place`, within the request's own deadline for that.
Task<Pool::Lease> open_in_time(Pool& pool, Exchange& exchange, Pool::Lease place, Origin origin) {
    const Duration limit = exchange.request.connect_timeout();
    const TimePoint deadline = pool.loop().now() + limit;
    exchange.phase = Phase::kResolve;
    try {
        Task<Pool::Lease> opening = pool.open_connection(std::move(place), std::move(origin), exchange.phase);
        if (limit == Duration::zero()) co_return co_await std::move(opening);
        co_return co_await with_deadline(deadline, std::move(opening));
    } catch (const TimeoutError& error) {
        // Name servers that don't answer in time are TimeoutErrors too, as the operating system's is not.
        if (limit == Duration::zero() || pool.loop().now() < deadline) fail_unconnected(exchange, error);
        fail_late(exchange, pool.loop().now(), "connect_timeout", limit);
    } catch (const FetchError&) {
        throw;
    } catch (const IoError& error) {
        fail_unconnected(exchange, error);
    }
}

Task<Pool::Lease> obtain(Pool& pool, Exchange& exchange, bool fresh) {
    const Origin origin(exchange.request.url());
    Pool::Lease lease = co_await pool.obtain(origin, fresh, exchange.phase);
    if (lease) co_return std::move(lease);
    co_return co_await open_in_time(pool, exchange, std::move(lease), origin);
}

Task<Pool::Lease> obtain_in_time(Pool& pool, Exchange& exchange, bool fresh) {
    Task<Pool::Lease> obtaining = obtain(pool, exchange, fresh);
    try {
        if (exchange.deadline == TimePoint::max()) co_return co_await std::move(obtaining);
        co_return co_await with_deadline(exchange.deadline, std::move(obtaining));
    } catch (const TimeoutError&) {
        fail_late(exchange, pool.loop().now(), {}, {});
    }
}

void feed(Exchange& exchange, std::string_view bytes) {
    exchange.heard = true;
    if (Result<bool, Failure> complete = exchange.reader.feed(bytes); !complete) fail(exchange, complete.error());
}

/// Waits for the head of the answer. False: the connection has ended without a byte of it, and `final` is false.
Task<bool> receive_head(const Pool& pool, Exchange& exchange, bool final) {
    Connection& connection = exchange.lease.connection();
    const Duration limit = exchange.request.first_byte_timeout();
    const TimePoint first = sooner(exchange.deadline, pool.loop().now(), limit);
    while (!exchange.reader.head_complete()) {
        Connection::Wait wait(connection, exchange.heard ? next_deadline(pool, exchange) : first);
        const Event event = co_await wait;
        if (exchange.heard) {
            take_event(pool, exchange, event);
            continue;
        }
        if (event == Event::kTimeout) fail_late(exchange, pool.loop().now(), "first_byte_timeout", limit);
        if (connection.size() > 0) {
            exchange.phase = Phase::kReceive;
            feed(exchange, connection.data());
            continue;
        }
        if (!final) co_return false;
        const std::int32_t sent = connection.send_result();
        if (sent < 0) fail_broken(exchange, sent, "sending the request");
        if (connection.size() < 0) fail_broken(exchange, connection.size(), "waiting for the response");
        fail(exchange, Kind::kBroken, std::make_error_code(std::errc::connection_aborted),
             "the connection was closed before the response");
    }
    co_return true;
}

/// Sends the request over the lease's connection and takes the head of the answer. False: the connection was dead, and
/// the request may be sent again.
Task<bool> try_connection(const Pool& pool, Exchange& exchange, bool may_repeat) {
    Connection& connection = exchange.lease.connection();
    may_repeat = may_repeat && exchange.lease.reused();
    if (may_repeat && connection.has_unheard()) co_return false;
    exchange.phase = Phase::kSend;
    const bool has_body = write_head(exchange.request, connection);
    const bool expects = has_body && exchange.request.expect_continue() != Duration::zero();
    if (!expects) connection.body = exchange.request.take_body();
    exchange.sent = true;
    connection.start_sending();
    if (connection.sending()) co_await send_out(pool, exchange);
    const bool head_sent = expects && !connection.sending() && connection.send_result() == 0;
    if (head_sent && !exchange.unsent) {
        co_await await_continue(pool, exchange);
        if (!exchange.reader.head_complete() && !exchange.unsent && !exchange.request.producer()) {
            connection.out.clear();
            connection.body = exchange.request.take_body();
            connection.start_sending();
            if (connection.sending()) co_await send_out(pool, exchange);
        } else if (exchange.reader.head_complete()) {
            exchange.unsent = true;
        }
    }
    const bool goes_on = connection.send_result() == 0 && !exchange.unsent && !exchange.reader.head_complete();
    if (exchange.request.producer() && goes_on) co_await send_produced(pool, exchange);
    if (exchange.reader.head_complete()) co_return true;

    // Whoever answers early and closes makes sending fail, but its answer has arrived.
    const bool all_sent = !connection.sending() && connection.send_result() == 0;
    if (all_sent) exchange.phase = Phase::kWait;
    exchange.sent = head_sent || exchange.produced || all_sent || connection.sent_anything();
    const bool repeats = may_repeat && !exchange.produced && (exchange.request.idempotent() || !exchange.sent);
    if (!repeats && !connection.sending()) std::string().swap(connection.body);
    const bool begun = co_await receive_head(pool, exchange, !repeats);
    if (!begun && !connection.body.empty()) {
        exchange.request.body(connection.sending() ? std::string(connection.body) : std::move(connection.body));
    }
    co_return begun;
}

}  // namespace

void fail_late(const Exchange& exchange, TimePoint now, std::string_view name, Duration limit) {
    if (now >= exchange.deadline || name.empty()) {
        name = "total_timeout";
        limit = exchange.request.total_timeout();
    }
    const std::chrono::duration<double> seconds = limit;
    fail(exchange, Kind::kTimeout, std::make_error_code(std::errc::timed_out),
         fmt::format("the {} of {:g} s passed while {}", name, seconds.count(), describe(exchange.phase)));
}

TimePoint deadline_of(const FetchRequest& request, TimePoint started) noexcept {
    return request.total_timeout() == Duration::zero() ? TimePoint::max() : started + request.total_timeout();
}

Exchange::Exchange(FetchRequest asked, TimePoint started, Tries* its_tries)
    : request(std::move(asked)),
      reader(http::parse_method(request.method()), request.max_response_bytes()),
      tries(its_tries) {
    deadline = deadline_of(request, tries != nullptr ? tries->started : started);
    prepare_reader();
}

void Exchange::prepare_reader() {
    if (request.informational()) reader.on_interim(request.informational());
    reader.offered(request.upgrade());
}

void Exchange::start_again() {
    phase = FetchError::Phase::kResolve;
    reader = ResponseReader(http::parse_method(request.method()), request.max_response_bytes());
    prepare_reader();
    sent = false;
    heard = false;
    produced = false;
    unsent = false;
}

Task<Response> fetch_through(Pool& pool, FetchRequest request, Tries* tries) {
    Exchange exchange(std::move(request), pool.loop().now(), tries);
    co_await begin_following(pool, exchange);
    std::string decoded;
    if (exchange.decoder) decode_body(exchange, decoded);
    while (!exchange.reader.complete()) {
        Connection::Wait wait(exchange.lease.connection(), next_deadline(pool, exchange));
        const Event event = co_await wait;
        take_event(pool, exchange, event);
        if (exchange.decoder) decode_body(exchange, decoded);
    }
    end_exchange(exchange);
    Response response = exchange.reader.take();
    if (exchange.decoder) response.body(std::move(decoded));
    response.url(exchange.request.take_url());
    if (exchange.request.raise_error() && response.status() / 100 != 2) throw StatusError(std::move(response));
    co_return response;
}

Task<ResponseStream> open_through(Pool& pool, FetchRequest request, Tries* tries) {
    auto exchange = std::make_unique<Exchange>(std::move(request), pool.loop().now(), tries);
    co_await begin_following(pool, *exchange);
    exchange->tries = nullptr;
    if (exchange->request.raise_error() && exchange->reader.status() / 100 != 2) {
        Response head = exchange->reader.take();
        head.url(exchange->request.take_url());
        throw StatusError(std::move(head));
    }
    co_return ResponseStream(pool, std::move(exchange));
}

Task<void> begin_exchange(Pool& pool, Exchange& exchange) {
    CAROPIG_CHECK(&Loop::current() == &pool.loop(), "an HttpClient was used on another loop than its own");
    exchange.lease = pool.take_idle(exchange.request.url());
    if (!exchange.lease) exchange.lease = co_await obtain_in_time(pool, exchange, false);
    const bool begun = co_await try_connection(pool, exchange, true);
    if (begun) co_return;
    exchange.lease.drop();
    exchange.unsent = false;
    exchange.lease = co_await obtain_in_time(pool, exchange, true);
    co_await try_connection(pool, exchange, false);
}

bool decode_piece(Exchange& exchange, std::string_view& coded, std::string& out) {
    const Result<bool, Failure> more = exchange.decoder->decode_some(coded, out);
    if (!more) fail(exchange, more.error());
    return *more;
}

void decode_body(Exchange& exchange, std::string& out) {
    const std::string coded = exchange.reader.take_body();
    std::string_view rest = coded;
    while (decode_piece(exchange, rest, out)) continue;
    if (exchange.reader.complete()) check_decoded(exchange);
}

void check_decoded(const Exchange& exchange) {
    if (Result<void, Failure> whole = exchange.decoder->finish(); !whole) fail(exchange, whole.error());
}

TimePoint next_deadline(const Pool& pool, const Exchange& exchange) noexcept {
    return sooner(exchange.deadline, pool.loop().now(), exchange.request.between_bytes_timeout());
}

void take_event(const Pool& pool, Exchange& exchange, Event event) {
    if (event == Event::kSent) return;
    if (event == Event::kTimeout) {
        fail_late(exchange, pool.loop().now(), "between_bytes_timeout", exchange.request.between_bytes_timeout());
    }
    const Connection& connection = exchange.lease.connection();
    if (connection.size() > 0) return feed(exchange, connection.data());
    if (connection.size() < 0) fail_broken(exchange, connection.size(), "receiving the response");
    if (Result<void, Failure> finished = exchange.reader.finish(); !finished) fail(exchange, finished.error());
}

void end_exchange(Exchange& exchange) noexcept {
    Connection& connection = exchange.lease.connection();
    const bool clean =
        exchange.reader.reusable() && !exchange.unsent && !connection.sending() && connection.send_result() == 0;
    if (clean) {
        exchange.lease.give_back();
    } else {
        exchange.lease.drop();
    }
}

}  // namespace caropig::client
