#pragma once

#include "db/driver.h"
#include <caropig/async/task.h>
#include <caropig/async/waiter.h>
#include <caropig/db/error.h>
#include <caropig/db/options.h>
#include <caropig/loop/clock.h>
#include <caropig/loop/timer.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caropig {
class Loop;
}

namespace caropig::db::detail {

class Pool;

/// A connection on loan. It goes back when the lease is destroyed, and is closed instead where it can't be used again:
/// it is broken, a transaction is open, or nobody knows in which state a statement has left it.
class Lease {
public:
    Lease() = default;
    Lease(Pool& pool, std::unique_ptr<Connection> connection, TimePoint born, bool fresh) noexcept
        : pool_(&pool), connection_(std::move(connection)), born_(born), fresh_(fresh) {}
    Lease(Lease&& other) noexcept
        : pool_(other.pool_),
          connection_(std::move(other.connection_)),
          born_(other.born_),
          fresh_(other.fresh_),
          in_statement_(other.in_statement_) {}
    Lease& operator=(Lease&& other) noexcept {
        give_back();
        pool_ = other.pool_;
        connection_ = std::move(other.connection_);
        born_ = other.born_;
        fresh_ = other.fresh_;
        in_statement_ = other.in_statement_;
        return *this;
    }
    ~Lease() { give_back(); }

    explicit operator bool() const noexcept { return connection_ != nullptr; }
    [[nodiscard]] Connection& connection() const noexcept { return *connection_; }
    [[nodiscard]] Pool& pool() const noexcept { return *pool_; }
    /// Whether it was opened for this lease: what it says of the server is news.
    [[nodiscard]] bool fresh() const noexcept { return fresh_; }

    /// From the start of a statement until the connection is known to be idle again.
    [[nodiscard]] bool in_statement() const noexcept { return in_statement_; }
    void set_in_statement(bool in_statement) noexcept { in_statement_ = in_statement; }

    /// While a task of the connection runs: it must not be given back then.
    [[nodiscard]] bool running() const noexcept { return running_; }
    void set_running(bool running) noexcept { running_ = running; }

    /// Before the end; harmless when it was done already.
    void give_back() noexcept;

private:
    Pool* pool_ = nullptr;
    std::unique_ptr<Connection> connection_;
    TimePoint born_;
    bool fresh_ = false;
    bool in_statement_ = false;
    bool running_ = false;
};

/// The connections of one loop to one database.
///
/// Whoever needs a connection opens it, as part of its own task: there is no work in the background that could outlive
/// the loop. A connection that comes back, or room for another one, goes to whoever has waited longest.
class Pool {
public:
    Pool(Loop& loop, std::unique_ptr<Driver> driver, const PoolOptions& options);
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    /// No lease may be out, and nobody wait.
    ~Pool();

    /// A connection that can be used at once; empty where acquire() has to be awaited.
    Lease try_take() noexcept;

    /// Waits for a connection, in line, or opens one. `statement` is for the error, and must outlive the task. Throws
    /// Error (kUnavailable, kTimeout), Cancelled.
    Task<Lease> acquire(std::string_view statement);

    /// Ends it: who waits gets an Error, idle connections are closed now and others when they come back.
    void close() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return open_; }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
    /// Whether it may be destroyed.
    [[nodiscard]] bool unused() const noexcept { return waiting_ == 0 && open_ == idle_.size(); }

    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] const PoolOptions& options() const noexcept { return options_; }
    [[nodiscard]] const std::string& name() const noexcept { return driver_->name(); }

private:
    friend class Lease;
    struct Entry {
        std::unique_ptr<Connection> connection;
        TimePoint born;
        TimePoint idle_since;
    };
    struct Alarm : Timer {
        Alarm(Pool& owner, void (Pool::*ring)()) noexcept
            : Timer([](Timer& self) noexcept {
                  auto& alarm = static_cast<Alarm&>(self);
                  (alarm.pool.*alarm.rings)();
              }),
              pool(owner),
              rings(ring) {}
        Pool& pool;
        void (Pool::*rings)();
    };
    class Room;
    class Line;

    Task<Lease> acquire_in_line(std::string_view statement);
    Task<bool> is_alive(Connection& connection);
    Task<std::unique_ptr<Connection>> open(std::string_view statement);
    void take_back(std::unique_ptr<Connection> connection, TimePoint born, bool usable) noexcept;
    void drop() noexcept;
    void serve() noexcept;
    void close_idle();
    void connecting_failed(const Error& failure);
    void connecting_succeeded();

    [[nodiscard]] bool too_old(TimePoint born) const noexcept;
    [[nodiscard]] bool idle_for_long(TimePoint since) const noexcept;
    [[nodiscard]] bool may_open() const noexcept;
    [[nodiscard]] bool hopeless() const noexcept;
    [[noreturn]] void throw_failure(std::string_view statement) const;

    Loop& loop_;
    std::unique_ptr<Driver> driver_;
    const PoolOptions options_;
    std::vector<Entry> idle_;  // the one used last at the end, and used first
    caropig::detail::WaiterList line_;
    Alarm idle_alarm_;              // when the connection that is idle longest is to be closed
    Alarm retry_alarm_;             // when connecting may be tried again, while somebody waits for that
    std::optional<Error> failure_;  // of the last attempt to connect; none once one has succeeded
    TimePoint retry_at_{};
    std::size_t open_ = 0;     // idle, lent, or given out as room to open one
    std::size_t opening_ = 0;  // those given out as room
    std::size_t waiting_ = 0;
    bool closed_ = false;
};

}  // namespace caropig::db::detail
