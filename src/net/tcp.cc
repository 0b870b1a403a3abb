#include "net/socket.h"
#include "net/socket_listener.h"
#include <caropig/net/address.h>
#include <caropig/net/tcp.h>

#include <cerrno>
#include <string>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace caropig::net {
namespace {

enum class Family : bool { kOnly, kBoth };

std::unique_ptr<Listener> listen_on(const Address& address, Family family, const ListenOptions& options,
                                    const std::string& operation) {
    Socket socket = Socket::make(address.is_v6() ? AF_INET6 : AF_INET, operation);
    socket.set_option(SOL_SOCKET, SO_REUSEADDR, 1, operation);
    if (options.reuse_port()) socket.set_option(SOL_SOCKET, SO_REUSEPORT, 1, operation);
    if (address.is_v6()) socket.set_option(IPPROTO_IPV6, IPV6_V6ONLY, family == Family::kOnly ? 1 : 0, operation);
    // Accepted sockets inherit these: they cost no system call per connection.
    socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1, operation);
    if (options.max_unsent_bytes() > 0) {
        socket.set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, options.max_unsent_bytes(), operation);
    }
    if (::bind(socket.fd(), static_cast<const sockaddr*>(address.data()), address.size()) != 0) throw_errno(operation);
    if (::listen(socket.fd(), options.backlog()) != 0) throw_errno(operation);

    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) throw_errno(operation);
    std::uint16_t port = Address::from_sockaddr(&bound, size).value_or(address).port();
    return std::make_unique<SocketListener>(std::move(socket), to_text(bound, size), port);
}

}  // namespace

std::unique_ptr<Listener> listen_tcp(std::string_view address, std::uint16_t port, const ListenOptions& options) {
    std::string where(address.empty() ? "*" : address);
    if (where.find(':') != std::string::npos && where.front() != '[') where = "[" + where + "]";
    const std::string operation = "listen on " + where + ":" + std::to_string(port);
    if (address.empty() || address == "*") {
        try {
            return listen_on(*Address::parse("::", port), Family::kBoth, options, operation);
        } catch (const IoError& error) {
            if (error.code() != errno_code(EAFNOSUPPORT) && error.code() != errno_code(EADDRNOTAVAIL)) throw;
        }
        return listen_on(*Address::parse("0.0.0.0", port), Family::kOnly, options, operation);
    }
    auto parsed = Address::parse(address == "localhost" ? "127.0.0.1" : address, port);
    if (!parsed) throw IoError(errno_code(EINVAL), operation + " (an IP address is needed)");
    return listen_on(*parsed, Family::kOnly, options, operation);
}

}  // namespace caropig::net
