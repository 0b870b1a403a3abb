#pragma once

#include <caropig/net/address.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace caropig::support {

/// A blocking socket of the test, with plain system calls: the other side of what is tested.
class RawSocket {
public:
    explicit RawSocket(int fd) : fd_(fd) {}
    RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    RawSocket& operator=(RawSocket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;
    ~RawSocket() { close(); }

    /// Connects to a literal address; fd() is -1 and errno says why where that fails.
    static RawSocket connect(std::uint16_t port, std::string_view host = "127.0.0.1") {
        auto address = net::Address::parse(host, port).value();
        RawSocket result(::socket(address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(result.fd(), static_cast<const sockaddr*>(address.data()), address.size()) != 0) {
            int error = errno;
            result.close();
            errno = error;
        }
        return result;
    }

    [[nodiscard]] int fd() const { return fd_; }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    /// Makes close() send a reset.
    void reset() {
        linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close();
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    /// Blocks until `size` bytes or the end of the stream came.
    [[nodiscard]] std::string receive(std::size_t size) const {
        std::string text(size, '\0');
        ssize_t count = ::recv(fd_, text.data(), size, MSG_WAITALL);
        text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return text;
    }

private:
    int fd_;
};

}  // namespace caropig::support
