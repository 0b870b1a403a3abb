#pragma once

#include "client/proxy.h"
#include <caropig/async/task.h>
#include <caropig/client/fetch_error.h>
#include <caropig/client/options.h>
#include <caropig/http/url.h>
#include <caropig/net/resolver.h>
#include <caropig/net/stream.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace caropig::client {

/// Whom to connect to: what tells the connections of a pool apart.
struct Origin {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< an IPv6 address stands without its brackets
    std::uint16_t port = 0;
    std::string unix_path;  ///< not empty: this Unix-domain socket instead of host and port

    Origin(std::string scheme, std::string host, std::uint16_t port, std::string unix_path = {});
    explicit Origin(const http::Url& url) : Origin(url.scheme, url.host, url.port) {}

    /// "https://example.com:8443", as Url::origin(): what errors say.
    [[nodiscard]] std::string text() const;

    auto operator<=>(const Origin&) const = default;
};

/// A connection to an origin, ready for a request.
struct Connected {
    std::unique_ptr<net::Stream> stream;
    /// Its other end is an HTTP proxy, which wants the whole URL in the request line (RFC 9112 3.2.2).
    bool absolute_target = false;
    /// What that proxy wants in Proxy-Authorization; empty: nothing.
    std::string proxy_authorization;
};

/// Makes connections to origins, whatever lies on the way. On one loop; used on its thread only.
class Connector {
public:
    /// `loop` must outlive the connector, and the connector its connect()s; connections may outlive it. Throws
    /// std::invalid_argument where the environment names a proxy that is none.
    Connector(Loop& loop, ConnectionOptions options);

    /// A new connection. `phase`, which must outlive the task, always says how far it has come: for whoever has a
    /// deadline of their own. Throws FetchError, which names origin and phase; Cancelled, once nothing is left open.
    Task<Connected> connect(Origin origin, FetchError::Phase& phase);

    [[nodiscard]] Loop& loop() const noexcept { return resolver_.loop(); }
    [[nodiscard]] const ConnectionOptions& options() const noexcept { return options_; }

private:
    struct Attempt;
    Task<std::unique_ptr<net::Stream>> dial(Attempt& attempt, std::string host, std::uint16_t port);
    Task<std::unique_ptr<net::Stream>> secure(Attempt& attempt, std::unique_ptr<net::Stream> stream, std::string host,
                                              std::uint16_t port);
    Task<Connected> connect_by_proxy(Attempt& attempt, const Proxy& proxy);

    ConnectionOptions options_;
    ProxyRules proxies_;
    net::Resolver resolver_;
    std::optional<net::TlsClientContext> tls_;  // made when it is first needed
};

}  // namespace caropig::client
