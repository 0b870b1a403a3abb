#pragma once

#include <caropig/loop/clock.h>

#include <chrono>
#include <cstddef>

/// \file
/// How many connections a client keeps, and for how long.
namespace caropig::client {

/// Options of the connections of one HttpClient, which is one loop's. Set what differs from the defaults, by name. A
/// deadline of zero is none; setters refuse what makes no sense with std::invalid_argument, in one line.
class PoolOptions {
public:
    /// Connections to one origin at the same time, which is also how many fetches it sees at once: the others stand in
    /// line. At least 1; 10,000 unless set, since a fetch that waits costs little here. Set what the server can take.
    PoolOptions& max_connections_per_origin(std::size_t count);
    [[nodiscard]] std::size_t max_connections_per_origin() const noexcept { return max_connections_per_origin_; }

    /// Connections to all origins. At least 1; 10,000 unless set: each is a descriptor. Where it is reached, the idle
    /// connection that has been unused longest is closed for the new one; where none is idle, the origins that wait
    /// take turns.
    PoolOptions& max_connections(std::size_t count);
    [[nodiscard]] std::size_t max_connections() const noexcept { return max_connections_; }

    /// Connections to one origin that are kept unused; the one that has been unused longest is closed for one more.
    /// 100 unless set: after a rush the server need not hold thousands. Zero keeps none.
    PoolOptions& max_idle_per_origin(std::size_t count) noexcept;
    [[nodiscard]] std::size_t max_idle_per_origin() const noexcept { return max_idle_per_origin_; }

    /// Fetches that stand in line, of all origins; more fail at once (FetchError::Kind::kBusy).
    PoolOptions& max_waiting(std::size_t count) noexcept;
    [[nodiscard]] std::size_t max_waiting() const noexcept { return max_waiting_; }

    /// How long a fetch stands in line. As long as the whole fetch may take by default: 20 s.
    PoolOptions& queue_timeout(Duration limit);
    [[nodiscard]] Duration queue_timeout() const noexcept { return queue_timeout_; }

    /// How long a connection is kept unused. Many servers close after 60 or 75 s; who closes first spares the other
    /// the race.
    PoolOptions& idle_timeout(Duration limit);
    [[nodiscard]] Duration idle_timeout() const noexcept { return idle_timeout_; }

private:
    std::size_t max_connections_per_origin_ = 10'000;
    std::size_t max_connections_ = 10'000;
    std::size_t max_idle_per_origin_ = 100;
    std::size_t max_waiting_ = 10'000;
    Duration queue_timeout_ = std::chrono::seconds(20);
    Duration idle_timeout_ = std::chrono::seconds(50);
};

}  // namespace caropig::client
