#include "db/scripted_driver.h"
#include "support/captured_log.h"
#include <caropig/async/event.h>
#include <caropig/db/database.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = Error::Kind;

template <class T>
std::optional<Kind> kind_of(testkit::Started<T>& started) {
    try {
        started.result();
    } catch (const Error& error) {
        return error.kind();
    } catch (...) {
        return std::nullopt;
    }
    return std::nullopt;
}

class PoolTest : public testing::Test {
protected:
    void use(const PoolOptions& options) { database_.emplace(scripted_database(server_, options)); }
    auto query() { return loop_.start(database_->query("SELECT n")); }

    ScriptedServer server_;
    support::CapturedLog log_;
    testkit::TestLoop loop_;
    std::optional<Database> database_{scripted_database(server_, PoolOptions())};
};

TEST_F(PoolTest, NothingIsConnectedBeforeTheFirstStatement) {
    EXPECT_EQ(database_->size(), 0U);
    auto first = query();
    EXPECT_EQ(end_of(first), "ok");
    EXPECT_EQ(database_->size(), 1U);
    EXPECT_EQ(database_->idle(), 1U);
    auto second = query();
    EXPECT_EQ(end_of(second), "ok");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SELECT n", "1 SELECT n"));
}

TEST_F(PoolTest, OpensUpToMaxSizeAndThenLetsWaitInLine) {
    use(PoolOptions().max_size(2));
    auto go_on = std::make_shared<Event>();
    for (int i = 0; i < 2; ++i) server_.starts.push_back(Step::wait_for(go_on));
    auto first = query();
    auto second = query();
    EXPECT_EQ(database_->size(), 2U);
    EXPECT_EQ(database_->waiting(), 0U);
    auto third = query();
    EXPECT_EQ(database_->size(), 2U);
    EXPECT_EQ(database_->waiting(), 1U);
    EXPECT_EQ(database_->idle(), 0U);
    go_on->set();
    loop_.run_ready();
    EXPECT_EQ(end_of(first), "ok");
    EXPECT_EQ(end_of(second), "ok");
    EXPECT_EQ(end_of(third), "ok");
    EXPECT_EQ(server_.made, 2);
    EXPECT_EQ(database_->idle(), 2U);
}

TEST_F(PoolTest, IsFairWhoeverComesFirstIsServedFirst) {
    use(PoolOptions().max_size(1));
    auto go_on = std::make_shared<Event>();
    server_.starts.push_back(Step::wait_for(go_on));
    auto holder = query();
    std::vector<int> order;
    auto numbered = [&](int number) -> Task<void> {
        co_await database_->query("SELECT n");
        order.push_back(number);
    };
    auto a = loop_.start(numbered(1));
    auto b = loop_.start(numbered(2));
    auto c = loop_.start(numbered(3));
    b.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(b), "cancelled");
    go_on->set();
    // One that comes now, when the connection is about to be free, stands behind those who wait.
    auto late = loop_.start(numbered(4));
    loop_.run_ready();
    EXPECT_TRUE(a.done() && c.done() && late.done());
    EXPECT_THAT(order, ElementsAre(1, 3, 4));
    EXPECT_EQ(end_of(holder), "ok");
}

TEST_F(PoolTest, WaitingHasABound) {
    use(PoolOptions().max_size(1).max_waiting(2));
    server_.starts.push_back(Step::hang());
    auto holder = query();
    auto first = query();
    auto second = query();
    EXPECT_EQ(end_of(second), "running");
    auto third = query();
    EXPECT_THAT(end_of(third), HasSubstr("2 statements wait for a connection already (max_waiting)"));
    holder.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(first), "ok");
    EXPECT_EQ(end_of(second), "ok");
}

TEST_F(PoolTest, WaitingHasADeadline) {
    use(PoolOptions().max_size(1).acquire_timeout(2s).query_timeout(0s));
    server_.starts.push_back(Step::hang());
    auto holder = query();
    auto waiting = query();
    loop_.advance(1999ms);
    EXPECT_EQ(end_of(waiting), "running");
    loop_.advance(1ms);
    ASSERT_TRUE(waiting.done());
    try {
        waiting.result();
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), Kind::kTimeout);
        EXPECT_THAT(error.what(), HasSubstr("scripted server: SELECT n: no connection was had within the "
                                            "acquire_timeout of 2 s"));
    }
    EXPECT_EQ(database_->waiting(), 0U);
    EXPECT_EQ(end_of(holder), "running");
}

TEST_F(PoolTest, ConnectRefusedIsSaidAtOnceAndRememberedForAWhile) {
    use(PoolOptions().reconnect_delay(250ms));
    server_.connects.push_back(Step::fail(Kind::kUnavailable, "connection refused", false));
    auto first = query();
    EXPECT_EQ(kind_of(first), Kind::kUnavailable);
    // The server is back, but the pool does not ask again so soon.
    loop_.advance(249ms);
    auto second = query();
    EXPECT_EQ(end_of(second), "scripted server: connection refused");
    EXPECT_THAT(server_.log, ElementsAre("- refused"));
    loop_.advance(1ms);
    auto third = query();
    EXPECT_EQ(end_of(third), "ok");
    EXPECT_EQ(database_->size(), 1U);
    EXPECT_THAT(log_.lines(), ElementsAre("general: scripted server: connection refused",
                                          "general: scripted server: connected again"));
}

TEST_F(PoolTest, AllWhoWaitLearnThatTheServerIsDown) {
    use(PoolOptions().max_size(1));
    auto hold = std::make_shared<Event>();
    server_.starts.push_back(Step::wait_for(hold));
    server_.fetches.push_back(Step::fail(Kind::kBroken, "server has gone away", false));
    server_.connects.push_back(Step::answer());
    server_.connects.push_back(Step::fail(Kind::kUnavailable, "connection refused", false));
    auto holder = query();
    auto a = query();
    auto b = query();
    auto c = query();
    hold->set();
    loop_.run_ready();
    EXPECT_EQ(kind_of(holder), Kind::kBroken);
    for (auto* waiting : {&a, &b, &c}) EXPECT_EQ(end_of(*waiting), "scripted server: connection refused");
    EXPECT_EQ(server_.count("- refused"), 1);
    EXPECT_EQ(database_->size(), 0U);
}

TEST_F(PoolTest, OneAttemptAtATimeUntilTheServerIsBack) {
    use(PoolOptions().max_size(3).reconnect_delay(100ms));
    server_.connects.push_back(Step::fail(Kind::kUnavailable, "connection refused", false));
    auto down = query();
    EXPECT_EQ(kind_of(down), Kind::kUnavailable);
    loop_.advance(100ms);
    auto back = std::make_shared<Event>();
    server_.connects.push_back(Step::wait_for(back));
    auto a = query();
    auto b = query();
    auto c = query();
    EXPECT_EQ(database_->size(), 1U);
    EXPECT_EQ(database_->waiting(), 2U);
    back->set();
    loop_.run_ready();
    EXPECT_EQ(end_of(a), "ok");
    EXPECT_EQ(end_of(b), "ok");
    EXPECT_EQ(end_of(c), "ok");
}

// A server that takes no more connections, say, while those that there are work.
TEST_F(PoolTest, WhoWaitsForAConnectionInUseDoesNotLearnOfOneThatCouldNotBeOpened) {
    use(PoolOptions().max_size(2).reconnect_delay(100ms).query_timeout(0s));
    auto hold = std::make_shared<Event>();
    server_.starts.push_back(Step::wait_for(hold));
    server_.connects.push_back(Step::answer());
    server_.connects.push_back(Step::fail(Kind::kUnavailable, "too many connections", false));
    server_.connects.push_back(Step::fail(Kind::kUnavailable, "too many connections", false));
    auto holder = query();
    auto refused = query();
    EXPECT_EQ(kind_of(refused), Kind::kUnavailable);
    auto waiting = query();
    EXPECT_EQ(end_of(waiting), "running");
    // It tries for itself once the delay is over; the next one goes on waiting.
    auto next = query();
    loop_.advance(100ms);
    EXPECT_EQ(kind_of(waiting), Kind::kUnavailable);
    EXPECT_EQ(end_of(next), "running");
    hold->set();
    loop_.run_ready();
    EXPECT_EQ(end_of(next), "ok");
    EXPECT_EQ(end_of(holder), "ok");
}

TEST_F(PoolTest, ConnectingHasADeadline) {
    use(PoolOptions().connect_timeout(3s));
    server_.connects.push_back(Step::hang());
    auto started = query();
    loop_.advance(2999ms);
    EXPECT_EQ(end_of(started), "running");
    loop_.advance(1ms);
    ASSERT_TRUE(started.done());
    EXPECT_EQ(kind_of(started), Kind::kTimeout);
    EXPECT_THAT(log_.lines(), ElementsAre(HasSubstr("could not be connected to within the connect_timeout of 3 s")));
    EXPECT_EQ(database_->size(), 0U);
}

TEST_F(PoolTest, CancelledWhileConnectingTheNextInLineConnects) {
    use(PoolOptions().max_size(1));
    server_.connects.push_back(Step::hang());
    auto first = query();
    auto second = query();
    EXPECT_EQ(database_->waiting(), 1U);
    first.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(first), "cancelled");
    EXPECT_EQ(end_of(second), "ok");
    EXPECT_THAT(log_.lines(), IsEmpty());
}

TEST_F(PoolTest, CancelledWhileTheStatementRunsGivesTheConnectionBack) {
    server_.starts.push_back(Step::hang(true));
    auto started = query();
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_EQ(database_->idle(), 1U);
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SELECT n", "1 cancelled"));
}

TEST_F(PoolTest, CancelledInTheMiddleOfTheRows) {
    server_.fetches.push_back(Step::hang(false));
    auto started = query();
    started.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(started), "cancelled");
    EXPECT_EQ(database_->size(), 0U);
    EXPECT_EQ(server_.open, 0);
}

TEST_F(PoolTest, AStatementHasADeadline) {
    use(PoolOptions().query_timeout(30s));
    server_.starts.push_back(Step::hang(true));
    auto started = query();
    loop_.advance(30s - 1ms);
    EXPECT_EQ(end_of(started), "running");
    loop_.advance(1ms);
    ASSERT_TRUE(started.done());
    try {
        started.result();
        ADD_FAILURE();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), Kind::kTimeout);
        EXPECT_STREQ(error.what(), "scripted server: SELECT n: stopped after the query_timeout of 30 s");
    }
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(PoolTest, BrokenInUseIsSaidAndNothingIsRepeated) {
    auto warm = query();
    server_.starts.push_back(Step::fail(Kind::kBroken, "lost connection", false));
    auto started = query();
    EXPECT_EQ(kind_of(started), Kind::kBroken);
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SELECT n", "1 SELECT n", "1 close"));
    EXPECT_EQ(database_->size(), 0U);
    auto next = query();
    EXPECT_EQ(end_of(next), "ok");
    EXPECT_EQ(server_.made, 2);
}

TEST_F(PoolTest, DeadBeforeAnythingWasSentIsReplaced) {
    auto warm = query();
    server_.starts.push_back(Step::fail(Kind::kUnavailable, "the connection was closed", false));
    auto started = query();
    EXPECT_EQ(end_of(started), "ok");
    EXPECT_THAT(server_.log,
                ElementsAre("1 connect", "1 SELECT n", "1 SELECT n", "1 close", "2 connect", "2 SELECT n"));
}

TEST_F(PoolTest, AFreshConnectionThatIsDeadIsNotReplaced) {
    server_.starts.push_back(Step::fail(Kind::kUnavailable, "the connection was closed", false));
    auto started = query();
    EXPECT_EQ(kind_of(started), Kind::kUnavailable);
    EXPECT_EQ(server_.made, 1);
}

TEST_F(PoolTest, AnErrorOfTheStatementKeepsTheConnection) {
    server_.starts.push_back(Step::fail(Kind::kConstraint, "duplicate", true));
    auto started = query();
    EXPECT_EQ(kind_of(started), Kind::kConstraint);
    EXPECT_EQ(database_->idle(), 1U);
}

TEST_F(PoolTest, WhatWasIdleForLongHasToGiveASignOfLife) {
    use(PoolOptions().check_after(30s).idle_timeout(0s));
    auto first = query();
    loop_.advance(30s - 1ms);
    auto second = query();
    EXPECT_EQ(server_.count("1 ping"), 0);
    loop_.advance(30s);
    auto third = query();
    EXPECT_EQ(end_of(third), "ok");
    EXPECT_THAT(server_.log, ElementsAre("1 connect", "1 SELECT n", "1 SELECT n", "1 ping", "1 SELECT n"));
}

TEST_F(PoolTest, WhatGivesNoSignOfLifeIsReplaced) {
    use(PoolOptions().check_after(30s).idle_timeout(0s).connect_timeout(3s));
    auto first = query();
    loop_.advance(30s);
    server_.pings.push_back(Step::fail(Kind::kUnavailable, "gone", false));
    auto second = query();
    EXPECT_EQ(end_of(second), "ok");
    EXPECT_EQ(server_.made, 2);
    loop_.advance(30s);
    server_.pings.push_back(Step::hang(false));
    auto third = query();
    loop_.advance(3s);
    EXPECT_EQ(end_of(third), "ok");
    EXPECT_EQ(server_.made, 3);
    EXPECT_EQ(database_->size(), 1U);
}

TEST_F(PoolTest, CancelledWhileAskingForASignOfLifeClosesTheConnection) {
    use(PoolOptions().check_after(30s).idle_timeout(0s));
    auto first = query();
    loop_.advance(30s);
    server_.pings.push_back(Step::hang(false));
    auto second = query();
    second.cancel();
    loop_.run_ready();
    EXPECT_EQ(end_of(second), "cancelled");
    EXPECT_EQ(database_->size(), 0U);
    EXPECT_EQ(server_.open, 0);
}

TEST_F(PoolTest, AConnectionHasAMaximumAge) {
    use(PoolOptions().max_age(60s).idle_timeout(0s).check_after(0s));
    auto first = query();
    loop_.advance(60s - 1ms);
    auto second = query();
    EXPECT_EQ(server_.made, 1);
    loop_.advance(1ms);
    auto third = query();
    EXPECT_EQ(end_of(third), "ok");
    EXPECT_EQ(server_.made, 2);
    EXPECT_EQ(server_.open, 1);
}

TEST_F(PoolTest, AnOldConnectionIsClosedWhenItComesBack) {
    use(PoolOptions().max_age(60s).query_timeout(0s));
    auto go_on = std::make_shared<Event>();
    server_.starts.push_back(Step::wait_for(go_on));
    auto first = query();
    loop_.advance(60s);
    go_on->set();
    loop_.run_ready();
    EXPECT_EQ(end_of(first), "ok");
    EXPECT_EQ(database_->size(), 0U);
}

TEST_F(PoolTest, IdleConnectionsAboveMinSizeAreClosed) {
    use(PoolOptions().min_size(1).idle_timeout(60s));
    auto go_on = std::make_shared<Event>();
    for (int i = 0; i < 3; ++i) server_.starts.push_back(Step::wait_for(go_on));
    auto a = query();
    auto b = query();
    auto c = query();
    go_on->set();
    loop_.run_ready();
    EXPECT_EQ(database_->idle(), 3U);
    loop_.advance(60s - 1ms);
    EXPECT_EQ(database_->idle(), 3U);
    loop_.advance(1ms);
    EXPECT_EQ(database_->idle(), 1U);
    loop_.advance(600s);
    EXPECT_EQ(database_->size(), 1U);
}

TEST_F(PoolTest, AConnectionWithAnOpenTransactionIsNotLentAgain) {
    auto begun = loop_.start(database_->execute("BEGIN"));
    EXPECT_EQ(end_of(begun), "ok");
    EXPECT_EQ(database_->size(), 0U);
    EXPECT_EQ(server_.open, 0);
}

TEST_F(PoolTest, AResultHasALimit) {
    use(PoolOptions().max_result_bytes(100 * sizeof(Value)));
    server_.rows = 100;
    auto fits = query();
    EXPECT_EQ(end_of(fits), "ok");
    server_.rows = 101;
    auto too_large = query();
    EXPECT_THAT(end_of(too_large), HasSubstr("larger than the max_result_bytes of"));
    EXPECT_EQ(server_.count("1 abandon"), 1);
    EXPECT_EQ(database_->idle(), 1U);
    auto executed = loop_.start(database_->execute("SELECT n"));
    EXPECT_EQ(executed.result().affected_rows, 3U);
}

TEST_F(PoolTest, ClosingTheDatabaseClosesItsConnections) {
    use(PoolOptions());
    auto first = query();
    EXPECT_EQ(server_.open, 1);
    database_.reset();
    loop_.run_ready();
    EXPECT_EQ(server_.open, 0);
}

TEST_F(PoolTest, ConnectionsAreClosedWithTheLoop) {
    Database other(scripted_database(server_, PoolOptions()));
    {
        testkit::TestLoop short_lived;
        auto done = short_lived.start(other.query("SELECT n"));
        EXPECT_EQ(server_.open, 1);
    }
    EXPECT_EQ(server_.open, 0);
}

TEST_F(PoolTest, WhoWaitsLearnsThatThePoolWasClosed) {
    testkit::TestLoop loop;
    detail::Pool pool(loop, std::make_unique<ScriptedDriver>(server_), PoolOptions().max_size(1));
    auto first = loop.start(pool.acquire("SELECT 1"));
    auto second = loop.start(pool.acquire("SELECT 2"));
    EXPECT_FALSE(second.done());
    pool.close();
    loop.run_ready();
    EXPECT_EQ(end_of(second), "scripted server: SELECT 2: the pool of connections was closed");
    auto third = loop.start(pool.acquire("SELECT 3"));
    EXPECT_EQ(end_of(third), "scripted server: SELECT 3: the pool of connections was closed");
    EXPECT_EQ(server_.open, 1);
    EXPECT_FALSE(pool.unused());
    first.result().give_back();
    EXPECT_EQ(server_.open, 0);
    EXPECT_TRUE(pool.unused());
}

}  // namespace
}  // namespace caropig::db
