#pragma once

#include "db/database_url.h"
#include <caropig/async/task.h>
#include <caropig/db/outcome.h>
#include <caropig/db/value.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// The seam between the pool and the databases: one connection, one statement at a time. Behind it stand SQLite on its
/// threads, MariaDB and PostgreSQL on the loop, and the tests' scripted one.
namespace caropig {
class Loop;
}

namespace caropig::db {

using Columns = std::shared_ptr<const std::vector<std::string>>;

/// A connection, from Driver::connect() on. Used on its loop's thread, by one task at a time. Destroying it closes it
/// at once, without a word to the server and without waiting.
///
/// A statement is started, its rows are fetched until there is none left, and then the connection is idle again. When a
/// task of it is cancelled, the driver first stops the statement on the server (KILL QUERY, a cancel request,
/// sqlite3_interrupt), waits for the end of that within the option cancel_timeout, and then throws Cancelled;
/// afterwards usable() tells whether the connection is idle and clean or has to be thrown away.
class Connection {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    /// Sends one statement with its arguments and waits until its columns are known (none: it gives no rows). `?`
    /// stands for an argument in all databases (the PostgreSQL driver makes it $1, $2 …). `sql` and `arguments` must
    /// outlive the task. Prepared statements are cached by their text. Throws Error, Cancelled.
    virtual Task<Columns> start(std::string_view sql, std::span<const Value> arguments) = 0;

    /// Appends the cells of up to `most` further rows, row by row, and returns how many rows those were; 0: there are
    /// no more, and outcome() is known. Nothing is read ahead beyond what the library itself buffers. Throws Error,
    /// Cancelled.
    virtual Task<std::size_t> fetch(std::vector<Value>& cells, std::size_t most) = 0;

    /// Of the statement that has ended.
    [[nodiscard]] virtual Outcome outcome() const noexcept = 0;

    /// Ends a statement whose rows nobody wants any more, as a cancellation does, without Cancelled. No-op when idle.
    virtual Task<void> abandon() = 0;

    /// Asks the server for a sign of life. Throws Error.
    virtual Task<void> ping() = 0;

    /// Whether it may be used for another statement.
    [[nodiscard]] virtual bool usable() const noexcept = 0;

    /// Whether a transaction is open, as far as the server has said.
    [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
};

/// What makes connections to one database for one loop.
class Driver {
public:
    Driver() = default;
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;
    virtual ~Driver() = default;

    /// Throws Error (kUnavailable), Cancelled. The pool bounds it by connect_timeout.
    virtual Task<std::unique_ptr<Connection>> connect() = 0;

    /// "mariadb 127.0.0.1:3306/shop": for errors and logs, without user and password.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
};

/// What a driver must know of the pool's options.
struct DriverOptions {
    std::chrono::milliseconds cancel_timeout{1000};  ///< for stopping a statement on the server
    std::size_t statement_cache = 64;                ///< prepared statements kept on each connection; 0: none
};

/// Gives ":memory:" a name of its own, so that all drivers made of this URL have the same database, and keeps it in
/// memory as long as what is returned lives. Null, and nothing is done, for any other URL.
std::shared_ptr<void> share_sqlite_memory(DatabaseUrl& url);

std::unique_ptr<Driver> make_sqlite_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options);
std::unique_ptr<Driver> make_mysql_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options);
std::unique_ptr<Driver> make_postgres_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options);

}  // namespace caropig::db
