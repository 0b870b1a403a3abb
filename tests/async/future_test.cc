#include "support/captured_log.h"
#include <caropig/async/event.h>
#include <caropig/async/future.h>
#include <caropig/loop/loop.h>
#include <caropig/testkit/test_loop.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using support::CapturedLog;
using testkit::TestLoop;

template <class T>
Task<T> value_of(Future<T> future) {
    co_return co_await future;
}

TEST(Future, WakesAllWhoWait) {
    TestLoop loop;
    Promise<std::string> promise;
    auto first = loop.start(value_of(promise.future()));
    auto second = loop.start(value_of(promise.future()));
    EXPECT_FALSE(promise.future().done());
    promise.set_result("x");
    EXPECT_FALSE(first.done()) << "resumed inside of set_result()";
    loop.run_ready();
    EXPECT_EQ(first.result(), "x");
    EXPECT_EQ(second.result(), "x");
    EXPECT_EQ(promise.future().result(), "x");
    EXPECT_EQ(loop.start(value_of(promise.future())).result(), "x");
    EXPECT_FALSE(promise.try_set_result("y"));
}

TEST(Future, ThrowsTheException) {
    TestLoop loop;
    Promise<void> promise;
    auto waiting = loop.start(value_of(promise.future()));
    promise.set_exception(std::make_exception_ptr(std::invalid_argument("no")));
    loop.run_ready();
    EXPECT_THROW(waiting.result(), std::invalid_argument);
    EXPECT_TRUE(promise.future().exception());
    EXPECT_THROW(promise.future().result(), std::invalid_argument);
}

TEST(Future, ADroppedPromiseIsBroken) {
    TestLoop loop;
    auto promise = std::make_unique<Promise<int>>();
    auto waiting = loop.start(value_of(promise->future()));
    Promise<int> moved = std::move(*promise);
    promise.reset();
    EXPECT_FALSE(waiting.done());
    moved = Promise<int>();
    loop.run_ready();
    EXPECT_THROW(waiting.result(), BrokenPromise);
}

TEST(Future, ACancelledWaitLeavesItAlone) {
    TestLoop loop;
    Promise<int> promise;
    auto cancelled = loop.start(value_of(promise.future()));
    auto waiting = loop.start(value_of(promise.future()));
    cancelled.cancel();
    loop.run_ready();
    EXPECT_THROW(cancelled.result(), Cancelled);
    promise.set_result(1);
    loop.run_ready();
    EXPECT_EQ(waiting.result(), 1);
}

TEST(Future, AWaitIsCancelledAlsoBetweenTheResultAndItsArrival) {
    TestLoop loop;
    Promise<int> promise;
    auto waiting = loop.start(value_of(promise.future()));
    promise.set_result(1);  // posted, not yet granted
    waiting.cancel();
    loop.run_ready();
    EXPECT_THROW(waiting.result(), Cancelled);
}

TEST(Future, CallsBackFromTheLoopInOrder) {
    TestLoop loop;
    std::string log;
    Promise<int> promise;
    promise.future().add_done_callback([&log](const Future<int>& done) { log += "a" + std::to_string(done.result()); });
    promise.future().add_done_callback(
        [&log, own = std::make_unique<int>(2)](Future<int>) { log += std::to_string(*own); });
    promise.set_result(1);
    EXPECT_EQ(log, "");
    loop.run_ready();
    EXPECT_EQ(log, "a12");
    promise.future().add_done_callback([&log](const Future<int>&) { log += "late"; });
    EXPECT_EQ(log, "a12");
    loop.run_ready();
    EXPECT_EQ(log, "a12late");
}

TEST(Future, LogsWhatACallbackThrows) {
    CapturedLog log;
    TestLoop loop;
    Promise<void> promise;
    promise.future().add_done_callback([](const Future<void>&) { throw std::runtime_error("oops"); });
    promise.set_result();
    loop.run_ready();
    ASSERT_EQ(log.lines().size(), 1U);
    EXPECT_EQ(log.lines()[0], "application: exception in a done callback: oops");
}

TEST(Future, CanBeChained) {
    TestLoop loop;
    Promise<int> source;
    Promise<int> target;
    auto waiting = loop.start(value_of(target.future()));
    chain_future(source.future(), std::move(target));
    source.set_result(4);
    loop.run_ready();
    EXPECT_EQ(waiting.result(), 4);
}

TEST(FutureDeathTest, MayNotBeSetTwice) {
    TestLoop loop;
    Promise<int> promise;
    promise.set_result(1);
    EXPECT_DEATH(promise.set_result(2), "set twice");
}

TEST(FutureDeathTest, NeedsALoop) { EXPECT_DEATH(Promise<int>(), "needs a loop"); }

TEST(Future, MayOutliveTheLoopOfItsOwner) {
    auto loop = std::make_unique<TestLoop>();
    Promise<int> promise;
    bool called = false;
    promise.future().add_done_callback([&called](const Future<int>&) { called = true; });
    loop.reset();
    promise.set_result(1);
    EXPECT_FALSE(called);
    EXPECT_EQ(promise.future().result(), 1);
}

TEST(Future, IsSetByAnotherThread) {
    Loop loop;
    for (int i = 0; i < 200; ++i) {
        Promise<std::string> promise(loop);
        auto future = promise.future();
        std::thread setter([promise = std::move(promise), i]() mutable { promise.set_result(std::to_string(i)); });
        EXPECT_EQ(loop.run_until(value_of(future)), std::to_string(i));
        setter.join();
    }
}

TEST(Future, ResumesOnTheAwaitersLoopAndCallsBackOnTheOwners) {
    Loop owner;
    Promise<int> promise(owner);
    Promise<std::thread::id> called_on(owner);
    auto calls = called_on.future();
    promise.future().add_done_callback([called_on = std::move(called_on)](const Future<int>&) mutable {
        called_on.set_result(std::this_thread::get_id());
    });
    std::thread::id resumed_on;
    std::thread awaiter([future = promise.future(), &resumed_on] {
        Loop loop;
        auto wait = [](Future<int> waited, std::thread::id& on) -> Task<int> {
            int value = co_await waited;
            on = std::this_thread::get_id();
            co_return value;
        };
        EXPECT_EQ(loop.run_until(wait(future, resumed_on)), 7);
        EXPECT_EQ(resumed_on, std::this_thread::get_id());
    });
    std::thread setter([promise = std::move(promise)]() mutable { promise.set_result(7); });
    EXPECT_EQ(owner.run_until(value_of(calls)), std::this_thread::get_id());
    setter.join();
    awaiter.join();
}

Task<int> wait_briefly(Future<int> future, CancellationSource& source, std::latch& go) {
    Executor& executor = *Executor::current();
    // Cancels from the loop while another thread sets the result.
    (void)executor.remote()->post([&source, &go] {
        go.arrive_and_wait();
        source.request();
    });
    try {
        co_return co_await future;
    } catch (const Cancelled&) {
        co_return -1;
    }
}

TEST(Future, CancellationRacesWithTheResult) {
    Loop loop;
    for (int i = 0; i < 200; ++i) {
        Promise<int> promise(loop);
        auto future = promise.future();
        std::latch go(2);
        std::thread setter([&go, promise = std::move(promise)]() mutable {
            go.arrive_and_wait();
            promise.set_result(1);
        });
        auto race = [](Future<int> raced, std::latch& started) -> Task<int> {
            auto context = co_await current_context();
            co_return co_await wait_briefly(raced, *context.cancellation, started);
        };
        int value = loop.run_until(race(future, go));
        EXPECT_TRUE(value == 1 || value == -1);
        setter.join();
    }
}

TEST(Future, SeveralThreadsRaceToSetIt) {
    Loop loop;
    Promise<int> promise(loop);
    std::atomic<int> won = 0;
    std::vector<std::thread> threads;
    std::latch go(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            go.arrive_and_wait();
            if (promise.try_set_result(i)) ++won;
        });
    }
    int value = loop.run_until(value_of(promise.future()));
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(promise.future().result(), value);
}

Task<long> await_often(Future<int> future) {
    long total = 0;
    for (int i = 0; i < 1'000'000; ++i) total += co_await future;
    co_return total;
}

TEST(Future, AMillionReadyAwaitsDoNotUseUpTheStack) {
    TestLoop loop;
    Promise<int> promise;
    promise.set_result(1);
    EXPECT_EQ(loop.start(await_often(promise.future())).result(), 1'000'000);
}

}  // namespace
}  // namespace caropig
