#pragma once

#include <caropig/loop/clock.h>
#include <caropig/net/connect.h>
#include <caropig/net/resolver.h>
#include <caropig/net/tls.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// How the client gets from a URL to a connection. Each step waits on somebody else, so each has a deadline.
namespace caropig::client {

/// Options of the way to a connection. Set what differs from the defaults, by name. A deadline of zero is none. Setters
/// refuse with std::invalid_argument, in one line.
class ConnectionOptions {
public:
    /// Finding the addresses of the name. Two servers that are down take 6 s; after 10 s nobody waits any more.
    ConnectionOptions& resolve_timeout(Duration limit);
    [[nodiscard]] Duration resolve_timeout() const noexcept { return resolve_timeout_; }

    /// From the addresses to a TCP connection, over all addresses; of a Unix socket too. In 10 s TCP has sent its
    /// first segment four times: whoever has not answered is not there.
    ConnectionOptions& connect_timeout(Duration limit);
    [[nodiscard]] Duration connect_timeout() const noexcept { return connect_timeout_; }

    /// Until a proxy has connected to the server, which has it resolve and connect: 20 s.
    ConnectionOptions& proxy_timeout(Duration limit);
    [[nodiscard]] Duration proxy_timeout() const noexcept { return proxy_timeout_; }

    /// The handshake of TLS: two round trips and some milliseconds of work. 10 s, as Go's.
    ConnectionOptions& tls_timeout(Duration limit);
    [[nodiscard]] Duration tls_timeout() const noexcept { return tls_timeout_; }

    /// Whom to trust with https, and as whom to speak. What `options` name is read at once. With the defaults unless
    /// set. Clients that are to share sessions share the context.
    ConnectionOptions& tls(const net::TlsClientOptions& options) { return tls(net::TlsClientContext(options)); }
    ConnectionOptions& tls(net::TlsClientContext context) {
        tls_ = std::move(context);
        return *this;
    }
    [[nodiscard]] const std::optional<net::TlsClientContext>& tls() const noexcept { return tls_; }

    /// Servers to ask, names to answer otherwise, how long to remember.
    ConnectionOptions& resolver(net::ResolverOptions options) {
        resolver_ = std::move(options);
        return *this;
    }
    [[nodiscard]] const net::ResolverOptions& resolver() const noexcept { return resolver_; }

    /// The race for an address, and where to connect from.
    ConnectionOptions& tcp(const net::ConnectOptions& options) noexcept {
        tcp_ = options;
        return *this;
    }
    [[nodiscard]] const net::ConnectOptions& tcp() const noexcept { return tcp_; }

    /// Goes by way of this proxy: "http://user:password@host:3128", "https://…", "socks5://…" (the name is resolved
    /// here) or "socks5h://…" (by the proxy). As curl: without a scheme it is http, without a port 1080. To https
    /// origins an HTTP proxy makes a tunnel (CONNECT). "": none.
    ConnectionOptions& proxy(std::string_view url);
    [[nodiscard]] const std::string& proxy() const noexcept { return proxy_; }

    /// What to reach without the proxy: names, which stand for what is below them too, addresses and networks
    /// ("10.0.0.0/8"), separated by commas; "*" for all. As curl's --noproxy.
    ConnectionOptions& no_proxy(std::string_view list) {
        no_proxy_ = list;
        return *this;
    }
    [[nodiscard]] const std::string& no_proxy() const noexcept { return no_proxy_; }

    /// Takes the proxies from http_proxy, https_proxy, all_proxy and no_proxy, as curl does, unless proxy() is set:
    /// each also in upper case, but not HTTP_PROXY, which a CGI program's client can set. They are read when the client
    /// is made, which throws std::invalid_argument for what is no proxy. False unless set: a service's way to another
    /// should not depend on who started it.
    ConnectionOptions& proxies_from_environment(bool enabled) noexcept {
        proxies_from_environment_ = enabled;
        return *this;
    }
    [[nodiscard]] bool proxies_from_environment() const noexcept { return proxies_from_environment_; }

    /// Connects to this Unix-domain socket whatever the URL's host says ('@' begins an abstract name); the Host field
    /// stays the URL's. No proxy is used. Empty, the default: TCP.
    ConnectionOptions& unix_socket(std::string_view path) {
        unix_socket_ = path;
        return *this;
    }
    [[nodiscard]] const std::string& unix_socket() const noexcept { return unix_socket_; }

private:
    Duration resolve_timeout_ = std::chrono::seconds(10);
    Duration connect_timeout_ = std::chrono::seconds(10);
    Duration proxy_timeout_ = std::chrono::seconds(20);
    Duration tls_timeout_ = std::chrono::seconds(10);
    std::optional<net::TlsClientContext> tls_;
    net::ResolverOptions resolver_;
    net::ConnectOptions tcp_;
    std::string proxy_;
    std::string no_proxy_;
    std::string unix_socket_;
    bool proxies_from_environment_ = false;
};

}  // namespace caropig::client
