#include "web/proxy_endpoint.h"

#include "net/io_awaiter.h"
#include "web/proxied_request.h"
#include <caropig/async/scope.h>
#include <caropig/base/bytes.h>
#include <caropig/base/check.h>
#include <caropig/base/error.h>
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>
#include <caropig/server/service.h>
#include <caropig/web/http_error.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace caropig::web {
namespace {

using Failure = client::FetchError::Kind;

constexpr std::size_t kCopiedBody = std::size_t{16} * 1024;  // an answer up to this goes out in one piece, copied

[[noreturn]] void refuse(const std::string& line) { throw std::invalid_argument("reverse_proxy: " + line); }

/// The whole of the text as a number.
std::optional<std::uint64_t> parse_number(std::optional<std::string_view> text) {
    std::uint64_t value = 0;
    if (!text || text->empty()) return std::nullopt;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
    return value;
}

Task<void> pass_body(server::Exchange& exchange, client::RequestBody& body) {
    for (;;) {
        const std::optional<std::string_view> piece = co_await exchange.read_body();
        if (!piece) break;
        co_await body.write(*piece);
    }
    if (!exchange.trailers().empty()) body.trailers(exchange.trailers());
}

int status_for(Failure kind) noexcept {
    if (kind == Failure::kTimeout) return 504;
    return kind == Failure::kBusy ? 503 : 502;
}

/// What the client would go on with, of what it may.
const std::string* offered_upgrade(const server::Exchange& exchange, const ReverseProxyOptions& options) {
    const auto offered = std::ranges::find_if(
        options.upgrades(), [&](const std::string& protocol) { return exchange.offers_upgrade(protocol); });
    return offered == options.upgrades().end() ? nullptr : &*offered;
}

/// Writes what comes from one stream to the other, and ends with the first of them. Holds nothing while it waits.
Task<void> pump(net::Stream& from, net::Stream& to) {
    try {
        for (;;) {
            net::IoAwaiter<ReceiveOperation, net::Stream> receive(from);
            const std::int32_t size = co_await receive;
            if (size <= 0) break;
            const std::string piece(as_text(receive.operation.received()));
            co_await to.write(as_bytes(piece));
        }
    } catch (const IoError&) {
        co_return;  // whoever reads from that side learns of its end
    }
    to.shutdown_write();
}

/// Passes bytes through both ways until the upstream has ended. Where the client ends, that is passed on.
Task<void> pass_through(net::Stream& client, net::Stream& upstream) {
    auto both = [&](Scope& scope) -> Task<void> {
        scope.spawn(pump, std::ref(client), std::ref(upstream));
        co_await pump(upstream, client);
        scope.cancel();
    };
    co_await with_scope(both);
}

Task<void> switch_protocols(server::Exchange& exchange, client::ResponseStream& answer,
                            const ReverseProxyOptions& options) {
    const std::string* const protocol = offered_upgrade(exchange, options);
    CAROPIG_CHECK(protocol != nullptr, "an upstream switched to a protocol that was not offered to it");
    const http::Headers fields = answered_fields(answer.headers(), options);
    const std::unique_ptr<net::Stream> upstream = answer.take_stream();
    net::Stream* const client = co_await exchange.upgrade(*protocol, fields.wire());
    co_await pass_through(*client, *upstream);
}

/// Passes the answer on, once its head is there.
Task<void> pass_answer(server::Exchange& exchange, client::ResponseStream& answer, const ReverseProxyOptions& options) {
    const http::Headers fields = answered_fields(answer.headers(), options);
    const server::ResponseHead head{answer.status(), {}, fields.wire()};
    const std::optional<std::uint64_t> length = parse_number(answer.headers().find("Content-Length"));
    if (exchange.method() == http::Method::kHead) {
        exchange.start_response(head, length);
        co_await exchange.finish();
        co_return;
    }
    if (answer.complete() && answer.trailers().empty()) {
        const std::string_view body = co_await answer.read();
        if (body.size() <= kCopiedBody) {
            exchange.respond(head, body);
            co_return;
        }
        exchange.start_response(head, body.size());
        co_await exchange.write(body);
        co_await exchange.finish();
        co_return;
    }
    exchange.start_response(head, length);
    if (!answer.ready()) co_await exchange.write({});  // the head should not wait for the body
    for (;;) {
        const std::string_view piece = co_await answer.read();
        if (piece.empty()) break;
        co_await exchange.write(piece);
    }
    co_await exchange.finish(answer.trailers());
}

/// The clients of one loop: one for each reverse_proxy() that is asked there.
class LoopClients {
public:
    explicit LoopClients(Loop& loop) noexcept : loop_(loop) {}

    client::HttpClient& of(std::uint64_t proxy, const client::ClientOptions& options) {
        for (const auto& [id, client] : clients_) {
            if (id == proxy) return *client;
        }
        return *clients_.emplace_back(proxy, std::make_unique<client::HttpClient>(loop_, options)).second;
    }

private:
    Loop& loop_;
    std::vector<std::pair<std::uint64_t, std::unique_ptr<client::HttpClient>>> clients_;
};

}  // namespace

ProxyEndpoint::ProxyEndpoint(const std::vector<std::string>& upstreams, ReverseProxyOptions options, Open open)
    : Endpoint(Kind::kExchange), options_(std::move(options)), open_(std::move(open)) {
    exempt_from_xsrf();
    if (upstreams.empty()) refuse("there is no upstream");
    if (!options_.via().empty() && !http::is_token(options_.via())) refuse("via is not a token");
    std::string prefix = options_.strip_prefix();
    if (!prefix.empty() && prefix.front() != '/') refuse("strip_prefix does not begin with a slash");
    if (prefix.ends_with('/')) prefix.pop_back();
    options_.strip_prefix(std::move(prefix));
    for (const std::string& url : upstreams) {
        client::FetchRequest request(url);
        if (!request.url().query.empty()) refuse("the URL of an upstream has a query");
        std::string base = request.url().path;
        if (base.ends_with('/')) base.pop_back();
        request.connect_timeout(options_.connect_timeout())
            .first_byte_timeout(options_.first_byte_timeout())
            .between_bytes_timeout(options_.between_bytes_timeout())
            .total_timeout(options_.total_timeout())
            .max_response_bytes(std::numeric_limits<std::uint64_t>::max())
            .max_redirects(0)
            .names_itself(false);
        upstreams_.push_back({std::move(request), std::move(base)});
    }
}

client::FetchRequest ProxyEndpoint::make_request(const Upstream& upstream, server::Exchange& exchange) const {
    client::FetchRequest request = upstream.request;
    http::Url url = request.url();
    url.path = proxied_path(exchange.path(), options_.strip_prefix(), upstream.base);
    url.query = exchange.query();
    const http::HeadersView received = exchange.headers();
    request.url(std::move(url))
        .method(exchange.method_text())
        .headers(proxied_fields(exchange, options_))
        .wants_trailers(received.has_token("TE", "trailers"))  // RFC 9110 10.1.4
        .on_informational([&exchange](int status, http::HeadersView fields) {
            if (status != 100) exchange.inform(status, informed_fields(fields).wire());
        });
    if (const std::string* protocol = offered_upgrade(exchange, options_)) request.upgrade(*protocol);
    if (!exchange.has_body()) return request;
    // A body that the server decodes is longer than what its client has announced.
    const bool decoded = exchange.decodes_body() && received.find("Content-Encoding");
    request.body_from([&exchange](client::RequestBody& body) { return pass_body(exchange, body); },
                      decoded ? std::nullopt : exchange.content_length());
    if (received.has_token("Expect", "100-continue")) request.expect_continue(options_.continue_timeout());
    return request;
}

/// Asks the upstream whose turn it is, and the others after it while one can't be connected to.
Task<client::ResponseStream> ProxyEndpoint::ask(server::Exchange& exchange) {
    const std::size_t count = upstreams_.size();
    const std::size_t first = count == 1 ? 0 : turn_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t tried = 0;; ++tried) {
        client::FetchRequest request = make_request(upstreams_[(first + tried) % count], exchange);
        Task<client::ResponseStream> opening = open_(exchange.loop(), std::move(request));
        try {
            co_return co_await std::move(opening);
        } catch (const client::FetchError& error) {
            const bool unreachable = error.kind() == Failure::kUnreachable || error.kind() == Failure::kUnresolvable;
            if (!unreachable || tried + 1 == count) throw HttpError(status_for(error.kind()), error.what());
        }
    }
}

Task<int> ProxyEndpoint::answer(server::Exchange& exchange) {
    if (options_.max_body_bytes()) exchange.set_max_body_bytes(*options_.max_body_bytes());
    client::ResponseStream answer = co_await ask(exchange);
    const int status = answer.status();
    if (status == 101) {
        co_await switch_protocols(exchange, answer, options_);
    } else {
        co_await pass_answer(exchange, answer, options_);
    }
    co_return status;
}

Handler reverse_proxy(const std::vector<std::string>& upstreams, ReverseProxyOptions options) {
    static std::atomic<std::uint64_t> proxies = 0;
    auto open = [id = ++proxies, settings = options.client()](Loop& loop, client::FetchRequest request) {
        return loop.local<LoopClients>().of(id, settings).open(std::move(request));
    };
    return Handler(std::make_shared<ProxyEndpoint>(upstreams, std::move(options), std::move(open)));
}

Handler reverse_proxy(std::string_view upstream, ReverseProxyOptions options) {
    return reverse_proxy(std::vector<std::string>{std::string(upstream)}, std::move(options));
}

}  // namespace caropig::web
