#include "client/tunnel.h"
#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include <caropig/http/headers.h>
#include <caropig/http/status.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

namespace caropig::client {
namespace {

// Interim answers (1xx) that are skipped, as those of a server.
constexpr int kMaxInterimResponses = 16;
// Of all heads together.
constexpr std::size_t kMaxReply = 65536;

std::string connect_head(const Proxy& proxy, const std::string& target) {
    http::Headers headers;
    headers.add("User-Agent", "CaroPig/0.1");
    if (const std::string authorization = proxy.authorization(); !authorization.empty()) {
        headers.add("Proxy-Authorization", authorization);
    }
    http::h1::RequestStart start;
    start.method = "CONNECT";
    start.target = target;
    start.host = target;
    std::string head;
    http::h1::append_request_head(head, start, headers.wire());
    return head;
}

}  // namespace

std::string Target::text() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Task<void> open_http_tunnel(net::Stream& stream, const Proxy& proxy, Target target) {
    const std::string name = target.text();
    const auto fail = [&](int error, std::string_view detail) {
        throw ProxyError(errno_code(error), proxy, name, detail);
    };
    const std::string head = connect_head(proxy, name);
    co_await stream.write(as_bytes(head));

    std::string reply;
    http::h1::HeadParser parser;
    std::array<http::HeaderView, 100> storage;
    std::array<std::byte, 4096> buffer;
    for (int interim = 0;;) {
        http::h1::ResponseHead response;
        const http::h1::ParseResult result = parser.parse_response(reply, http::Method::kConnect, response, storage);
        if (result.state == http::h1::ParseResult::kError) {
            fail(EPROTO, fmt::format("its answer is not valid HTTP: {}", result.error.reason));
        }
        if (result.state == http::h1::ParseResult::kDone) {
            if (response.status / 100 == 2) {
                // The target has not been spoken to: what comes here is somebody else's.
                if (result.consumed != reply.size()) fail(EPROTO, "it sent more than its answer");
                co_return;
            }
            if (response.status / 100 != 1 || response.status == 101) {
                fail(ECONNREFUSED,
                     fmt::format("it answered {} {}", response.status, http::reason_phrase(response.status)));
            }
            if (++interim > kMaxInterimResponses) fail(EPROTO, "too many interim answers");
            reply.erase(0, result.consumed);
            continue;
        }
        if (reply.size() > kMaxReply) fail(EPROTO, "its answer is too long");
        const std::size_t size = co_await stream.read_some(buffer);
        if (size == 0) fail(ECONNABORTED, "it closed the connection before its answer was whole");
        reply += as_text(ConstBytes(buffer).first(size));
    }
}

}  // namespace caropig::client
