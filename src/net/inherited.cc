#include "net/socket.h"
#include "net/socket_listener.h"
#include <caropig/net/address.h>
#include <caropig/net/inherited.h>
#include <caropig/net/tcp.h>

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace caropig::net {
namespace {

int option_of(int fd, int name, const std::string& operation) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) throw_errno(operation);
    return value;
}

}  // namespace

std::unique_ptr<Listener> listen_inherited(int descriptor) {
    const std::string operation = "take over descriptor " + std::to_string(descriptor);
    const int domain = option_of(descriptor, SO_DOMAIN, operation);
    const bool is_known = domain == AF_INET || domain == AF_INET6 || domain == AF_UNIX;
    if (!is_known || option_of(descriptor, SO_TYPE, operation) != SOCK_STREAM ||
        option_of(descriptor, SO_ACCEPTCONN, operation) == 0) {
        throw IoError(errno_code(EINVAL), operation + " (no listening stream socket)");
    }
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) throw_errno(operation);
    if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) throw_errno(operation);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) throw_errno(operation);
    const auto address = Address::from_sockaddr(&bound, size);
    Socket socket(descriptor);
    try {
        if (address) {  // what is accepted inherits these
            socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1, operation);
            socket.set_option(IPPROTO_TCP, TCP_NOTSENT_LOWAT, ListenOptions().max_unsent_bytes(), operation);
        }
        return std::make_unique<SocketListener>(std::move(socket), to_text(bound, size), address ? address->port() : 0,
                                                SocketListener::Sharing::kShared);
    } catch (...) {
        static_cast<void>(socket.release());
        throw;
    }
}

}  // namespace caropig::net
