#include "client/circuit_breaker.h"

#include <optional>
#include <utility>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;

class CircuitBreakerTest : public testing::Test {
protected:
    bool fail() { return breaker.try_at(now).failed(now); }
    bool succeed() { return breaker.try_at(now).succeeded(); }
    void open() {
        while (!fail()) {
        }
    }

    TimePoint now{1h};
    CircuitBreaker breaker{ResilienceOptions().breaker_failures(3).breaker_open_for(10s).breaker_probes(2)};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
    EXPECT_FALSE(fail());
    EXPECT_FALSE(fail());
    EXPECT_FALSE(succeed());
    EXPECT_TRUE(breaker.at_rest());
    EXPECT_FALSE(fail());
    EXPECT_FALSE(fail());
    EXPECT_TRUE(fail());
    EXPECT_EQ(breaker.state(), State::kOpen);
    EXPECT_FALSE(breaker.try_at(now));
}

TEST_F(CircuitBreakerTest, StaysOpenForItsTimeAndLetsProbesThrough) {
    open();
    now += 10s - 1ns;
    EXPECT_FALSE(breaker.try_at(now));
    now += 1ns;
    auto first = breaker.try_at(now);
    auto second = breaker.try_at(now);
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_FALSE(breaker.try_at(now)) << "more than its probes";
    EXPECT_FALSE(first.succeeded());
    EXPECT_EQ(breaker.state(), State::kHalfOpen);
    EXPECT_FALSE(breaker.try_at(now)) << "one has passed, the other runs";
    EXPECT_TRUE(second.succeeded());
    EXPECT_TRUE(breaker.at_rest());
}

TEST_F(CircuitBreakerTest, OpensAgainWhenAProbeFails) {
    open();
    now += 10s;
    auto first = breaker.try_at(now);
    auto second = breaker.try_at(now);
    now += 1s;
    EXPECT_TRUE(first.failed(now));
    EXPECT_EQ(breaker.state(), State::kOpen);
    EXPECT_FALSE(second.succeeded()) << "it is another state by now";
    EXPECT_EQ(breaker.state(), State::kOpen);
    now += 10s - 1ns;
    EXPECT_FALSE(breaker.try_at(now)) << "its time begins with the failure";
    now += 1ns;
    EXPECT_TRUE(breaker.try_at(now));
}

TEST_F(CircuitBreakerTest, AProbeThatIsDroppedMakesRoomForAnother) {
    open();
    now += 10s;
    for (int i = 0; i < 5; ++i) {
        auto first = breaker.try_at(now);
        auto second = breaker.try_at(now);
        EXPECT_TRUE(first && second) << i;
    }
    EXPECT_FALSE(succeed());
    EXPECT_TRUE(succeed());
}

TEST_F(CircuitBreakerTest, WhatWasPermittedBeforeDoesNotCount) {
    auto failing = breaker.try_at(now);
    auto succeeding = breaker.try_at(now);
    std::optional<CircuitBreaker::Permit> dropped = breaker.try_at(now);
    open();
    EXPECT_FALSE(succeeding.succeeded());
    EXPECT_EQ(breaker.state(), State::kOpen);
    now += 10s;
    auto first = breaker.try_at(now);
    auto second = breaker.try_at(now);
    EXPECT_FALSE(failing.failed(now));
    EXPECT_EQ(breaker.state(), State::kHalfOpen);
    dropped.reset();
    EXPECT_FALSE(breaker.try_at(now)) << "what was no probe has made room for one";
}

TEST_F(CircuitBreakerTest, IsOffByDefault) {
    CircuitBreaker off{ResilienceOptions()};
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(off.try_at(now).failed(now));
    EXPECT_TRUE(off.at_rest());
    EXPECT_TRUE(off.try_at(now));
}

}  // namespace
}  // namespace caropig::client
