#pragma once

#include <caropig/server/proxy_options.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

/// \file
/// Every limit and deadline of a server, each with its default and the reason for it.
namespace caropig::server {

/// Set what differs from the defaults, by name: `ServerOptions().keep_alive_timeout(5s).max_connections(100)`.
/// A deadline of zero means none; for the three that end a connection, shutdown_… and linger_timeout, it means at once.
class ServerOptions {
public:
    using Milliseconds = std::chrono::milliseconds;

#define CAROPIG_OPTION(type, name, value)               \
    [[nodiscard]] type name() const { return name##_; } \
    ServerOptions& name(type new_value) {               \
        name##_ = new_value;                            \
        return *this;                                   \
    }                                                   \
                                                        \
private:                                                \
    type name##_ = value;                               \
                                                        \
public:
    /// Connections open at a time, on each worker; one more is answered 503 and closed. Chosen to stay below the
    /// descriptors that a service usually gets, with room for upstream connections.
    CAROPIG_OPTION(std::size_t, max_connections, 20000)

    /// Connections from one address at a time, on each worker, of IPv6 from one /64; one more is answered 503 and
    /// closed. None by default: behind a proxy all come from the same address.
    CAROPIG_OPTION(std::size_t, max_connections_per_address, 0)
    /// Requests on one connection; the last is answered with "Connection: close". None by default, as nothing grows
    /// with their number; a limit spreads clients anew over the workers and over the servers behind a balancer.
    CAROPIG_OPTION(std::size_t, max_requests, 0)
    /// Requests of one connection that are answered before the other connections have their turn. A pipeline of so many
    /// costs less than a millisecond where handlers don't wait. How many may lie waiting is limited by their bytes: see
    /// read_ahead_bytes.
    CAROPIG_OPTION(std::size_t, requests_per_turn, 64)

    /// Bytes of a request's head (request line and fields); more is answered 431. As Tornado's max_header_size.
    CAROPIG_OPTION(std::size_t, max_head_bytes, std::size_t{64} * 1024)
    /// Fields in a request's head; more is answered 431. Browsers send about 20.
    CAROPIG_OPTION(std::size_t, max_fields, 100)
    /// Bytes of a request's target; more is answered 414. RFC 9110 section 4.1 asks for 8000 at least.
    CAROPIG_OPTION(std::size_t, max_target_bytes, 8192)
    /// Bytes of a request's body; more is answered 413. A handler that streams may raise it for its request.
    CAROPIG_OPTION(std::uint64_t, max_body_bytes, std::uint64_t{10} * 1024 * 1024)
    /// Whether bodies that are coded with gzip, br or zstd are decoded for their handlers; any other coding is answered
    /// 415 then, and without it handlers see what was sent. Off by default as Tornado's decompress_request: few bytes
    /// cost much work, and who forwards a body wants it as it is.
    CAROPIG_OPTION(bool, decompress_requests, false)
    /// Bytes that may come of such a body; more is answered 413. As much as a body that is not coded may have.
    CAROPIG_OPTION(std::uint64_t, max_inflated_bytes, std::uint64_t{10} * 1024 * 1024)
    /// Bytes of a body, or of pipelined requests, that are read ahead of the handler; then reading pauses.
    CAROPIG_OPTION(std::size_t, read_ahead_bytes, std::size_t{64} * 1024)
    /// Bytes that all connections of a worker hold together: heads that are incomplete, bodies and pipelined requests
    /// that lie unread, answers that lie unsent. Over it nothing is read ahead of handlers any more, and a head that
    /// comes in pieces is answered 503. A quarter of a GiB is what 20000 connections need with some 13 KiB each; limits
    /// of single connections times their number would be far more. 0: no limit.
    CAROPIG_OPTION(std::size_t, max_buffered_bytes, std::size_t{256} * 1024 * 1024)
    /// Bytes of a body left unread by its handler that are read and dropped to keep the connection usable; a longer
    /// rest closes the connection.
    CAROPIG_OPTION(std::size_t, max_drained_bytes, std::size_t{256} * 1024)

    /// From a request's first byte, or from accepting the connection, to the end of its head: 408 then. Ten seconds
    /// carry a head over the slowest of links, and bound what a slow attacker holds.
    CAROPIG_OPTION(Milliseconds, header_timeout, std::chrono::seconds(10))
    /// How long handlers wait for a request's body altogether: 408 then, unless it came at min_body_rate. A minute
    /// carries a form over the slowest of links.
    CAROPIG_OPTION(Milliseconds, body_timeout, std::chrono::seconds(60))
    /// Bytes a second that a body which takes longer than body_timeout must have come at, on average. Less than the
    /// slowest of mobile links carries; an upload may so take its time, and a byte now and then does not count as one.
    /// 0: no body may take longer.
    CAROPIG_OPTION(std::uint64_t, min_body_rate, 1024)
    /// Between a response and the next request's first byte; the connection is closed then. As nginx's default.
    CAROPIG_OPTION(Milliseconds, keep_alive_timeout, std::chrono::seconds(75))
    /// For a client to take some of what was written: the connection is closed when it has taken less than
    /// min_write_rate, or nothing, for so long.
    CAROPIG_OPTION(Milliseconds, write_timeout, std::chrono::seconds(30))
    /// Bytes a second that a client must take of a response, on average over write_timeout. Low, since the kernel takes
    /// bytes in steps: it is there for those who read a byte now and then. 0: anything at all is enough.
    CAROPIG_OPTION(std::uint64_t, min_write_rate, 256)
    /// From the end of the head to the start of the response, without the time in which the handler waits for the body:
    /// the handler is cancelled and 503 sent then. Long polls answer within a minute, as the proxies in front of them
    /// expect.
    CAROPIG_OPTION(Milliseconds, handler_timeout, std::chrono::seconds(120))

    /// How long a graceful stop lets requests in flight run before it cancels them. Below the 10 s after which
    /// container managers kill.
    CAROPIG_OPTION(Milliseconds, shutdown_timeout, std::chrono::seconds(8))
    /// How long a graceful stop leaves idle connections open for a request that is on its way already.
    CAROPIG_OPTION(Milliseconds, shutdown_idle_timeout, std::chrono::milliseconds(500))
    /// How long a connection that is being closed is read on, so that the last answer is not lost to a reset.
    CAROPIG_OPTION(Milliseconds, linger_timeout, std::chrono::seconds(2))

#undef CAROPIG_OPTION

    /// The proxies in front, and what of theirs is believed. Nothing by default.
    [[nodiscard]] const ProxyOptions& proxies() const noexcept { return proxies_; }
    ServerOptions& proxies(ProxyOptions new_value) {
        proxies_ = std::move(new_value);
        return *this;
    }

private:
    ProxyOptions proxies_;
};

}  // namespace caropig::server
