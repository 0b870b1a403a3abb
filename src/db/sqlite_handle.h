#pragma once

#include "db/driver.h"
#include "db/sqlite_settings.h"
#include <caropig/db/error.h>
#include <caropig/db/outcome.h>
#include <caropig/db/value.h>

#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <sqlite3.h>

namespace caropig::db {

/// Why SQLite refused something.
struct SqliteFailure {
    Error::Kind kind = Error::Kind::kStatement;
    int code = 0;  ///< extended
    std::string message;
    std::string shown;  ///< the same without what it may quote of the arguments; empty: as it is
    std::string statement;
};

/// A connection of SQLite's and its prepared statements. Every function may block: it is used on threads, by one at a
/// time, and what a call has left here may be read between two calls. Destroying it closes the connection.
class SqliteHandle {
public:
    enum class State {
        kRows,    ///< rows were read, there may be more
        kDone,    ///< the statement has ended; outcome() is known
        kBusy,    ///< the database is locked; start() may be tried again
        kFailed,  ///< failure() says why; the statement has ended
    };

    SqliteHandle() = default;
    SqliteHandle(const SqliteHandle&) = delete;
    SqliteHandle& operator=(const SqliteHandle&) = delete;
    ~SqliteHandle();

    /// Opens the database, and creates it with mode 0600 where there is none. False: failure() says why.
    bool open(const SqliteSettings& settings, const std::stop_token& stop);

    /// Prepares a statement, binds its arguments and appends up to `most` rows to `cells`.
    State start(std::string_view sql, std::span<const Value> arguments, std::vector<Value>& cells, std::size_t most,
                const std::stop_token& stop);

    /// Appends up to `most` further rows.
    State fetch(std::vector<Value>& cells, std::size_t most, const std::stop_token& stop);

    /// Ends the statement, whatever is left of it.
    void reset() noexcept;

    /// Whether a statement has begun and not ended.
    [[nodiscard]] bool active() const noexcept { return current_ != nullptr; }
    [[nodiscard]] const Columns& columns() const noexcept { return columns_; }
    [[nodiscard]] const Outcome& outcome() const noexcept { return outcome_; }
    [[nodiscard]] const SqliteFailure& failure() const noexcept { return failure_; }
    [[nodiscard]] bool in_transaction() const noexcept { return in_transaction_; }
    /// Not after an error of the file itself: another attempt should open it anew.
    [[nodiscard]] bool usable() const noexcept { return usable_; }

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept { ::sqlite3_close_v2(database); }
    };
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const noexcept { ::sqlite3_finalize(statement); }
    };
    struct Prepared {
        std::string sql;
        std::unique_ptr<sqlite3_stmt, Finalize> statement;
        Columns columns;
        int times_prepared = 0;  // SQLite prepares it again when the schema has changed
    };
    class Stopping;

    bool execute(const char* sql);
    bool prepare(std::string_view sql);
    bool bind(std::span<const Value> arguments);
    int bind_one(int index, const Value& value);
    State step(std::vector<Value>& cells, std::size_t most, const std::stop_token& stop);
    void read_row(std::vector<Value>& cells) const;
    void refresh_columns();
    void finish();
    State fail(int code);
    void refuse(std::string message);

    std::unique_ptr<sqlite3, Close> database_;
    std::list<Prepared> statements_;  // the one used last in front
    std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_text_;
    std::size_t cache_size_ = 0;
    Prepared* current_ = nullptr;
    const std::stop_token* stop_ = nullptr;
    std::chrono::steady_clock::time_point give_up_at_;  // waiting for a lock while it is opened
    Columns columns_;
    Outcome outcome_;
    SqliteFailure failure_;
    sqlite3_int64 changes_before_ = 0;
    bool in_transaction_ = false;
    bool usable_ = true;
};

}  // namespace caropig::db
