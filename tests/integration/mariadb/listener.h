#pragma once

#include "support/raw_socket.h"

#include <cstdint>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace caropig::support {

/// A port of 127.0.0.1 that the test answers by itself, or not at all.
class Listener {
public:
    Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(socket_.fd(), reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(socket_.fd(), 8), 0);
        EXPECT_EQ(::getsockname(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port_ = ntohs(address.sin_port);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Blocks until somebody connects.
    [[nodiscard]] RawSocket accept() const { return RawSocket(::accept(socket_.fd(), nullptr, nullptr)); }

private:
    RawSocket socket_;
    std::uint16_t port_ = 0;
};

}  // namespace caropig::support
