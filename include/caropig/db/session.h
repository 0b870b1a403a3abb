#pragma once

#include <caropig/async/task.h>
#include <caropig/db/error.h>
#include <caropig/db/outcome.h>
#include <caropig/db/row.h>
#include <caropig/db/sql.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// \file
/// What statements are run on. Code that takes a Session& does its work in a transaction and outside of one alike.
namespace caropig::db {

namespace detail {
class StreamState;
}

/// The rows of a query, one after the other, however many there are: only some of them are in memory at a time, and
/// the database waits for whoever reads them. It holds its connection until the last row was read or it is destroyed.
/// Used by one task at a time, on the loop it came from. Not to be kept longer than its Database or Transaction.
///
/// One that is destroyed before its end costs its connection, which is closed at once; close() saves it.
class RowStream {
public:
    explicit RowStream(std::unique_ptr<detail::StreamState> state) noexcept;
    RowStream(RowStream&& other) noexcept;
    RowStream& operator=(RowStream&& other) noexcept;
    ~RowStream();

    /// The next row; nothing after the last one. It is valid until the next call. Throws Error (kTimeout when no row
    /// came within query_timeout), Cancelled; after that the stream is at its end.
    Task<std::optional<Row>> next();

    /// Drops the rows that are left and stops the statement, so that the connection can be used again. Idempotent.
    Task<void> close();

    [[nodiscard]] const std::vector<std::string>& columns() const noexcept;

private:
    std::unique_ptr<detail::StreamState> state_;
};

/// Where statements go: a Database, each with a connection of its own choice, or a Transaction. A statement is one
/// statement, with `?` for each argument. Arguments are numbers, bool, text, Bytes, Decimal, Date, DateTime, nullptr
/// for NULL, or std::optional of those; they are copied, or moved, before anything waits.
///
/// All tasks throw Error. Cancelling one stops the statement on the server before Cancelled is thrown. The session must
/// outlive the tasks.
class Session {
public:
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Runs a statement and gives all its rows. Throws LimitError too: beyond max_result_bytes.
    template <class... Arguments>
    [[nodiscard]] Task<Rows> query(Sql sql, Arguments&&... arguments) {
        return run_query(detail::Statement(sql, std::forward<Arguments>(arguments)...));
    }

    /// Runs a statement and drops its rows.
    template <class... Arguments>
    [[nodiscard]] Task<Outcome> execute(Sql sql, Arguments&&... arguments) {
        return run_execute(detail::Statement(sql, std::forward<Arguments>(arguments)...));
    }

    /// Runs a statement whose rows are read one by one:
    ///
    ///     db::RowStream stream = co_await database.stream("SELECT id FROM orders");
    ///     while (std::optional<db::Row> row = co_await stream.next()) use(row->get<int>("id"));
    template <class... Arguments>
    [[nodiscard]] Task<RowStream> stream(Sql sql, Arguments&&... arguments) {
        return run_stream(detail::Statement(sql, std::forward<Arguments>(arguments)...));
    }

protected:
    Session() = default;
    Session(Session&&) = default;
    ~Session() = default;

private:
    virtual Task<Rows> run_query(detail::Statement statement) = 0;
    virtual Task<Outcome> run_execute(detail::Statement statement) = 0;
    virtual Task<RowStream> run_stream(detail::Statement statement) = 0;
};

}  // namespace caropig::db
