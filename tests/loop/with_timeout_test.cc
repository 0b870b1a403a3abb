#include "loop/timer_wheel.h"
#include <caropig/async/event.h>
#include <caropig/async/mutex.h>
#include <caropig/async/queue.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/testkit/test_loop.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using namespace std::chrono_literals;
using testkit::TestLoop;

Task<int> one_after(Event& event) {
    co_await event.wait();
    co_return 1;
}

Task<int> ends_in_spite(Event& event, bool fail) {
    try {
        co_await event.wait();
    } catch (const Cancelled&) {
        if (fail) throw std::invalid_argument("clean-up");
    }
    co_return 2;
}

TEST(WithTimeout, GivesTheValueThatComesInTime) {
    TestLoop loop;
    Event event;
    auto started = loop.start(with_timeout(5s, one_after(event)));
    loop.advance(4s);
    event.set();
    loop.run_ready();
    EXPECT_EQ(started.result(), 1);
    EXPECT_FALSE(loop.timers().next()) << "the timer is still armed";
}

TEST(WithTimeout, CancelsAndNamesTheLength) {
    TestLoop loop;
    Event never;
    auto started = loop.start(with_timeout(1500ms, never.wait()));
    loop.advance(1499ms);
    EXPECT_FALSE(started.done());
    loop.advance(1ms);
    ASSERT_TRUE(started.done());
    try {
        started.result();
        FAIL();
    } catch (const TimeoutError& error) {
        EXPECT_EQ(error.operation(), "a wait of at most 1.5 s");
    }
}

TEST(WithTimeout, WhatEndsInSpiteOfItComesOut) {
    TestLoop loop;
    Event never;
    auto value = loop.start(with_timeout(1s, ends_in_spite(never, false)));
    auto error = loop.start(with_timeout(1s, ends_in_spite(never, true)));
    loop.advance(1s);
    EXPECT_EQ(value.result(), 2);
    EXPECT_THROW(error.result(), std::invalid_argument);
}

TEST(WithTimeout, AnOuterCancellationStaysCancelled) {
    TestLoop loop;
    Event never;
    auto started = loop.start(with_timeout(1s, never.wait()));
    started.cancel();
    loop.run_ready();
    ASSERT_TRUE(started.done());
    EXPECT_THROW(started.result(), Cancelled);
}

TEST(WithTimeout, TheInnerOneOfTwoIsTheOneThatPassed) {
    TestLoop loop;
    Event never;
    auto inner = loop.start(with_timeout(5s, with_timeout(1s, never.wait())));
    auto outer = loop.start(with_timeout(2s, with_timeout(5s, never.wait())));
    loop.advance(1s);
    ASSERT_TRUE(inner.done());
    try {
        inner.result();
        FAIL();
    } catch (const TimeoutError& error) {
        EXPECT_EQ(error.operation(), "a wait of at most 1 s");
    }
    loop.advance(1s);
    ASSERT_TRUE(outer.done());
    try {
        outer.result();
        FAIL();
    } catch (const TimeoutError& error) {
        EXPECT_EQ(error.operation(), "a wait of at most 2 s");
    }
}

TEST(WithTimeout, BoundsLocksAndQueues) {
    TestLoop loop;
    Mutex mutex;
    auto guard = mutex.try_lock();
    Queue<int> queue;
    auto locking = loop.start(with_timeout(1s, mutex.lock()));
    auto getting = loop.start(with_timeout(1s, queue.get()));
    loop.advance(1s);
    EXPECT_THROW((void)locking.result(), TimeoutError);
    EXPECT_THROW(getting.result(), TimeoutError);
    guard.reset();
    EXPECT_FALSE(mutex.locked()) << "the lock went to a waiter that had gone";
    queue.put_nowait(1);
    EXPECT_EQ(queue.get_nowait(), 1);
}

TEST(WithDeadline, EndsAtTheMoment) {
    TestLoop loop;
    Event never;
    auto started = loop.start(with_deadline(loop.now() + 2s, never.wait()));
    loop.advance(1999ms);
    EXPECT_FALSE(started.done());
    loop.advance(1ms);
    EXPECT_THROW(started.result(), TimeoutError);
}

TEST(WithDeadline, OneThatHasPassedCancelsWhatWaits) {
    TestLoop loop;
    Event event;
    auto waiting = loop.start(with_deadline(loop.now() - 1s, event.wait()));
    loop.advance(1ms);
    EXPECT_THROW(waiting.result(), TimeoutError);
    event.set();
    EXPECT_EQ(loop.start(with_deadline(loop.now() - 1s, one_after(event))).result(), 1);
}

}  // namespace
}  // namespace caropig
