#pragma once

#include <caropig/base/error.h>

#include <cstddef>
#include <string>
#include <utility>

struct sockaddr_storage;

namespace caropig::net {

/// Owns the descriptor of a socket; -1 is none.
class Socket {
public:
    Socket() = default;
    explicit Socket(int fd) noexcept : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(other.release()) {}
    Socket& operator=(Socket&& other) noexcept {
        if (this != &other) {
            close();
            fd_ = other.release();
        }
        return *this;
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(); }

    /// A non-blocking stream socket that programs started later don't inherit. Throws IoError(`operation`).
    [[nodiscard]] static Socket make(int family, const std::string& operation);

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;

    /// Sets an option of type int; throws IoError(`operation`).
    void set_option(int level, int name, int value, const std::string& operation) const;

private:
    int fd_ = -1;
};

/// Throws what errno says now, as an IoError.
[[noreturn]] void throw_errno(std::string operation);

/// "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name", "unix:" for an unnamed socket; empty for other families.
[[nodiscard]] std::string to_text(const sockaddr_storage& address, std::size_t size);

/// The same for the two ends of a connection; empty when the kernel does not know.
[[nodiscard]] std::string local_name(int fd);
[[nodiscard]] std::string peer_name(int fd);

}  // namespace caropig::net
