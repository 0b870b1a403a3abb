#pragma once

#include <caropig/net/networks.h>

#include <cstdint>
#include <utility>

/// \file
/// A server behind a proxy sees the proxy's address, and the scheme and host of the connection between the two. What
/// the proxy says about its client can be believed, but only where it comes from the proxy.
namespace caropig::server {

/// Whom to believe, and what. All of it is off unless set: `ProxyOptions().trusted(networks)`.
class ProxyOptions {
public:
    /// The fields that the trusted proxies write. Those of the other kind are ignored: a proxy passes on what its
    /// client has sent of a kind that it does not know.
    enum class Fields : std::uint8_t {
        kXForwarded,  ///< X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host: nginx, haproxy and most others
        kForwarded,   ///< Forwarded (RFC 7239)
    };

    /// The proxies whose fields name the client; no proxy unless set. Include all that may stand in the row.
    ProxyOptions& trusted(net::Networks networks) {
        trusted_ = std::move(networks);
        return *this;
    }
    [[nodiscard]] const net::Networks& trusted() const noexcept { return trusted_; }

    /// kXForwarded unless set.
    ProxyOptions& fields(Fields fields) noexcept {
        fields_ = fields;
        return *this;
    }
    [[nodiscard]] Fields fields() const noexcept { return fields_; }

    /// The proxies whose connections begin with a header of the PROXY protocol, version 1 or 2. With any set, each
    /// connection must be one of theirs and begin so, within header_timeout: others are closed, and counted in
    /// LimitCounters::proxy_protocol. Then the connection's peer is whom the header names.
    ProxyOptions& proxy_protocol_from(net::Networks networks) {
        proxy_protocol_from_ = std::move(networks);
        return *this;
    }
    [[nodiscard]] const net::Networks& proxy_protocol_from() const noexcept { return proxy_protocol_from_; }

private:
    net::Networks trusted_;
    net::Networks proxy_protocol_from_;
    Fields fields_ = Fields::kXForwarded;
};

}  // namespace caropig::server
