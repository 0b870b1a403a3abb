#include "client/exchange.h"

#include "client/response_reader.h"
#include "http/h1/writer.h"
#include "net/io_awaiter.h"

#include <array>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace caropig::client {
namespace {

using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

std::string request_head(const Exchange& exchange) {
    const FetchRequest& request = exchange.request;
    const http::Method method = http::parse_method(request.method());
    const bool expects_body =
        method == http::Method::kPost || method == http::Method::kPut || method == http::Method::kPatch;
    const http::Url& url = request.url();
    const std::string target = exchange.absolute_target ? url.origin() + url.target() : url.target();
    std::string host = request.url().authority();
    http::Headers headers = request.headers();
    if (const auto own_host = headers.find("Host")) {
        host = *own_host;
        headers.remove("Host");
    }
    if (!headers.find("User-Agent")) headers.add("User-Agent", "CaroPig/0.1");
    if (!exchange.proxy_authorization.empty()) headers.set("Proxy-Authorization", exchange.proxy_authorization);

    http::h1::RequestStart start;
    start.method = request.method();
    start.target = target;
    start.host = host;
    if (expects_body || !request.body().empty()) start.framing = http::h1::Framing::kLength;
    start.content_length = request.body().size();
    start.keep_alive = false;
    std::string head;
    http::h1::append_request_head(head, start, headers.wire());
    return head;
}

/// 0, or the negated errno value with which sending ended.
Task<std::int32_t> send_request(net::Stream& stream, const Exchange& exchange) {
    const std::string head = request_head(exchange);
    const std::array<ConstBytes, 2> pieces{as_bytes(head), as_bytes(exchange.request.body())};
    net::IoAwaiter<SendOperation, net::Stream> send(stream);
    send.operation.pieces = pieces;
    co_return co_await send;
}

[[noreturn]] void fail(const Exchange& exchange, const Failure& failure) {
    throw FetchError(failure.kind, exchange.phase, std::make_error_code(failure.code), exchange.request.url().origin(),
                     failure.detail);
}

[[noreturn]] void fail_broken(const Exchange& exchange, std::int32_t result, std::string_view when) {
    const std::error_code code = errno_code(-result);
    const Kind kind = code == std::errc::timed_out ? Kind::kTimeout : Kind::kBroken;
    throw FetchError(kind, exchange.phase, code, exchange.request.url().origin(),
                     fmt::format("the connection broke while {}: {}", when, code.message()));
}

/// Reads on to the end of the response, of which `first` is what has come: lent bytes, looked at before the first wait.
Task<void> receive_response(net::Stream& stream, Exchange& exchange, std::string_view first) {
    ResponseReader reader(http::parse_method(exchange.request.method()), exchange.request.max_response_bytes());
    Result<bool, Failure> complete = reader.feed(first);
    while (complete && !*complete) {
        net::IoAwaiter<ReceiveOperation, net::Stream> receive(stream);
        const std::int32_t size = co_await receive;
        if (size < 0) fail_broken(exchange, size, "receiving the response");
        if (size == 0) {
            if (Result<void, Failure> finished = reader.finish(); !finished) fail(exchange, finished.error());
            break;
        }
        complete = reader.feed(as_text(receive.operation.data));
    }
    if (!complete) fail(exchange, complete.error());
    exchange.response = reader.take();
}

}  // namespace

Task<void> fetch_over(net::Stream& stream, Exchange& exchange) {
    exchange.phase = Phase::kSend;
    const std::int32_t sent = co_await send_request(stream, exchange);
    exchange.request.body({});
    // Whoever answers early and closes makes sending fail, but its answer has arrived.
    if (sent == 0) exchange.phase = Phase::kWait;

    net::IoAwaiter<ReceiveOperation, net::Stream> receive(stream);
    const std::int32_t size = co_await receive;
    if (size <= 0 && sent < 0) fail_broken(exchange, sent, "sending the request");
    if (size < 0) fail_broken(exchange, size, "waiting for the response");
    if (size == 0) {
        throw FetchError(Kind::kBroken, exchange.phase, std::make_error_code(std::errc::connection_aborted),
                         exchange.request.url().origin(), "the connection was closed before the response");
    }
    exchange.phase = Phase::kReceive;
    co_await receive_response(stream, exchange, as_text(receive.operation.data));
}

}  // namespace caropig::client
