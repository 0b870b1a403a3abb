#include "net/socket.h"

#include <caropig/net/address.h>

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace caropig::net {

void throw_errno(std::string operation) {
    int error = errno;
    throw IoError(errno_code(error), std::move(operation));
}

Socket Socket::make(int family, const std::string& operation) {
    int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw_errno(operation);
    return Socket(fd);
}

void Socket::close() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void Socket::set_option(int level, int name, int value, const std::string& operation) const {
    if (::setsockopt(fd_, level, name, &value, sizeof value) != 0) throw_errno(operation);
}

std::string to_text(const sockaddr_storage& address, std::size_t size) {
    if (address.ss_family != AF_UNIX) {
        auto ip = Address::from_sockaddr(&address, size);
        return ip ? ip->to_string() : std::string();
    }
    constexpr std::size_t kPath = offsetof(sockaddr_un, sun_path);
    if (size <= kPath) return "unix:";
    const char* path = reinterpret_cast<const char*>(&address) + kPath;
    std::size_t length = size - kPath;
    if (*path == '\0') return "unix:@" + std::string(path + 1, length - 1);
    return "unix:" + std::string(path, ::strnlen(path, length));
}

std::string local_name(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return to_text(address, size);
}

std::string peer_name(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        // After a reset getpeername() says ENOTCONN, but the socket still knows. It wants the exact size.
        int family = AF_UNSPEC;
        size = sizeof family;
        if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0) return {};
        size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &address, &size) != 0) return {};
    }
    return to_text(address, size);
}

}  // namespace caropig::net
