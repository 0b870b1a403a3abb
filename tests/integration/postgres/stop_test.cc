#include "postgres_fixture.h"

#include <chrono>
#include <csignal>

namespace caropig::db {
namespace {

using testing::HasSubstr;

class PostgresStop : public PostgresTest {
protected:
    void SetUp() override {
        connection_ = connect();
        pid_ = static_cast<pid_t>(std::get<std::int64_t>(value(*connection_, "SELECT pg_backend_pid()")));
    }

    /// Cancels `task` as soon as the server runs a statement like `pattern`; it must be gone there within a second.
    template <class T>
    void expect_stopped(Task<T> task, const std::string& pattern) {
        std::chrono::steady_clock::time_point asked;
        auto is_running = [&] {
            asked = std::chrono::steady_clock::now();
            return server().running(pattern) == 1;
        };
        EXPECT_TRUE(loop_.run_until(cancel_when(std::move(task), is_running)));
        EXPECT_EQ(server().running(pattern), 0);
        EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(1));
    }

    std::unique_ptr<Connection> connection_;
    pid_t pid_ = 0;
};

TEST_F(PostgresStop, StatementThatRuns) {
    expect_stopped(query(*connection_, "SELECT pg_sleep(30)"), "SELECT pg_sleep(30)%");
    expect_clean(*connection_);
    EXPECT_FALSE(connection_->in_transaction());
    // Again, now that it is prepared.
    expect_stopped(query(*connection_, "SELECT pg_sleep(30)"), "SELECT pg_sleep(30)%");
    expect_clean(*connection_);
}

TEST_F(PostgresStop, StatementThatIsBeingPrepared) {
    run(*connection_, "DROP TABLE IF EXISTS locked");
    run(*connection_, "CREATE TABLE locked (a int)");
    server().observe("BEGIN", "shop");
    server().observe("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE", "shop");
    // The session waits for the lock in Parse, where pg_stat_activity shows no statement yet that could be asked for.
    auto waits = [&] {
        return server().observe("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = " + std::to_string(pid_),
                                "shop") == "1";
    };
    EXPECT_TRUE(loop_.run_until(cancel_when(query(*connection_, "SELECT a FROM locked"), waits)));
    EXPECT_FALSE(waits());
    expect_clean(*connection_);
    server().observe("ROLLBACK", "shop");
    EXPECT_THAT(run(*connection_, "SELECT a FROM locked").columns, testing::ElementsAre("a"));
    EXPECT_EQ(run(*connection_, "SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT a FROM locked'")
                  .cells.size(),
              1u);
}

TEST_F(PostgresStop, InTheMiddleOfRows) {
    const std::string sql = "SELECT repeat('x', 1000), generate_series(1, 1000000000)";
    std::vector<Value> cells;
    loop_.run_until(connection_->start(sql, {}));
    EXPECT_EQ(server().running("SELECT repeat%"), 1);
    auto fetch_for_ever = [&]() -> Task<void> {
        while (co_await connection_->fetch(cells, 100) != 0) {
            cells.clear();
            co_await yield();
        }
    };
    int rounds = 50;
    EXPECT_TRUE(loop_.run_until(cancel_when(fetch_for_ever(), [&] { return --rounds < 0; })));
    if (!connection_->usable()) loop_.run_until(connection_->abandon());  // it was cancelled between two fetches
    EXPECT_EQ(server().running("SELECT repeat%"), 0);
    expect_clean(*connection_);
}

TEST_F(PostgresStop, RowsThatAreWaitedFor) {
    const std::string sql =
        "SELECT i, pg_sleep(CASE WHEN i > 5000 THEN 30 ELSE 0 END) FROM generate_series(1, 6000) AS s(i)";
    std::vector<Value> cells;
    loop_.run_until(connection_->start(sql, {}));
    auto fetch_all = [&]() -> Task<void> {
        while (co_await connection_->fetch(cells, 100) != 0) {
        }
    };
    int rounds = 2000;
    EXPECT_TRUE(loop_.run_until(cancel_when(fetch_all(), [&] { return --rounds < 0; })));
    EXPECT_EQ(server().running("SELECT i, pg_sleep%"), 0);
    expect_clean(*connection_);
}

TEST_F(PostgresStop, InATransactionItTellsTheTruth) {
    run(*connection_, "BEGIN");
    expect_stopped(query(*connection_, "SELECT pg_sleep(31)"), "SELECT pg_sleep(31)%");
    ASSERT_TRUE(connection_->usable());
    EXPECT_TRUE(connection_->in_transaction());
    EXPECT_EQ(failed(*connection_, "SELECT 1").sql_state(), "25P02");
    run(*connection_, "ROLLBACK");
    EXPECT_FALSE(connection_->in_transaction());
    expect_clean(*connection_);
}

TEST_F(PostgresStop, AtOnce) {
    // Before the server can have begun: the request may come before the statement does, and is sent again.
    for (int rounds = 0; rounds < 12; ++rounds) {
        int left = rounds;
        EXPECT_TRUE(
            loop_.run_until(cancel_when(query(*connection_, "SELECT pg_sleep(32)"), [&] { return --left < 0; })));
        EXPECT_EQ(server().running("SELECT pg_sleep(32)%"), 0);
        expect_clean(*connection_);
    }
}

TEST_F(PostgresStop, NeverHitsTheNextStatement) {
    // Statements that end about when they are cancelled.
    for (int i = 0; i < 200; ++i) {
        int left = i % 20;
        loop_.run_until(cancel_when(query(*connection_, "SELECT pg_sleep(0.001)"), [&] { return --left < 0; }));
        ASSERT_TRUE(connection_->usable());
        ASSERT_EQ(value(*connection_, "SELECT ?::bigint", {std::int64_t{i}}), Value(std::int64_t{i}));
    }
}

TEST_F(PostgresStop, WhatWasNotSentWholeIsNeverRun) {
    run(*connection_, "CREATE TEMPORARY TABLE t (a text)");
    run(*connection_, "INSERT INTO t VALUES (?)", {"prepared"});
    ::kill(pid_, SIGSTOP);
    int rounds = 20;
    bool cancelled = loop_.run_until(
        cancel_when(query(*connection_, "INSERT INTO t VALUES (?)", {std::string(64 * 1024 * 1024, 'x')}),
                    [&] { return --rounds < 0; }));
    EXPECT_TRUE(cancelled);
    EXPECT_FALSE(connection_->usable());
    connection_.reset();
    ::kill(pid_, SIGCONT);
    support::run_until(loop_, [&] {
        return server().observe("SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid_)) == "0";
    });
}

TEST_F(PostgresStop, ServerThatDoesNotAnswerCostsTheConnection) {
    ::kill(pid_, SIGSTOP);
    int rounds = 20;
    auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(loop_.run_until(cancel_when(query(*connection_, "SELECT 1"), [&] { return --rounds < 0; })));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, options_.cancel_timeout);
    EXPECT_FALSE(connection_->usable());
    ::kill(pid_, SIGCONT);
}

TEST_F(PostgresStop, AbandonedRowsThatEndSoonAreRead) {
    run(*connection_, "BEGIN");
    const std::string sql = "SELECT generate_series(1, 1000)";
    std::vector<Value> cells;
    loop_.run_until(connection_->start(sql, {}));
    EXPECT_NE(loop_.run_until(connection_->fetch(cells, 1)), 0u);
    loop_.run_until(connection_->abandon());
    ASSERT_TRUE(connection_->usable());
    EXPECT_TRUE(connection_->in_transaction());
    expect_clean(*connection_);  // the transaction has not failed
    run(*connection_, "COMMIT");
}

TEST_F(PostgresStop, AbandonedRowsThatDontEndAreStopped) {
    const std::string sql = "SELECT repeat('y', 1000), generate_series(1, 1000000000)";
    std::vector<Value> cells;
    run(*connection_, "BEGIN");
    loop_.run_until(connection_->start(sql, {}));
    EXPECT_NE(loop_.run_until(connection_->fetch(cells, 10)), 0u);
    loop_.run_until(connection_->abandon());
    EXPECT_EQ(server().running("SELECT repeat(''y%"), 0);
    ASSERT_TRUE(connection_->usable());
    EXPECT_TRUE(connection_->in_transaction());
    EXPECT_EQ(failed(*connection_, "SELECT 1").sql_state(), "25P02");
    run(*connection_, "ROLLBACK");
    expect_clean(*connection_);
}

TEST_F(PostgresStop, DestroyedInTheMiddleOfRows) {
    const std::string sql = "SELECT repeat('z', 1000), generate_series(1, 1000000000)";
    loop_.run_until(connection_->start(sql, {}));
    connection_.reset();
    support::run_until(loop_, [&] { return server().running("SELECT repeat(''z%") == 0; });
}

}  // namespace
}  // namespace caropig::db
