#pragma once

#include "db/driver.h"
#include "support/loop_until.h"
#include "support/postgres_server.h"
#include <caropig/async/when_all.h>
#include <caropig/async/when_any.h>
#include <caropig/db/error.h>
#include <caropig/loop/loop.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::db {

/// A result as a whole.
struct Result {
    std::vector<std::string> columns;
    std::vector<Value> cells;
    Outcome outcome;
};

/// Runs one statement with all of its rows.
inline Task<Result> query(Connection& connection, std::string sql, std::vector<Value> arguments = {}) {
    Result result;
    Columns columns = co_await connection.start(sql, arguments);
    if (columns != nullptr) result.columns = *columns;
    while (co_await connection.fetch(result.cells, 100) != 0) {
    }
    result.outcome = connection.outcome();
    co_return result;
}

/// Runs `task`, cancels it once `condition` holds, and says whether it was that which ended it.
template <class T>
Task<bool> cancel_when(Task<T> task, std::function<bool()> condition) {
    auto winner = co_await when_any(std::move(task), support::yield_until(std::move(condition)));
    co_return winner.index == 1;
}

/// One server for all tests of the program; a connection for each.
class PostgresTest : public testing::Test {
protected:
    static support::PostgresServer& server();

    std::unique_ptr<Driver> make_driver(const std::string& url) {
        return make_postgres_driver(loop_, parse_database_url(url), options_);
    }
    std::unique_ptr<Connection> connect(const std::string& url = server().url()) {
        drivers_.push_back(make_driver(url));
        return loop_.run_until(drivers_.back()->connect());
    }
    /// The error that connecting ends with.
    Error refused(const std::string& url) {
        return error_of([&] { connect(url); });
    }

    Result run(Connection& connection, std::string sql, std::vector<Value> arguments = {}) {
        return loop_.run_until(query(connection, std::move(sql), std::move(arguments)));
    }
    /// The one cell of a result.
    Value value(Connection& connection, std::string sql, std::vector<Value> arguments = {}) {
        Result result = run(connection, std::move(sql), std::move(arguments));
        return result.cells.size() == 1 ? result.cells[0] : Value("not one cell");
    }
    Error failed(Connection& connection, std::string sql, std::vector<Value> arguments = {}) {
        return error_of([&] { run(connection, std::move(sql), std::move(arguments)); });
    }
    static Error error_of(const std::function<void()>& action) {
        try {
            action();
        } catch (const Error& error) {
            return error;
        }
        return Error(Error::Kind::kStatement, "", "", "nothing was thrown", "none");
    }
    /// That the connection is idle, and its next result its own.
    void expect_clean(Connection& connection) {
        ASSERT_TRUE(connection.usable());
        for (std::int64_t number = 1; number <= 3; ++number) {
            EXPECT_EQ(value(connection, "SELECT ?::bigint", {number}), Value(number));
        }
    }

    DriverOptions options_;
    Loop loop_;
    std::vector<std::unique_ptr<Driver>> drivers_;
};

}  // namespace caropig::db
