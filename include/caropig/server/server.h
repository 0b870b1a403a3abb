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

private:
    friend class Connection;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace caropig::server
