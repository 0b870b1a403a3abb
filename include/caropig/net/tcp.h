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

    /// How many bytes an accepted connection takes before the kernel has sent them (TCP_NOTSENT_LOWAT); what is on its
    /// way does not count. Without a limit that is the whole send buffer, up to 4 MiB of a reader that is slow, and
    /// under BBR each burst of it costs a timer. Twice the largest burst, so that the kernel always has one to send;
    /// 0: no limit.
    ListenOptions& max_unsent_bytes(int bytes) noexcept {
        max_unsent_bytes_ = bytes;
        return *this;
    }
    [[nodiscard]] int max_unsent_bytes() const noexcept { return max_unsent_bytes_; }

private:
    int backlog_ = 4096;
    int max_unsent_bytes_ = 128 * 1024;
    bool reuse_port_ = false;
};

/// Binds and listens. `address` is an IPv4 or IPv6 literal; "localhost" is 127.0.0.1; "" or "*" means all addresses
/// of both families on one socket (IPv4 alone where the machine has no IPv6). A socket on an IPv6 literal takes IPv6
/// only, as Tornado's bind_sockets. `port` 0: the kernel chooses; ask Listener::port(). Accepted connections have
/// Nagle's algorithm off. Throws IoError that names address and port. Any thread.
std::unique_ptr<Listener> listen_tcp(std::string_view address, std::uint16_t port, const ListenOptions& options = {});

}  // namespace caropig::net
