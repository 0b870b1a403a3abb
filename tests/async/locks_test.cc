#include <caropig/async/condition.h>
#include <caropig/async/event.h>
#include <caropig/async/mutex.h>
#include <caropig/async/semaphore.h>
#include <caropig/testkit/test_loop.h>

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using testkit::TestLoop;

TEST(Event, WakesAllWhoWaitAlsoWhenItIsClearedAtOnce) {
    TestLoop loop;
    Event event;
    auto first = loop.start(event.wait());
    auto second = loop.start(event.wait());
    EXPECT_FALSE(first.done());
    event.set();
    event.clear();
    EXPECT_FALSE(first.done()) << "resumed inside of set()";
    loop.run_ready();
    EXPECT_TRUE(first.done());
    EXPECT_TRUE(second.done());
    EXPECT_FALSE(loop.start(event.wait()).done());
    event.set();
    EXPECT_TRUE(loop.start(event.wait()).done());
}

Task<void> cancelled_then_wait(Event& mine, Event& event) {
    co_await mine.wait();
    co_await event.wait();
}

TEST(Event, ThrowsCancelledAlsoWhenItIsSet) {
    TestLoop loop;
    Event mine;
    Event event;
    event.set();
    auto started = loop.start(cancelled_then_wait(mine, event));
    mine.set();        // granted: stays granted
    started.cancel();  // so the second wait is the one that is cut off
    loop.run_ready();
    ASSERT_TRUE(started.done());
    EXPECT_THROW(started.result(), Cancelled);
}

Task<int> wait_often(Event& event) {
    int n = 0;
    for (; n < 1'000'000; ++n) co_await event.wait();
    co_return n;
}

TEST(Event, AMillionReadyWaitsDoNotUseUpTheStack) {
    TestLoop loop;
    Event event;
    event.set();
    auto started = loop.start(wait_often(event));
    EXPECT_EQ(started.result(), 1'000'000);
}

Task<void> hold(Mutex& mutex, Event& until, std::string& log, char name) {
    auto guard = co_await mutex.lock();
    log += name;
    co_await until.wait();
}

TEST(Mutex, IsHandedOverInTheOrderOfArrival) {
    TestLoop loop;
    Mutex mutex;
    Event until;
    std::string log;
    auto a = loop.start(hold(mutex, until, log, 'a'));
    auto b = loop.start(hold(mutex, until, log, 'b'));
    auto c = loop.start(hold(mutex, until, log, 'c'));
    EXPECT_EQ(log, "a");
    EXPECT_FALSE(mutex.try_lock());
    until.set();
    loop.run_ready();
    EXPECT_EQ(log, "abc");
    EXPECT_FALSE(mutex.locked());
    auto guard = mutex.try_lock();
    ASSERT_TRUE(guard);
    guard->unlock();
    guard->unlock();
    EXPECT_FALSE(mutex.locked());
}

TEST(Mutex, NobodyGetsInBetweenUnlockAndTheNextInLine) {
    TestLoop loop;
    Mutex mutex;
    auto guard = mutex.try_lock();
    auto waiting = loop.start(mutex.lock());
    guard.reset();
    EXPECT_FALSE(mutex.try_lock());
    loop.run_ready();
    ASSERT_TRUE(waiting.done());
    auto got = waiting.result();
    EXPECT_TRUE(got.owns_lock());
}

TEST(Mutex, ACancelledWaiterLeavesTheLine) {
    TestLoop loop;
    Mutex mutex;
    auto guard = mutex.try_lock();
    auto first = loop.start(mutex.lock());
    auto second = loop.start(mutex.lock());
    first.cancel();
    loop.run_ready();
    ASSERT_TRUE(first.done());
    EXPECT_THROW((void)first.result(), Cancelled);
    guard.reset();
    loop.run_ready();
    ASSERT_TRUE(second.done());
    EXPECT_TRUE(second.result().owns_lock());
}

TEST(Mutex, ALockGrantedBeforeTheCancellationIsNotLost) {
    TestLoop loop;
    Mutex mutex;
    auto guard = mutex.try_lock();
    auto waiting = loop.start(mutex.lock());
    guard.reset();
    waiting.cancel();
    loop.run_ready();
    ASSERT_TRUE(waiting.done());
    EXPECT_TRUE(waiting.result().owns_lock());
    EXPECT_FALSE(mutex.locked());
}

TEST(MutexDeathTest, MayNotDieLocked) {
    EXPECT_DEATH(
        {
            std::optional<Mutex::Guard> guard;
            Mutex mutex;
            guard = mutex.try_lock();
        },
        "destroyed while it was locked");
}

TEST(Condition, NotifiesTheOldestFirst) {
    TestLoop loop;
    Condition condition;
    condition.notify();  // nobody waits: lost
    auto a = loop.start(condition.wait());
    auto b = loop.start(condition.wait());
    auto c = loop.start(condition.wait());
    auto d = loop.start(condition.wait());
    condition.notify();
    loop.run_ready();
    EXPECT_TRUE(a.done());
    EXPECT_FALSE(b.done());
    b.cancel();
    condition.notify(1);
    loop.run_ready();
    EXPECT_THROW(b.result(), Cancelled);
    EXPECT_TRUE(c.done()) << "a notification went to one that was cancelled";
    condition.notify_all();
    loop.run_ready();
    EXPECT_TRUE(d.done());
}

Task<void> use_permit(Semaphore& semaphore, Event& until) {
    auto permit = co_await semaphore.scoped();
    co_await until.wait();
}

TEST(Semaphore, LetsInAsManyAsItHasPermits) {
    TestLoop loop;
    Semaphore semaphore(2);
    Event until;
    auto a = loop.start(use_permit(semaphore, until));
    auto b = loop.start(use_permit(semaphore, until));
    auto c = loop.start(semaphore.acquire());
    EXPECT_EQ(semaphore.available(), 0U);
    EXPECT_FALSE(c.done());
    EXPECT_FALSE(semaphore.try_acquire());
    a.cancel();
    loop.run_ready();
    EXPECT_TRUE(c.done());
    until.set();
    loop.run_ready();
    EXPECT_EQ(semaphore.available(), 1U);
    semaphore.release();
    semaphore.release();
    EXPECT_EQ(semaphore.available(), 3U);
}

TEST(Semaphore, APermitGoesBackWhenTheWaiterWasCancelledAfterTheGrant) {
    TestLoop loop;
    Semaphore semaphore(0);
    Event until;
    auto user = loop.start(use_permit(semaphore, until));
    semaphore.release();
    user.cancel();
    loop.run_ready();
    EXPECT_THROW(user.result(), Cancelled);
    EXPECT_EQ(semaphore.available(), 1U);
}

TEST(BoundedSemaphore, RefusesOneReleaseTooMany) {
    TestLoop loop;
    BoundedSemaphore semaphore(1);
    EXPECT_THROW(semaphore.release(), std::logic_error);
    EXPECT_TRUE(semaphore.try_acquire());
    auto waiting = loop.start(semaphore.acquire());
    semaphore.release();
    loop.run_ready();
    EXPECT_TRUE(waiting.done());
    semaphore.release();
    EXPECT_THROW(semaphore.release(), std::logic_error);
    EXPECT_EQ(semaphore.available(), 1U);
}

}  // namespace
}  // namespace caropig
