#pragma once

#include <chrono>
#include <cstddef>

/// \file
/// Every limit and deadline of a pool of connections, each with its default and the reason for it.
namespace caropig::db {

/// Set what differs from the defaults, by name: `PoolOptions().max_size(50).query_timeout(5s)`. All of it counts for
/// each loop by itself: with 4 workers and a max_size of 10 the server sees up to 40 connections. A time of zero means
/// that there is no such limit; for cancel_timeout and reconnect_delay, that it passes at once.
class PoolOptions {
public:
    using Milliseconds = std::chrono::milliseconds;

#define CAROPIG_OPTION(type, name, value)               \
    [[nodiscard]] type name() const { return name##_; } \
    PoolOptions& name(type new_value) {                 \
        name##_ = new_value;                            \
        return *this;                                   \
    }                                                   \
                                                        \
private:                                                \
    type name##_ = value;                               \
                                                        \
public:
    /// Connections that stay open however long they are idle. They are opened when they are first needed. None: an
    /// idle service holds nothing.
    CAROPIG_OPTION(std::size_t, min_size, 0)
    /// Connections open at a time, at least 1. A database does more with few busy connections than with many: ten for
    /// each worker leave room within the 100 (PostgreSQL) or 151 (MariaDB) that a server allows. Raise it where
    /// statements wait rather than work.
    CAROPIG_OPTION(std::size_t, max_size, 10)
    /// Statements that may wait for a connection; one more fails at once. What stands behind a thousand others is
    /// better refused than kept.
    CAROPIG_OPTION(std::size_t, max_waiting, 1000)

    /// For getting a connection: waiting in line, looking whether it is alive, opening it. Above connect_timeout, so
    /// that a server that does not answer is called that; well below what a browser's user waits.
    CAROPIG_OPTION(Milliseconds, acquire_timeout, std::chrono::seconds(5))
    /// For opening one connection, and for the sign of life of one that was idle. A lost SYN is repeated after 1 s.
    CAROPIG_OPTION(Milliseconds, connect_timeout, std::chrono::seconds(3))
    /// For one statement: until its result is there, or the next rows of a stream. Long enough for a report, short
    /// enough that a forgotten index doesn't hold all connections for ever. It is stopped on the server.
    CAROPIG_OPTION(Milliseconds, query_timeout, std::chrono::seconds(30))
    /// For stopping a statement on the server, and for a rollback; the connection is closed when it takes longer.
    CAROPIG_OPTION(Milliseconds, cancel_timeout, std::chrono::seconds(1))

    /// After being idle for so long, a connection has to give a sign of life before it is used: firewalls forget
    /// connections, servers restart. A fresh one is not asked: that would double the time of each statement.
    CAROPIG_OPTION(Milliseconds, check_after, std::chrono::seconds(30))
    /// After being idle for so long, a connection is closed where there are more than min_size.
    CAROPIG_OPTION(Milliseconds, idle_timeout, std::chrono::seconds(60))
    /// A connection older than this is replaced when it comes back: so a server that was added, or a name that points
    /// elsewhere, is noticed, and what a server keeps for a connection does not grow for ever.
    CAROPIG_OPTION(Milliseconds, max_age, std::chrono::minutes(30))
    /// After a connection could not be opened, the next attempt is not made sooner; until then statements that need
    /// one fail at once with the same error. And until one attempt has succeeded there is only one at a time. Short
    /// beside a person's patience, long beside what a server needs to refuse.
    CAROPIG_OPTION(Milliseconds, reconnect_delay, std::chrono::milliseconds(250))

    /// Prepared statements that each connection keeps. 0: none.
    CAROPIG_OPTION(std::size_t, statement_cache, 64)
    /// Bytes of a whole result in memory; a larger one is an error that points to stream(). 0: no limit.
    CAROPIG_OPTION(std::size_t, max_result_bytes, std::size_t{64} * 1024 * 1024)

#undef CAROPIG_OPTION
};

}  // namespace caropig::db
