#pragma once

#include "client/proxy.h"
#include <caropig/async/task.h>
#include <caropig/net/stream.h>

#include <cstdint>
#include <string>

namespace caropig::client {

/// Whom a proxy is asked for: a name or an address, without brackets.
struct Target {
    std::string host;
    std::uint16_t port = 0;

    Target(std::string its_host, std::uint16_t its_port) : host(std::move(its_host)), port(its_port) {}
    /// "example.com:443", "[::1]:443".
    [[nodiscard]] std::string text() const;
};

/// Has an HTTP proxy at the other end of `stream` connect to `target` (RFC 9110 9.3.6). Afterwards the stream is the
/// target's; not a byte of it is lost. `stream` and `proxy` must outlive the task. No deadline. Throws ProxyError,
/// IoError, Cancelled.
Task<void> open_http_tunnel(net::Stream& stream, const Proxy& proxy, Target target);

/// The same with a SOCKS5 proxy (RFC 1928, RFC 1929).
Task<void> open_socks_tunnel(net::Stream& stream, const Proxy& proxy, Target target);

}  // namespace caropig::client
