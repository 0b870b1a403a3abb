#include <caropig/loop/timer.h>
#include <caropig/testkit/test_loop.h>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using namespace std::chrono_literals;
using testkit::TestLoop;

TEST(Sleep, EndsAtItsMomentAndNotBefore) {
    TestLoop loop;
    auto sleeping = loop.start(sleep_for(5s));
    loop.advance(5s - 1ms);
    EXPECT_FALSE(sleeping.done());
    loop.advance(1ms);
    EXPECT_TRUE(sleeping.done());
    auto until = loop.start(sleep_until(loop.now() + 10ms));
    loop.advance(10ms);
    EXPECT_TRUE(until.done());
}

TEST(Sleep, ZeroAndNegativeWaitForARound) {
    TestLoop loop;
    EXPECT_TRUE(loop.start(sleep_for(0ms)).done());
    EXPECT_TRUE(loop.start(sleep_for(-1h)).done());
}

TEST(Sleep, IsCancelled) {
    TestLoop loop;
    auto sleeping = loop.start(sleep_for(1h));
    sleeping.cancel();
    EXPECT_FALSE(sleeping.done()) << "nothing is resumed inside of the request";
    loop.run_ready();
    ASSERT_TRUE(sleeping.done());
    EXPECT_THROW(sleeping.result(), Cancelled);
}

TEST(Sleep, ForEverIsPossible) {
    TestLoop loop;
    auto sleeping = loop.start(sleep_for(Duration::max()));
    loop.advance(24h * 365);
    EXPECT_FALSE(sleeping.done());
}

TEST(Timer, IsArmedMovedAndDisarmed) {
    struct Counting : Timer {
        Counting() : Timer([](Timer& self) noexcept { ++static_cast<Counting&>(self).count; }) {}
        int count = 0;
    } timer;
    TestLoop loop;
    timer.arm(loop, loop.now() + 10ms);
    timer.arm(loop, loop.now() + 20ms);
    loop.advance(19ms);
    EXPECT_EQ(timer.count, 0);
    loop.advance(1ms);
    EXPECT_EQ(timer.count, 1);
    timer.arm(loop, loop.now() + 10ms);
    timer.disarm();
    loop.advance(1h);
    EXPECT_EQ(timer.count, 1);
}

}  // namespace
}  // namespace caropig
