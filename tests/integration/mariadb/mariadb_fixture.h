#pragma once

#include "db/driver.h"
#include "support/loop_until.h"
#include "support/mariadb_server.h"
#include <caropig/db/error.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/with_timeout.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::db {

/// The server that all tests share; started before the first.
support::MariadbServer& shared_server();

using Cells = std::vector<Value>;

/// What a statement gave: its cells row by row.
struct Result {
    std::vector<std::string> columns;
    Cells cells;
    std::size_t rows = 0;
    Outcome outcome;
};

/// How many other connections are at a statement with some text.
inline constexpr const char* kCountRunning =
    "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE ? AND id <> connection_id()";

inline Task<Result> run(Connection& connection, std::string sql, Cells arguments = {}) {
    Result result;
    const Columns columns = co_await connection.start(sql, arguments);
    result.columns = *columns;
    while (const std::size_t count = co_await connection.fetch(result.cells, 100)) result.rows += count;
    result.outcome = connection.outcome();
    co_return result;
}

/// A loop and ways to ask the server.
class MariadbTest : public testing::Test {
protected:
    static constexpr std::chrono::seconds kLongest{20};

    DatabaseUrl url() const {
        DatabaseUrl url;
        url.kind = DatabaseUrl::Kind::kMysql;
        url.user = "root";
        url.host = "127.0.0.1";
        url.port = shared_server().port();
        url.database = "test";
        return url;
    }
    std::unique_ptr<Driver> driver() { return make_mysql_driver(loop_, url(), options_); }

    template <class T>
    T wait(Task<T> task) {
        return loop_.run_until(with_timeout(kLongest, std::move(task)));
    }

    std::unique_ptr<Connection> connect(const DatabaseUrl& url) {
        auto driver = make_mysql_driver(loop_, url, options_);
        return wait(driver->connect());
    }
    std::unique_ptr<Connection> connect() { return connect(url()); }

    /// The error that a task ends with; nothing where it has a value.
    template <class T>
    std::optional<Error> error_of(Task<T> task) {
        try {
            wait(std::move(task));
        } catch (const Error& error) {
            return error;
        }
        return std::nullopt;
    }

    Result query(Connection& connection, std::string sql, Cells arguments = {}) {
        return wait(run(connection, std::move(sql), std::move(arguments)));
    }
    /// The only cell of the only row.
    Value one(Connection& connection, std::string sql, Cells arguments = {}) {
        Result result = query(connection, std::move(sql), std::move(arguments));
        EXPECT_EQ(result.cells.size(), 1u);
        return result.cells.empty() ? Value() : std::move(result.cells.front());
    }

    /// Statements with `text` that the server is at, as another connection sees them.
    std::int64_t running(Connection& other, const std::string& text) {
        return std::get<std::int64_t>(one(other, kCountRunning, {"%" + text + "%"}));
    }

    DriverOptions options_;
    Loop loop_;
};

}  // namespace caropig::db
