#include "net/happy_eyeballs.h"

#include <caropig/base/error.h>
#include <caropig/loop/timer.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>
#include <map>
#include <optional>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using namespace std::chrono_literals;
using testkit::TestLoop;

Address address(const char* text) { return *Address::parse(text, 80); }

/// Attempts whose outcome and moment the test decides; they note when they begin and whether they are cancelled.
struct FakeNetwork {
    struct Plan {
        Duration after;
        int error;  // 0: connects
    };

    explicit FakeNetwork(TestLoop& owner) : loop(owner), origin(owner.now()) {}

    Task<std::unique_ptr<Stream>> connect(Address to) {
        started.emplace_back(to.host(), loop.now() - origin);
        Plan plan = plans.at(to.host());
        try {
            if (plan.after != Duration::zero()) co_await sleep_for(plan.after);
        } catch (const Cancelled&) {
            cancelled.push_back(to.host());
            throw;
        }
        if (plan.error != 0) throw IoError(errno_code(plan.error), "connect to " + to.host());
        auto [mine, theirs] = memory_pipe(loop);
        connected.push_back(to.host());
        co_return std::move(mine);
    }
    auto race(std::vector<Address> to) {
        return loop.start(race_to_connect(std::move(to), 250ms, [this](Address next) { return connect(next); }));
    }

    TestLoop& loop;
    TimePoint origin;
    std::map<std::string, Plan> plans;
    std::vector<std::pair<std::string, Duration>> started;
    std::vector<std::string> connected;
    std::vector<std::string> cancelled;
};

using Starts = std::vector<std::pair<std::string, Duration>>;

TEST(HappyEyeballs, InterleavesFamiliesIPv6First) {
    auto ordered = interleave_families({address("192.0.2.1"), address("192.0.2.2"), address("2001:db8::1"),
                                        address("192.0.2.3"), address("2001:db8::2")});
    std::vector<std::string> hosts;
    for (const Address& each : ordered) hosts.push_back(each.host());
    EXPECT_EQ(hosts, (std::vector<std::string>{"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"}));
}

TEST(HappyEyeballs, FirstThatAnswersInTimeIsTheOnlyOneTried) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {100ms, 0}}, {"127.0.0.1", {0ms, 0}}};
    auto race = network.race({address("::1"), address("127.0.0.1")});
    loop.advance(100ms);
    ASSERT_TRUE(race.done());
    EXPECT_NE(race.result(), nullptr);
    EXPECT_EQ(network.started, (Starts{{"::1", 0ms}}));
}

TEST(HappyEyeballs, NextStartsAfterTheDelayAndTheLoserIsCancelled) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {1h, 0}}, {"127.0.0.1", {10ms, 0}}, {"127.0.0.2", {0ms, 0}}};
    auto race = network.race({address("::1"), address("127.0.0.1"), address("127.0.0.2")});
    loop.advance(249ms);
    EXPECT_EQ(network.started.size(), 1u);
    loop.advance(11ms);
    ASSERT_TRUE(race.done());
    EXPECT_NE(race.result(), nullptr);
    EXPECT_EQ(network.started, (Starts{{"::1", 0ms}, {"127.0.0.1", 250ms}}));
    EXPECT_EQ(network.connected, std::vector<std::string>{"127.0.0.1"});
    EXPECT_EQ(network.cancelled, std::vector<std::string>{"::1"});
}

TEST(HappyEyeballs, FailureStartsTheNextAtOnce) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {0ms, ENETUNREACH}}, {"127.0.0.1", {20ms, ECONNREFUSED}}, {"127.0.0.2", {5ms, 0}}};
    auto race = network.race({address("::1"), address("127.0.0.1"), address("127.0.0.2")});
    loop.advance(25ms);
    ASSERT_TRUE(race.done());
    EXPECT_NE(race.result(), nullptr);
    EXPECT_EQ(network.started, (Starts{{"::1", 0ms}, {"127.0.0.1", 0ms}, {"127.0.0.2", 20ms}}));
}

TEST(HappyEyeballs, SlowFirstMayStillWin) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {300ms, 0}}, {"127.0.0.1", {1h, 0}}};
    auto race = network.race({address("::1"), address("127.0.0.1")});
    loop.advance(300ms);
    ASSERT_TRUE(race.done());
    EXPECT_NE(race.result(), nullptr);
    EXPECT_EQ(network.cancelled, std::vector<std::string>{"127.0.0.1"});
}

TEST(HappyEyeballs, AllFailedGivesTheErrorOfTheFirstFailure) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {10ms, ENETUNREACH}}, {"127.0.0.1", {10ms, ECONNREFUSED}}};
    auto race = network.race({address("::1"), address("127.0.0.1")});
    loop.advance(20ms);
    ASSERT_TRUE(race.done());
    try {
        race.result();
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_EQ(error.code().value(), ENETUNREACH);
    }
}

TEST(HappyEyeballs, CancellationEndsAllAttempts) {
    TestLoop loop;
    FakeNetwork network(loop);
    network.plans = {{"::1", {1h, 0}}, {"127.0.0.1", {1h, 0}}};
    auto race = network.race({address("::1"), address("127.0.0.1")});
    loop.advance(250ms);
    race.cancel();
    loop.run_ready();
    ASSERT_TRUE(race.done());
    EXPECT_THROW(race.result(), Cancelled);
    EXPECT_EQ(network.cancelled.size(), 2u);
}

}  // namespace
}  // namespace caropig::net
