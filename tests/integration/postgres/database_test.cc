#include "postgres_fixture.h"
#include <caropig/db/database.h>
#include <caropig/loop/with_timeout.h>

#include <chrono>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;

/// The driver as programs use it, behind the pool.
class PostgresDatabase : public PostgresTest {
protected:
    /// Patient: under a sanitizer it takes its time to read what the system has buffered of a stream that was stopped.
    Database database_{server().url(), PoolOptions().cancel_timeout(10s)};
};

TEST_F(PostgresDatabase, QueriesAndTransactions) {
    auto body = [&]() -> Task<void> {
        co_await database_.execute("DROP TABLE IF EXISTS accounts");
        co_await database_.execute(
            "CREATE TABLE accounts (id int PRIMARY KEY, cents bigint NOT NULL CHECK (cents >= 0))");
        co_await database_.execute("INSERT INTO accounts VALUES (?, ?), (?, ?)", 1, 100, 2, 0);
        auto transfer = [](Transaction& transaction) -> Task<void> {
            co_await transaction.execute("UPDATE accounts SET cents = cents + ? WHERE id = ?", 60, 2);
            co_await transaction.execute("UPDATE accounts SET cents = cents - ? WHERE id = ?", 60, 1);
        };
        co_await database_.transaction(transfer);
        bool refused = false;
        try {
            co_await database_.transaction(transfer);
        } catch (const Error& error) {
            refused = error.kind() == Error::Kind::kConstraint;
        }
        EXPECT_TRUE(refused);
        Rows rows = co_await database_.query("SELECT cents FROM accounts ORDER BY id");
        EXPECT_EQ(rows.size(), 2u);
        EXPECT_EQ(rows[0].get<std::int64_t>("cents"), 40);
        EXPECT_EQ(rows[1].get<std::int64_t>("cents"), 60);
        EXPECT_EQ(database_.size(), 1u);
    };
    loop_.run_until(body());
}

TEST_F(PostgresDatabase, StreamThatIsClosedKeepsItsConnection) {
    auto body = [&]() -> Task<void> {
        RowStream stream = co_await database_.stream("SELECT generate_series(1, 1000000000) AS n");
        for (int n = 1; n <= 1000; ++n) {
            std::optional<Row> row = co_await stream.next();
            EXPECT_EQ(row.value().get<int>("n"), n);
        }
        co_await stream.close();
        EXPECT_EQ(database_.idle(), 1u);
    };
    loop_.run_until(body());
    EXPECT_EQ(server().running("SELECT generate_series(1, 1000000000)%"), 0);
}

TEST_F(PostgresDatabase, DeadlineStopsTheStatementAndKeepsTheConnection) {
    auto body = [&]() -> Task<void> {
        co_await database_.query("SELECT 1");  // connects, however long that takes
        bool timed_out = false;
        try {
            co_await with_timeout(100ms, database_.query("SELECT pg_sleep(34)"));
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_EQ(server().running("SELECT pg_sleep(34)%"), 0);
        EXPECT_EQ(database_.idle(), 1u);
    };
    loop_.run_until(body());
}

TEST_F(PostgresDatabase, ComesBackAfterARestartByItself) {
    auto ask = [&]() -> Task<std::int64_t> {
        Rows rows = co_await database_.query("SELECT 7::bigint");
        co_return rows[0].get<std::int64_t>(0);
    };
    EXPECT_EQ(loop_.run_until(ask()), 7);
    server().restart();
    EXPECT_EQ(loop_.run_until(ask()), 7) << "nothing had been sent on the old connection";
}

TEST_F(PostgresDatabase, AThousandWaitTogether) {
    Database database(server().url(), PoolOptions().max_size(100));
    auto ask = [&]() -> Task<void> { co_await database.query("SELECT pg_sleep(0.1)"); };
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 1000; ++i) tasks.push_back(ask());
    auto begin = std::chrono::steady_clock::now();
    loop_.run_until(when_all(std::move(tasks)));
    auto taken = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(taken, 20s) << "one after the other takes 100 s";
    RecordProperty("milliseconds",
                   static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count()));
}

}  // namespace
}  // namespace caropig::db
