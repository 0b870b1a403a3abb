#pragma once

#include <caropig/async/task.h>
#include <caropig/server/options.h>

#include <cstddef>
#include <cstdint>
#include <memory>

/// \file
/// An HTTP server on one loop.
namespace caropig {
class Loop;
}
namespace caropig::net {
class Listener;
class Stream;
}  // namespace caropig::net

namespace caropig::server {

class Service;

/// How often a limit or a deadline has cut off a client, by the option that says so, since the server's start.
struct LimitCounters {
    std::uint64_t connections = 0;              ///< max_connections
    std::uint64_t connections_per_address = 0;  ///< max_connections_per_address
    std::uint64_t target = 0;                   ///< max_target_bytes
    std::uint64_t head = 0;                     ///< max_head_bytes, max_fields
    std::uint64_t body = 0;                     ///< max_body_bytes
    std::uint64_t inflated = 0;                 ///< max_inflated_bytes
    std::uint64_t buffered = 0;                 ///< max_buffered_bytes
    std::uint64_t head_deadline = 0;            ///< header_timeout
    std::uint64_t body_deadline = 0;            ///< body_timeout, min_body_rate
    std::uint64_t write_deadline = 0;           ///< write_timeout, min_write_rate
    std::uint64_t handler_deadline = 0;         ///< handler_timeout
    std::uint64_t proxy_protocol = 0;           ///< proxies().proxy_protocol_from(): a stranger, or no good header
};

/// Speaks HTTP/1.1 on the connections that it is given, and asks a Service for the answers. It belongs to the thread of
/// its loop. Destroy it after stop() has ended (a check fails otherwise), and before its loop and service.
class Server {
public:
    Server(Loop& loop, Service& service, ServerOptions options = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Serves what `listener` accepts, until stop().
    void listen(std::unique_ptr<net::Listener> listener);

    /// Serves one connection; the task ends when it is closed. Cancelling it closes the connection at once.
    Task<void> serve(std::unique_ptr<net::Stream> stream);

    /// Stops gracefully: accepts no more, answers what is in flight with "Connection: close", waits for it up to
    /// shutdown_timeout, then cancels the rest and waits for its end; who does not take the answer within
    /// linger_timeout loses it. Ends when no connection is left, which a handler that can't be cancelled (a callable
    /// that runs in a thread pool) delays.
    Task<void> stop();

    /// Open connections.
    [[nodiscard]] std::size_t connections() const noexcept;
    /// Requests whose head was read, since the start.
    [[nodiscard]] std::uint64_t requests() const noexcept;
    /// Bytes that its connections hold, which max_buffered_bytes limits.
    [[nodiscard]] std::size_t buffered() const noexcept;
    /// Who was cut off, and why. The reference lives as long as the server.
    [[nodiscard]] const LimitCounters& limits() const noexcept;

private:
    friend class Connection;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace caropig::server
