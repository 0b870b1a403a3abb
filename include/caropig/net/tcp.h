#pragma once

#include <caropig/net/listener.h>

#include <cstdint>
#include <memory>
#include <string_view>

/// \file
/// Listening on TCP ports. (To connect to one, see connect.h.)
namespace caropig::net {

/// How to listen.
class ListenOptions {
public:
    /// How many connections the kernel keeps until they are accepted. A burst of clients must fit in, and one entry
    /// costs next to nothing; the kernel cuts it down to net.core.somaxconn (4096 on today's Linux).
    ListenOptions& backlog(int connections) noexcept {
        backlog_ = connections;
        return *this;
    }
    [[nodiscard]] int backlog() const noexcept { return backlog_; }

    /// Lets several listeners, one a worker, share the port; the kernel spreads the connections. Off: a second
    /// program on the same port is an error, which is what one wants to hear of.
    ListenOptions& reuse_port(bool enabled) noexcept {
        reuse_port_ = enabled;
        return *this;
    }
    [[nodiscard]] bool reuse_port() const noexcept { return reuse_port_; }

private:
    int backlog_ = 4096;
    bool reuse_port_ = false;
};

/// Binds and listens. `address` is an IPv4 or IPv6 literal; "localhost" is 127.0.0.1; "" or "*" means all addresses
/// of both families on one socket (IPv4 alone where the machine has no IPv6). A socket on an IPv6 literal takes IPv6
/// only, as Tornado's bind_sockets. `port` 0: the kernel chooses; ask Listener::port(). Accepted connections have
/// Nagle's algorithm off. Throws IoError that names address and port. Any thread.
std::unique_ptr<Listener> listen_tcp(std::string_view address, std::uint16_t port, const ListenOptions& options = {});

}  // namespace caropig::net
