#pragma once

#include <caropig/loop/clock.h>

#include <chrono>
#include <string>
#include <string_view>

/// \file
/// How the client gets from a URL to a connection. Each step waits on somebody else, so each has a deadline.
namespace caropig::client {

/// Options of the way to a connection. Set what differs from the defaults, by name. A deadline of zero is none. Setters
/// refuse with std::invalid_argument, in one line.
class ConnectionOptions {
public:
    /// Finding the addresses of the name. Two servers that are down take 6 s; after 10 s nobody waits any more.
    ConnectionOptions& resolve_timeout(Duration limit);
    [[nodiscard]] Duration resolve_timeout() const noexcept { return resolve_timeout_; }

    /// From the addresses to a TCP connection, over all addresses; of a Unix socket too. In 10 s TCP has sent its
    /// first segment four times: whoever has not answered is not there.
    ConnectionOptions& connect_timeout(Duration limit);
    [[nodiscard]] Duration connect_timeout() const noexcept { return connect_timeout_; }

    /// Connects to this Unix-domain socket whatever the URL's host says ('@' begins an abstract name); the Host field
    /// stays the URL's. Empty, the default: TCP.
    ConnectionOptions& unix_socket(std::string_view path);
    [[nodiscard]] const std::string& unix_socket() const noexcept { return unix_socket_; }

private:
    Duration resolve_timeout_ = std::chrono::seconds(10);
    Duration connect_timeout_ = std::chrono::seconds(10);
    std::string unix_socket_;
};

}  // namespace caropig::client
