#include "db/dialect.h"
#include "db/scripted_driver.h"
#include <caropig/async/event.h>
#include <caropig/async/scope.h>
#include <caropig/db/database.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = Error::Kind;

class TransactionTest : public testing::Test {
protected:
    void use(const PoolOptions& options, DatabaseUrl::Kind kind = DatabaseUrl::Kind::kMysql) {
        database_.emplace(scripted_database(server_, options, kind));
    }
    template <class Body>
    auto start(const Body& body) {
        return loop_.start(database_->transaction(body));
    }

    bool refused_ = false;
    ScriptedServer server_;
    testkit::TestLoop loop_;
    std::optional<Database> database_{scripted_database(server_, PoolOptions())};
};

Task<int> insert(Transaction& transaction) {
    co_await transaction.execute("INSERT");
    co_return 42;
}

TEST_F(TransactionTest, IsCommittedWhenTheBodyEndsAndGivesItsValue) {
    auto done = start(insert);
    EXPECT_EQ(done.result(), 42);
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 INSERT", "1 COMMIT"));
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(TransactionTest, IsRolledBackWhenTheBodyThrows) {
    const auto body = [](Transaction& transaction) -> Task<void> {
        co_await transaction.execute("INSERT");
        throw std::runtime_error("changed my mind");
    };
    auto done = start(body);
    EXPECT_EQ(end_of(done), "changed my mind");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 INSERT", "1 ROLLBACK"));
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(TransactionTest, IsRolledBackWhenItIsCancelledInTheBody) {
    const auto body = [](Transaction& transaction) -> Task<void> {
        co_await transaction.execute("INSERT");
        Event never;
        co_await never.wait();
    };
    auto started = start(body);
    EXPECT_EQ(end_of(started), "running");
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 INSERT", "1 ROLLBACK"));
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(TransactionTest, IsRolledBackWhenItIsCancelledInAStatement) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::hang(true));
    auto started = start(insert);
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 INSERT", "1 cancelled", "1 ROLLBACK"));
}

TEST_F(TransactionTest, AStatementThatCostsItsConnectionDoomsIt) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kStatement, "more than it can do", false));
    const auto body = [](Transaction& transaction) -> Task<void> {
        bool failed = false;
        try {
            co_await transaction.execute("CALL");
        } catch (const Error&) {
            failed = true;
        }
        if (failed) co_await transaction.execute("INSERT");  // there is nothing to go on with
    };
    auto done = start(body);
    EXPECT_THAT(end_of(done), HasSubstr("more than it can do"));
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 CALL", "1 close"));
}

TEST_F(TransactionTest, IsNotRolledBackUnderAStatementThatRuns) {
    auto answer = std::make_shared<Event>();
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::wait_for(answer));
    std::string refused;
    const auto body = [&](Transaction& transaction) -> Task<void> {
        const auto both = [&](Scope& scope) -> Task<void> {
            const auto run = [&]() -> Task<void> { co_await transaction.execute("SLOW"); };
            scope.spawn(run);
            try {
                co_await transaction.rollback();
            } catch (const std::logic_error& error) {
                refused = error.what();
            }
            answer->set();
        };
        co_await with_scope(both);
    };
    auto done = start(body);
    loop_.run_ready();
    EXPECT_THAT(refused, HasSubstr("while a statement of it ran"));
    EXPECT_EQ(end_of(done), "ok");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 SLOW", "1 COMMIT"));
}

TEST_F(TransactionTest, NothingIsBegunForATaskThatWasCancelledBefore) {
    const auto first = [&]() -> Task<void> { co_await database_->execute("INSERT"); };
    auto warm = loop_.start(first());
    EXPECT_EQ(end_of(warm), "ok");
    server_.log.clear();
    Event go;
    const auto late = [&]() -> Task<void> {
        try {
            co_await go.wait();
        } catch (const Cancelled&) {
            refused_ = true;
        }
        co_await database_->execute("DELETE");
    };
    auto started = loop_.start(late());
    started.cancel();
    loop_.run_ready();
    EXPECT_TRUE(refused_);
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_THAT(server_.log, testing::IsEmpty());
}

TEST_F(TransactionTest, ABodyThatSwallowsItsCancellationIsNotCommitted) {
    const auto body = [](Transaction&) -> Task<void> {
        Event never;
        try {
            co_await never.wait();
        } catch (const Cancelled&) {
        }
    };
    auto started = start(body);
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_EQ(server_.count("1 COMMIT"), 0);
    EXPECT_EQ(server_.count("1 ROLLBACK"), 1);
}

TEST_F(TransactionTest, ARollbackThatIsNotHadInTimeClosesTheConnection) {
    use(PoolOptions().cancel_timeout(1s));
    for (int i = 0; i < 2; ++i) server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::hang(true));
    const auto body = [](Transaction& transaction) -> Task<void> {
        co_await transaction.execute("INSERT");
        throw std::runtime_error("changed my mind");
    };
    auto started = start(body);
    loop_.advance(999ms);
    EXPECT_EQ(end_of(started), "running");
    loop_.advance(1ms);
    EXPECT_EQ(end_of(started), "changed my mind");
    EXPECT_EQ(server_.open, 0);
    EXPECT_EQ(database_->size(), 0U);
}

TEST_F(TransactionTest, ARollbackIsNotCutShortByTheCancellationThatCausedIt) {
    auto go_on = std::make_shared<Event>();
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::hang(true));
    server_.starts.push_back(Step::wait_for(go_on));
    auto started = start(insert);
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "running");
    go_on->set();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(TransactionTest, ACommitThatHasBegunIsNotCancelled) {
    auto go_on = std::make_shared<Event>();
    for (int i = 0; i < 2; ++i) server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::wait_for(go_on));
    auto started = start(insert);
    EXPECT_EQ(server_.count("1 COMMIT"), 1);
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "running");
    go_on->set();
    loop_.run_ready();
    EXPECT_EQ(started.result(), 42);
}

TEST_F(TransactionTest, ACommitThatFailsIsAnErrorAndRolledBack) {
    for (int i = 0; i < 2; ++i) server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kConflict, "deferred constraint", true));
    auto started = start(insert);
    EXPECT_EQ(end_of(started), "scripted server: COMMIT: deferred constraint");
    EXPECT_EQ(server_.log.back(), "1 ROLLBACK");
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(TransactionTest, ACommitHasADeadline) {
    use(PoolOptions().query_timeout(30s));
    for (int i = 0; i < 2; ++i) server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::hang(false));
    auto started = start(insert);
    loop_.advance(30s);
    ASSERT_TRUE(started.done());
    EXPECT_THAT(end_of(started), HasSubstr("COMMIT"));
    EXPECT_EQ(server_.open, 0);
}

TEST_F(TransactionTest, CanBeRolledBackByItsBody) {
    const auto body = [](Transaction& transaction) -> Task<bool> {
        co_await transaction.execute("INSERT");
        co_await transaction.rollback();
        co_await transaction.rollback();
        bool refused = false;
        try {
            co_await transaction.execute("INSERT");
        } catch (const std::logic_error&) {
            refused = true;
        }
        co_return refused;
    };
    auto done = start(body);
    EXPECT_TRUE(done.result());
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 START TRANSACTION", "1 INSERT", "1 ROLLBACK"));
}

/// Catches what its statement throws and ends normally.
Task<void> insert_and_ignore(Transaction& transaction) {
    try {
        co_await transaction.execute("INSERT");
    } catch (const Error&) {
    }
}

TEST_F(TransactionTest, AnErrorOfAStatementMayBeCaught) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kConstraint, "duplicate", true));
    auto done = start(insert_and_ignore);
    EXPECT_EQ(end_of(done), "ok");
    EXPECT_EQ(server_.log.back(), "1 COMMIT");
}

TEST_F(TransactionTest, InPostgresAnyErrorDoomsIt) {
    use(PoolOptions(), DatabaseUrl::Kind::kPostgres);
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kConstraint, "duplicate", true));
    auto done = start(insert_and_ignore);
    EXPECT_EQ(end_of(done), "scripted server: INSERT: duplicate");
    EXPECT_EQ(server_.log.back(), "1 ROLLBACK");
}

TEST_F(TransactionTest, AConflictDoomsIt) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kConflict, "deadlock", true));
    const auto body = [](Transaction& transaction) -> Task<void> {
        co_await insert_and_ignore(transaction);
        co_await insert_and_ignore(transaction);
    };
    auto done = start(body);
    EXPECT_EQ(end_of(done), "scripted server: INSERT: deadlock");
    EXPECT_EQ(server_.count("1 INSERT"), 1);
    EXPECT_EQ(server_.log.back(), "1 ROLLBACK");
}

TEST_F(TransactionTest, AStatementThatWasCutOffDoomsIt) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::hang(true));
    const auto body = [](Transaction& transaction) -> Task<void> {
        try {
            co_await with_timeout(1s, transaction.execute("INSERT"));
        } catch (const TimeoutError&) {
        }
    };
    auto started = start(body);
    loop_.advance(1s);
    EXPECT_THAT(end_of(started), HasSubstr("a statement of it was cancelled"));
    EXPECT_EQ(server_.log.back(), "1 ROLLBACK");
}

TEST_F(TransactionTest, ABrokenConnectionIsClosedAndSaid) {
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kBroken, "lost connection", false));
    auto done = start(insert);
    EXPECT_EQ(end_of(done), "scripted server: INSERT: lost connection");
    EXPECT_EQ(server_.log.back(), "1 close");
}

TEST_F(TransactionTest, ATransactionThatItsOwnStatementEndedIsAnError) {
    const auto body = [](Transaction& transaction) -> Task<void> { co_await transaction.execute("COMMIT"); };
    auto done = start(body);
    EXPECT_THAT(end_of(done), HasSubstr("had ended before its commit"));
}

TEST_F(TransactionTest, AStreamMustEndBeforeTheNextStatement) {
    server_.rows = 1000;
    const auto body = [](Transaction& transaction) -> Task<void> {
        RowStream stream = co_await transaction.stream("SELECT n");
        std::optional<Row> row = co_await stream.next();
        EXPECT_TRUE(row.has_value());
        bool refused = false;
        try {
            co_await transaction.execute("INSERT");
        } catch (const std::logic_error&) {
            refused = true;
        }
        EXPECT_TRUE(refused);
        co_await stream.close();
        co_await transaction.execute("INSERT");
    };
    auto done = start(body);
    EXPECT_EQ(end_of(done), "ok");
    EXPECT_EQ(server_.log.back(), "1 COMMIT");
}

TEST_F(TransactionTest, AStreamThatIsLeftOpenIsAnErrorAndTheConnectionClosed) {
    server_.rows = 1000;
    const auto body = [](Transaction& transaction) -> Task<void> {
        RowStream stream = co_await transaction.stream("SELECT n");
        std::optional<Row> row = co_await stream.next();
        EXPECT_TRUE(row.has_value());
    };
    auto done = start(body);
    EXPECT_THAT(end_of(done), HasSubstr("ended before a statement or a stream of it"));
    EXPECT_EQ(server_.log.back(), "1 close");
}

TEST_F(TransactionTest, OneThatCanNotBeginIsNotBegun) {
    server_.starts.push_back(Step::fail(Kind::kConflict, "database is locked", true));
    auto done = start(insert);
    EXPECT_EQ(end_of(done), "scripted server: START TRANSACTION: database is locked");
    EXPECT_EQ(server_.count("1 INSERT"), 0);
}

TEST_F(TransactionTest, OptionsBecomeEachDatabasesStatements) {
    using enum Isolation;
    using DbKind = DatabaseUrl::Kind;
    const auto begin = [](DbKind kind, const TransactionOptions& options) {
        const auto statements = detail::begin_statements(kind, options);
        return statements.settings + '|' + statements.begin;
    };
    EXPECT_EQ(begin(DbKind::kSqlite, TransactionOptions()), "|BEGIN IMMEDIATE");
    EXPECT_EQ(begin(DbKind::kSqlite, TransactionOptions().isolation(kSerializable).read_only(true)), "|BEGIN");
    EXPECT_EQ(begin(DbKind::kMysql, TransactionOptions()), "|START TRANSACTION");
    EXPECT_EQ(begin(DbKind::kMysql, TransactionOptions().isolation(kReadCommitted).read_only(true)),
              "SET TRANSACTION ISOLATION LEVEL READ COMMITTED|START TRANSACTION READ ONLY");
    EXPECT_EQ(begin(DbKind::kPostgres, TransactionOptions()), "|BEGIN");
    EXPECT_EQ(begin(DbKind::kPostgres, TransactionOptions().isolation(kRepeatableRead).read_only(true)),
              "|BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

TEST_F(TransactionTest, SettingsAndBeginGoToTheSameConnection) {
    const auto options = TransactionOptions().isolation(Isolation::kSerializable);
    auto done = loop_.start(database_->transaction(options, insert));
    EXPECT_EQ(done.result(), 42);
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                                         "1 START TRANSACTION", "1 INSERT", "1 COMMIT"));
    // Where the second fails, the first would count for whoever gets the connection next.
    server_.starts.push_back(Step::answer());
    server_.starts.push_back(Step::fail(Kind::kStatement, "no", true));
    auto failed = loop_.start(database_->transaction(options, insert));
    EXPECT_EQ(end_of(failed), "scripted server: START TRANSACTION: no");
    EXPECT_EQ(server_.log.back(), "1 close");
}

class StreamTest : public TransactionTest {};

TEST_F(StreamTest, HoldsItsConnectionUntilTheLastRow) {
    server_.rows = 600;
    const auto read = [](Database& database) -> Task<int> {
        int count = 0;
        RowStream stream = co_await database.stream("SELECT n");
        EXPECT_EQ(stream.columns().size(), 1U);
        while (std::optional<Row> row = co_await stream.next()) {
            EXPECT_EQ(row->get<int>("n"), 600 - count);
            EXPECT_EQ(database.idle(), 0U);
            ++count;
        }
        EXPECT_EQ(database.idle(), 1U);
        co_return count;
    };
    auto done = loop_.start(read(*database_));
    EXPECT_EQ(done.result(), 600);
}

TEST_F(StreamTest, ClosedBeforeItsEndItGivesTheConnectionBack) {
    server_.rows = 600;
    const auto read = [](Database& database) -> Task<void> {
        RowStream stream = co_await database.stream("SELECT n");
        std::optional<Row> row = co_await stream.next();
        co_await stream.close();
        co_await stream.close();
        row = co_await stream.next();
        EXPECT_FALSE(row.has_value());
    };
    auto done = loop_.start(read(*database_));
    EXPECT_EQ(end_of(done), "ok");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SELECT n", "1 abandon"));
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(StreamTest, DestroyedBeforeItsEndItClosesTheConnection) {
    server_.rows = 600;
    const auto read = [](Database& database) -> Task<void> {
        RowStream stream = co_await database.stream("SELECT n");
        std::optional<Row> row = co_await stream.next();
        EXPECT_TRUE(row.has_value());
    };
    auto done = loop_.start(read(*database_));
    EXPECT_EQ(end_of(done), "ok");
    EXPECT_EQ(server_.open, 0);
    EXPECT_EQ(database_->size(), 0U);
}

TEST_F(StreamTest, TheDeadlineIsForEachWait) {
    use(PoolOptions().query_timeout(30s));
    server_.rows = 600;
    auto later = std::make_shared<Event>();
    server_.fetches.push_back(Step::wait_for(later));
    server_.fetches.push_back(Step::hang(true));
    const auto read = [](Database& database) -> Task<int> {
        int count = 0;
        RowStream stream = co_await database.stream("SELECT n");
        while (std::optional<Row> row = co_await stream.next()) ++count;
        co_return count;
    };
    auto started = loop_.start(read(*database_));
    loop_.advance(29s);
    later->set();
    loop_.advance(29s);
    EXPECT_EQ(end_of(started), "running");
    loop_.advance(1s);
    EXPECT_EQ(end_of(started), "scripted server: SELECT n: stopped after the query_timeout of 30 s");
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(StreamTest, AnErrorInTheMiddleEndsIt) {
    server_.rows = 600;
    server_.fetches.push_back(Step::answer());
    server_.fetches.push_back(Step::fail(Kind::kBroken, "lost connection", false));
    const auto read = [](Database& database) -> Task<std::string> {
        RowStream stream = co_await database.stream("SELECT n");
        std::string what;
        try {
            while (std::optional<Row> row = co_await stream.next()) EXPECT_TRUE(row.has_value());
        } catch (const Error& error) {
            what = error.message();
        }
        std::optional<Row> row = co_await stream.next();
        EXPECT_FALSE(row.has_value());
        co_await stream.close();
        co_return what;
    };
    auto done = loop_.start(read(*database_));
    EXPECT_EQ(done.result(), "lost connection");
    EXPECT_EQ(server_.open, 0);
}

}  // namespace
}  // namespace caropig::db
