#pragma once

#include <caropig/client/client_options.h>
#include <caropig/loop/clock.h>
#include <caropig/web/handler.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// \file
/// Part of a site is served by another server, and clients should not notice: requests go on to it, answers come back,
/// and nothing of either is held as a whole.
namespace caropig::web {

/// Set what differs from the defaults, by name: `ReverseProxyOptions().strip_prefix("/api")`. A deadline of zero is
/// none.
class ReverseProxyOptions {
public:
    /// How the upstream learns who asked, since the connection is the proxy's. What a client says of itself must not be
    /// believed, so fields of that kind that came with the request are removed, by whatever spelling (X_Forwarded_For).
    enum class Forwarding : std::uint8_t {
        kReplace,  ///< the client as the server sees it: where ServerOptions::proxies() trusts one, whom that names
        kAppend,   ///< what came with the request, whoever says it, and after it who is connected
        kPass,     ///< nothing is added or removed
    };
    /// In which fields it is said.
    enum class Fields : std::uint8_t {
        kXForwarded,  ///< X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host
        kForwarded,   ///< Forwarded (RFC 7239)
    };

#define CAROPIG_OPTION(type, name, value)                      \
    [[nodiscard]] const type& name() const { return name##_; } \
    ReverseProxyOptions& name(type new_value) {                \
        name##_ = std::move(new_value);                        \
        return *this;                                          \
    }                                                          \
                                                               \
private:                                                       \
    type name##_ = value;                                      \
                                                               \
public:
    /// What a path loses at its front before the path of the upstream's URL is put there: "/api" makes "/api/users"
    /// "/users". A path that does not begin so is 404.
    CAROPIG_OPTION(std::string, strip_prefix, {})
    /// Whether the upstream sees the Host that the client asked for, as an application that makes its own URLs needs;
    /// else that of the upstream's URL, as a server that has many sites needs.
    CAROPIG_OPTION(bool, pass_host, true)
    CAROPIG_OPTION(Forwarding, forwarding, Forwarding::kReplace)
    CAROPIG_OPTION(Fields, fields, Fields::kXForwarded)
    /// The name of this proxy in the Via field of requests and answers (RFC 9110 7.6.3), a token; empty: no Via.
    CAROPIG_OPTION(std::string, via, "caropig")
    /// Another limit for bodies than the server's max_body_bytes. They are not held, so it may be as high as one likes.
    CAROPIG_OPTION(std::optional<std::uint64_t>, max_body_bytes, std::nullopt)

    /// To a connection with the upstream, its name resolved. A machine that is there answers within a second.
    CAROPIG_OPTION(Duration, connect_timeout, std::chrono::seconds(10))
    /// From the request's last byte to the answer's first: 504 then. As nginx's proxy_read_timeout. The server's
    /// handler_timeout bounds it too.
    CAROPIG_OPTION(Duration, first_byte_timeout, std::chrono::seconds(60))
    /// Between two arrivals of the answer's bytes: the client's connection is closed then.
    CAROPIG_OPTION(Duration, between_bytes_timeout, std::chrono::seconds(60))
    /// For everything. None: a download may take its time.
    CAROPIG_OPTION(Duration, total_timeout, Duration::zero())
    /// How long a client that waits for 100 (Continue) has its body wait for the upstream to say so.
    CAROPIG_OPTION(Duration, continue_timeout, std::chrono::seconds(1))
    /// Protocols that clients and the upstream may go on with by Upgrade. None that carries requests, such as h2c: they
    /// would pass by everything that looks at requests here.
    CAROPIG_OPTION(std::vector<std::string>, upgrades, {"websocket"})
    /// How each worker's client connects (TLS, a Unix socket, a proxy), and how many connections it has and keeps. A
    /// request that gets none is answered 503.
    CAROPIG_OPTION(client::ClientOptions, client, {})

#undef CAROPIG_OPTION
};

/// A handler that has `upstream` answer: "http://127.0.0.1:9000", also with a path, which goes before that of the
/// request. For Application::any():
///
///     app.any("/api/{path:path}", reverse_proxy("http://127.0.0.1:9000", ReverseProxyOptions().strip_prefix("/api")));
///
/// Both bodies are passed on piece by piece, as fast as the slower side takes them, with their Content-Length or in
/// chunks, and as they are coded; redirects are the client's to follow. Fields that are for one connection only stay
/// behind (RFC 9110 7.6.1), and so do the upstream's Date and Server. 102, 103 and trailers are passed on. A WebSocket
/// is passed through as it is, until one side ends it; no deadline applies to it.
///
/// Where the upstream does not answer, the client gets 502, 503 where too many requests wait for a connection, or 504
/// after a deadline, and the log says why. An answer that breaks off closes the client's connection. A client that goes
/// has the upstream's connection closed. A request goes to the upstream again only as HttpClient::fetch() says.
///
/// No XSRF token is asked for: that is the upstream's business. Throws std::invalid_argument, in one line, for a URL or
/// an option that makes no sense.
[[nodiscard]] Handler reverse_proxy(std::string_view upstream, ReverseProxyOptions options = {});

/// The same with several upstreams, which take turns. One that can't be connected to is passed over.
[[nodiscard]] Handler reverse_proxy(const std::vector<std::string>& upstreams, ReverseProxyOptions options = {});

}  // namespace caropig::web
