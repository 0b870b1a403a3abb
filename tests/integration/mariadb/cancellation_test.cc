#include "mariadb_fixture.h"
#include <caropig/async/scope.h>
#include <caropig/async/waiter.h>
#include <caropig/loop/timer.h>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;

/// How a task that was cancelled has ended.
enum class End { kNone, kValue, kCancelled, kError };

class MariadbCancellation : public MariadbTest {
protected:
    MariadbCancellation() { options_.cancel_timeout = 5s; }

    /// Runs `work` (a callable that gives a Task<void>) until `condition` holds, then cancels it and waits for its end.
    template <class Work, class Condition>
    End cancel_when(Work work, Condition condition) {
        return wait(cancelling(std::move(work), std::move(condition)));
    }

    /// Waits, in rounds of the loop, until the server is at a statement with `text`, or not any more.
    auto server_runs(Connection& other, std::string text, bool runs = true) {
        return [this, &other, text, runs]() -> Task<void> {
            while ((co_await count(other, text) > 0) != runs) co_await sleep_for(5ms);
        };
    }

    Task<std::int64_t> count(Connection& other, std::string text) {
        Cells arguments;
        arguments.emplace_back("%" + text + "%");
        const Result result = co_await run(other, kCountRunning, std::move(arguments));
        co_return std::get<std::int64_t>(result.cells.front());
    }

    /// The server shows a statement until a moment after it has answered it.
    void expect_gone(Connection& other, const std::string& text) { wait(server_runs(other, text, false)()); }

    /// The connection gives each statement its own result.
    void expect_clean(Connection& connection) {
        ASSERT_TRUE(connection.usable());
        for (std::int64_t i = 0; i < 3; ++i) {
            EXPECT_EQ(one(connection, "SELECT ? + 1000", {i}), Value(i + 1000));
            EXPECT_EQ(one(connection, "SELECT SLEEP(0)"), Value(std::int64_t{0})) << "a kill hit it";
        }
        wait(connection.ping());
    }

private:
    template <class Work>
    static Task<void> note_end(Work& work, End& end) {
        try {
            co_await work();
            end = End::kValue;
        } catch (const Cancelled&) {
            end = End::kCancelled;
            throw;
        } catch (const Error&) {
            end = End::kError;
        }
    }
    template <class Work, class Condition>
    static Task<End> cancelling(Work work, Condition condition) {
        End end = End::kNone;
        auto body = [&](Scope& scope) -> Task<void> {
            scope.spawn(note_end<Work>, std::ref(work), std::ref(end));
            co_await condition();
            scope.cancel();
        };
        co_await with_scope(body);
        co_return end;
    }
};

auto rounds(int count) {
    return [count]() -> Task<void> {
        for (int i = 0; i < count; ++i) co_await yield();
    };
}

TEST_F(MariadbCancellation, StopsAStatementOnTheServer) {
    auto connection = connect();
    auto other = connect();
    auto work = [&]() -> Task<void> { co_await run(*connection, "SELECT SLEEP(30)"); };
    EXPECT_EQ(cancel_when(work, server_runs(*other, "SLEEP(30)")), End::kCancelled);
    expect_gone(*other, "SLEEP(30)");
    expect_clean(*connection);
}

TEST_F(MariadbCancellation, StopsATextStatement) {
    auto connection = connect();
    auto other = connect();
    query(*other, "CREATE TABLE IF NOT EXISTS locked (id INT)");
    query(*other, "LOCK TABLES locked WRITE");
    auto work = [&]() -> Task<void> { co_await run(*connection, "UPDATE locked SET id = 1"); };
    auto third = connect();
    EXPECT_EQ(cancel_when(work, server_runs(*third, "UPDATE locked")), End::kCancelled);
    expect_gone(*third, "UPDATE locked");
    query(*other, "UNLOCK TABLES");
    expect_clean(*connection);
}

TEST_F(MariadbCancellation, AtAnyMomentLeavesACleanConnection) {
    auto other = connect();
    for (int n = 0; n < 150; ++n) {
        auto connection = connect();
        auto work = [&]() -> Task<void> { co_await run(*connection, "SELECT SLEEP(30), 'any moment'"); };
        ASSERT_EQ(cancel_when(work, rounds(n)), End::kCancelled);
        expect_gone(*other, "any moment");
        expect_clean(*connection);
    }
}

TEST_F(MariadbCancellation, OfShortStatementsLeavesACleanConnection) {
    auto connection = connect();
    for (int n = 0; n < 300; ++n) {
        auto work = [&]() -> Task<void> {
            for (std::int64_t i = 0; i < 10; ++i) {
                Cells arguments(1, Value(i));
                co_await run(*connection, "SELECT ? + 5", std::move(arguments));
            }
        };
        cancel_when(work, rounds(n % 75));
        expect_clean(*connection);
    }
}

TEST_F(MariadbCancellation, InTheMiddleOfRows) {
    auto connection = connect();
    for (int n = 0; n < 20; ++n) {
        auto work = [&]() -> Task<void> {
            co_await run(*connection, "SELECT seq, REPEAT('x', 1000) FROM seq_1_to_300000");
        };
        ASSERT_EQ(cancel_when(work, rounds(n * 3)), End::kCancelled);
        expect_clean(*connection);
    }
}

TEST_F(MariadbCancellation, InTheMiddleOfFurtherResults) {
    auto connection = connect();
    query(*connection,
          "CREATE OR REPLACE PROCEDURE long_winded() BEGIN SELECT 1; SELECT REPEAT('x', 1000) FROM seq_1_to_300000; "
          "SELECT SLEEP(30); END");
    for (int n = 0; n < 20; ++n) {
        auto work = [&]() -> Task<void> { co_await run(*connection, "CALL long_winded()"); };
        ASSERT_EQ(cancel_when(work, rounds(n * 3)), End::kCancelled);
        expect_clean(*connection);
    }
    query(*connection, "DROP PROCEDURE long_winded");
}

TEST_F(MariadbCancellation, KeepsTheTransactionOpen) {
    auto connection = connect();
    query(*connection, "BEGIN");
    query(*connection, "CREATE TEMPORARY TABLE kept (id INT) ENGINE=InnoDB");
    query(*connection, "INSERT INTO kept VALUES (1)");
    auto other = connect();
    auto work = [&]() -> Task<void> { co_await run(*connection, "SELECT SLEEP(30)"); };
    EXPECT_EQ(cancel_when(work, server_runs(*other, "SLEEP(30)")), End::kCancelled);
    EXPECT_TRUE(connection->in_transaction());
    query(*connection, "ROLLBACK");
    EXPECT_FALSE(connection->in_transaction());
}

TEST_F(MariadbCancellation, AbandonedRowsAreStopped) {
    auto connection = connect();
    auto some = [&](std::string sql, std::size_t most) -> Task<std::size_t> {
        Cells cells;
        co_await connection->start(sql, {});
        std::size_t count = co_await connection->fetch(cells, most);
        co_await connection->abandon();
        co_return count;
    };
    EXPECT_EQ(wait(some("SELECT seq FROM seq_1_to_10", 3)), 3u);
    expect_clean(*connection);
    EXPECT_EQ(wait(some("SELECT seq FROM seq_1_to_100000000", 5)), 5u);
    expect_clean(*connection);
    EXPECT_EQ(wait(some("SELECT REPEAT('x', 20000), SLEEP(0.2) FROM seq_1_to_1000", 1)), 1u);
    expect_clean(*connection);
    wait(connection->abandon());
    EXPECT_TRUE(connection->usable()) << "nothing to abandon";
}

TEST_F(MariadbCancellation, AConnectionThatCantBeStoppedIsGivenUp) {
    options_.cancel_timeout = 50ms;
    auto other = connect();
    auto connection = connect();
    auto work = [&]() -> Task<void> { co_await run(*connection, "SELECT SLEEP(3), 'frozen'"); };
    auto freeze = [&, seen = server_runs(*other, "frozen")]() -> Task<void> {
        co_await seen();
        shared_server().freeze();
    };
    EXPECT_EQ(cancel_when(work, freeze), End::kCancelled);
    shared_server().thaw();
    EXPECT_FALSE(connection->usable());
}

TEST_F(MariadbCancellation, OfAPing) {
    options_.cancel_timeout = 50ms;
    auto connection = connect();
    shared_server().freeze();
    auto work = [&]() -> Task<void> { co_await connection->ping(); };
    EXPECT_EQ(cancel_when(work, rounds(5)), End::kCancelled);
    shared_server().thaw();
    EXPECT_FALSE(connection->usable());
}

TEST_F(MariadbCancellation, OfConnectingAtAnyMoment) {
    for (int n = 0; n < 40; ++n) {
        auto made = driver();
        auto work = [&]() -> Task<void> { co_await made->connect(); };
        cancel_when(work, rounds(n));
    }
    shared_server().freeze();
    auto made = driver();
    auto work = [&]() -> Task<void> { co_await made->connect(); };
    EXPECT_EQ(cancel_when(work, rounds(20)), End::kCancelled);
    shared_server().thaw();
    expect_clean(*connect());
}

/// The kill of an earlier statement must not hit a later one, when it comes while the connection is idle.
TEST_F(MariadbCancellation, APingTakesAKillThatCameTooLate) {
    auto connection = connect();
    auto other = connect();
    const std::string id = std::get<std::string>(one(*connection, "SELECT CAST(connection_id() AS CHAR)"));
    for (int i = 0; i < 50; ++i) {
        query(*other, "KILL QUERY " + id);
        wait(connection->ping());
        EXPECT_EQ(one(*connection, "SELECT SLEEP(0)"), Value(std::int64_t{0}));
    }
}

}  // namespace
}  // namespace caropig::db
