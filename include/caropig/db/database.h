#pragma once

#include <caropig/async/scope.h>
#include <caropig/db/options.h>
#include <caropig/db/session.h>
#include <caropig/db/transaction.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// A handler that asks a database must not hold up its loop, nor open a connection for each request.
///
///     db::Database database("mysql://shop@127.0.0.1/shop");
///
///     Task<std::optional<std::string>> name_of(db::Database& database, std::int64_t id) {
///         db::Rows rows = co_await database.query("SELECT name FROM users WHERE id = ?", id);
///         if (rows.empty()) co_return std::nullopt;
///         co_return rows[0].get<std::string>("name");
///     }
namespace caropig::db {

namespace detail {
class DatabaseState;
}

/// A database, and a pool of connections to it on each loop that uses it. All workers share one object; each loop's
/// pool is made when it is first used and closed with the loop, or when the Database is destroyed. Nothing is connected
/// before the first statement.
///
/// Connections are handed out first come, first served. Statements are never repeated, except on a connection that
/// turned out dead before anything was sent.
class Database final : public Session {
public:
    /// A URL as in "sqlite:app.db", "mysql://user:password@host/name", "postgres://…": docs/guide/databases.md has
    /// them all. Throws std::invalid_argument for one that can't be understood; never with its password.
    explicit Database(std::string_view url, const PoolOptions& options = {});
    /// For tests.
    explicit Database(std::unique_ptr<detail::DatabaseState> state) noexcept;
    /// No task of it may be running: on other loops pools are closed some time after.
    ~Database();

    /// Runs `body(transaction)`, a coroutine that takes a Transaction&, in a transaction: committed when it ends
    /// normally, rolled back when it throws or is cancelled. The value is the body's.
    ///
    ///     auto transfer = [&](db::Transaction& transaction) -> Task<void> {
    ///         co_await transaction.execute("UPDATE accounts SET cents = cents - ? WHERE id = ?", cents, from);
    ///         co_await transaction.execute("UPDATE accounts SET cents = cents + ? WHERE id = ?", cents, to);
    ///     };
    ///     co_await database.transaction(transfer);
    ///
    /// A rollback that is not had within cancel_timeout is had by closing the connection. An Error kBroken or kTimeout
    /// of the commit itself leaves open whether it took place. Error kConflict: another transaction was in the way, the
    /// whole may be tried again. A body whose captures need destruction must have a name (a bug of GCC 12).
    template <class Body>
    [[nodiscard("a Task does nothing until it is awaited")]] auto transaction(Body&& body) {
        return transaction(TransactionOptions(), std::forward<Body>(body));
    }
    template <class Body>
    [[nodiscard("a Task does nothing until it is awaited")]] auto transaction(const TransactionOptions& options,
                                                                              Body&& body) {
        static_assert(detail::TransactionBody<std::decay_t<Body>>,
                      "a transaction's body is a callable that takes a db::Transaction& and returns a Task");
        caropig::detail::check_awaited_callable<Body>();
        return detail::run_transaction<std::decay_t<Body>>(begin(options), std::forward<Body>(body));
    }

    // Of the pool of the loop that runs on this thread.

    /// Connections that are open or being opened.
    [[nodiscard]] std::size_t size() const;
    /// Open ones that nobody uses.
    [[nodiscard]] std::size_t idle() const;
    /// Statements and transactions that wait for one.
    [[nodiscard]] std::size_t waiting() const;

    /// "mariadb 127.0.0.1:3306/shop": for logs, without user and password.
    [[nodiscard]] const std::string& name() const noexcept;

private:
    Task<Rows> run_query(detail::Statement statement) override;
    Task<Outcome> run_execute(detail::Statement statement) override;
    Task<RowStream> run_stream(detail::Statement statement) override;
    Task<Transaction> begin(TransactionOptions options);

    std::unique_ptr<detail::DatabaseState> state_;
};

}  // namespace caropig::db
