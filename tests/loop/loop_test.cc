#include "support/loop_until.h"
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/testkit/test_loop.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using namespace std::chrono_literals;
using testkit::TestLoop;

Task<int> value_after_a_round(int value) {
    co_await yield();
    co_return value;
}

Task<void> fail_after_a_round() {
    co_await yield();
    throw std::runtime_error("failed");
}

TEST(Loop, RunUntilGivesValueAndException) {
    Loop loop;
    EXPECT_EQ(loop.run_until(value_after_a_round(7)), 7);
    EXPECT_THROW(loop.run_until(fail_after_a_round()), std::runtime_error);
    EXPECT_EQ(Executor::current(), nullptr);
}

TEST(Loop, RunUntilDoesNotSleepOnceTheTaskHasEndedInTheReadyQueue) {
    Loop loop;  // it would wait for ever: no timer is armed and no descriptor watched
    EXPECT_EQ(loop.run_until(value_after_a_round(1)), 1);
}

TEST(Loop, StopCancelsRunUntil) {
    Loop loop;
    loop.post([&] { loop.stop(); });
    EXPECT_THROW(loop.run_until(sleep_for(1h)), Cancelled);
    EXPECT_EQ(loop.run_until(value_after_a_round(2)), 2) << "the loop can be used again";
}

TEST(Loop, RunEndsWithStopAlsoOneThatCameBefore) {
    Loop loop;
    loop.stop();
    loop.run();
    std::thread stopper([&] { loop.stop(); });
    loop.run();
    stopper.join();
}

TEST(Loop, CallbacksRunInTheOrderOfTheirMoments) {
    TestLoop loop;
    std::string order;
    loop.call_later(20ms, [&] { order += 'c'; });
    loop.call_later(10ms, [&] { order += 'a'; });
    loop.call_at(loop.now() + 10ms, [&] { order += 'b'; });
    loop.call_later(-5ms, [&] { order += '0'; });
    EXPECT_EQ(order, "");
    loop.advance(15ms);
    EXPECT_EQ(order, "0ab");
    loop.advance(5ms);
    EXPECT_EQ(order, "0abc");
}

TEST(Loop, CancelWorksOnceAndNotAfterTheCall) {
    TestLoop loop;
    int called = 0;
    TimerId first = loop.call_later(10ms, [&] { ++called; });
    TimerId second = loop.call_later(10ms, [&] { ++called; });
    EXPECT_NE(first, second);
    EXPECT_TRUE(loop.cancel(first));
    EXPECT_FALSE(loop.cancel(first));
    loop.advance(1s);
    EXPECT_EQ(called, 1);
    EXPECT_FALSE(loop.cancel(second));
    TimerId self{};
    self = loop.call_later(1ms, [&] { EXPECT_FALSE(loop.cancel(self)) << "it runs already"; });
    loop.advance(1ms);
}

TEST(Loop, CallbackThatThrowsIsLoggedAndTheLoopGoesOn) {
    std::vector<std::string> lines;
    auto before = log::set_sink([&](log::Level, std::string_view, std::string_view line) { lines.emplace_back(line); });
    TestLoop loop;
    bool called = false;
    loop.call_later(1ms, [] { throw std::runtime_error("oops"); });
    loop.call_later(2ms, [&] { called = true; });
    loop.advance(2ms);
    log::set_sink(std::move(before));
    EXPECT_TRUE(called);
    EXPECT_EQ(lines, std::vector<std::string>{"exception in a callback: oops"});
}

TEST(Loop, PostsOfManyThreadsAllRunInTheOrderOfEachThread) {
    constexpr int kThreads = 4;
    constexpr int kPosts = 2000;
    Loop loop;
    std::vector<int> last(kThreads, -1);
    int count = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < kPosts; ++i) {
                loop.post([&, t, i] {
                    EXPECT_EQ(last[static_cast<std::size_t>(t)], i - 1);
                    last[static_cast<std::size_t>(t)] = i;
                    if (++count == kThreads * kPosts) loop.stop();
                });
            }
        });
    }
    loop.run();
    EXPECT_EQ(count, kThreads * kPosts);
}

TEST(Loop, PostAfterItsEndIsRefusedAndTheWorkDestroyed) {
    std::shared_ptr<RemoteExecutor> remote;
    auto held = std::make_shared<int>(1);
    bool called = false;
    {
        Loop loop;
        remote = loop.remote();
        EXPECT_TRUE(remote->post([held, &called] { called = true; }));
    }
    EXPECT_FALSE(remote->post([held, &called] { called = true; }));
    EXPECT_FALSE(called);
    EXPECT_EQ(held.use_count(), 1);
}

TEST(Loop, KnowsWhichRunsOnThisThread) {
    Loop loop;
    Loop* seen = nullptr;
    loop.post([&] {
        seen = &Loop::current();
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(seen, &loop);
}

TEST(Loop, ParsesBackendNames) {
    EXPECT_EQ(parse_backend("auto"), BackendKind::kAuto);
    EXPECT_EQ(parse_backend("epoll"), BackendKind::kEpoll);
    EXPECT_EQ(parse_backend("uring"), BackendKind::kUring);
    EXPECT_EQ(parse_backend("select"), std::nullopt);
}

TEST(TestLoop, ItsWallClockFollowsItsClock) {
    TestLoop loop;
    auto before = loop.unix_seconds();
    loop.advance(90s);
    EXPECT_EQ(loop.unix_seconds(), before + 90);
}

}  // namespace
}  // namespace caropig
