#include "loop/timer_wheel.h"

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kOrigin{1h};

struct Noting : Timer {
    Noting(int key, std::vector<int>& into)
        : Timer([](Timer& self) noexcept {
              auto& timer = static_cast<Noting&>(self);
              timer.fired.push_back(timer.id);
              if (timer.then) timer.then();
          }),
          id(key),
          fired(into) {}
    int id;
    std::vector<int>& fired;
    std::function<void()> then;
};

struct Wheel : testing::Test {
    TimerWheel wheel{kOrigin};
    std::vector<int> fired;
    Noting a{1, fired}, b{2, fired}, c{3, fired};
};
using TimerWheelTest = Wheel;
using Ids = std::vector<int>;

TEST_F(TimerWheelTest, FiresInTheOrderOfDeadlinesAndOfArming) {
    wheel.arm(a, kOrigin + 5ms);
    wheel.arm(b, kOrigin + 2ms);
    wheel.arm(c, kOrigin + 5ms);
    wheel.advance(kOrigin + 10ms);
    EXPECT_EQ(fired, (Ids{2, 1, 3}));
    EXPECT_FALSE(a.armed());
}

TEST_F(TimerWheelTest, OrdersAlsoWithinAMillisecondAndAcrossLevels) {
    wheel.arm(a, kOrigin + 900us);
    wheel.arm(b, kOrigin + 100us);
    wheel.arm(c, kOrigin + 70ms);
    wheel.advance(kOrigin + 2s);
    EXPECT_EQ(fired, (Ids{2, 1, 3}));
}

TEST_F(TimerWheelTest, NeverFiresEarly) {
    wheel.arm(a, kOrigin + 1500us);
    wheel.advance(kOrigin + 1499us);
    EXPECT_TRUE(fired.empty());
    wheel.advance(kOrigin + 2ms);
    EXPECT_EQ(fired, Ids{1});
}

TEST_F(TimerWheelTest, PastDeadlineFiresInTheNextAdvance) {
    wheel.advance(kOrigin + 1s);
    wheel.arm(a, kOrigin);
    EXPECT_LE(wheel.next().value(), kOrigin + 1s);
    wheel.advance(kOrigin + 1s);
    EXPECT_EQ(fired, Ids{1});
}

TEST_F(TimerWheelTest, ExtendingIsLazyAndStillRight) {
    wheel.arm(a, kOrigin + 10ms);
    wheel.arm(a, kOrigin + 100ms);
    EXPECT_EQ(a.deadline(), kOrigin + 100ms);
    EXPECT_LE(wheel.next().value(), kOrigin + 10ms) << "it is looked at when the earlier moment comes";
    wheel.advance(kOrigin + 99ms);
    EXPECT_TRUE(fired.empty());
    EXPECT_TRUE(a.armed());
    wheel.advance(kOrigin + 100ms);
    EXPECT_EQ(fired, Ids{1});
}

TEST_F(TimerWheelTest, ShorteningAfterALazyExtensionIsRight) {
    wheel.arm(a, kOrigin + 10ms);
    wheel.arm(a, kOrigin + 100ms);
    wheel.arm(a, kOrigin + 20ms);
    wheel.advance(kOrigin + 19ms);
    EXPECT_TRUE(fired.empty());
    wheel.advance(kOrigin + 20ms);
    EXPECT_EQ(fired, Ids{1});
    wheel.arm(b, kOrigin + 50ms);
    wheel.arm(b, kOrigin + 30ms);
    wheel.advance(kOrigin + 30ms);
    EXPECT_EQ(fired, (Ids{1, 2}));
}

TEST_F(TimerWheelTest, DisarmedAndDestroyedDoNotFire) {
    wheel.arm(a, kOrigin + 10ms);
    a.disarm();
    {
        Noting gone(9, fired);
        wheel.arm(gone, kOrigin + 10ms);
    }
    EXPECT_EQ(wheel.next(), std::nullopt);
    wheel.advance(kOrigin + 1s);
    EXPECT_TRUE(fired.empty());
}

TEST_F(TimerWheelTest, ACallbackMayRearmAndDisarm) {
    wheel.arm(a, kOrigin + 10ms);
    wheel.arm(b, kOrigin + 10ms);
    a.then = [this] {
        b.disarm();
        wheel.arm(a, kOrigin + 10ms);  // passed already: fires in the next advance, not in this one
        a.then = nullptr;
    };
    wheel.advance(kOrigin + 10ms);
    EXPECT_EQ(fired, Ids{1});
    wheel.advance(kOrigin + 10ms);
    EXPECT_EQ(fired, (Ids{1, 1}));
}

TEST_F(TimerWheelTest, ACallbackMayExtendAnotherThatIsDue) {
    wheel.arm(a, kOrigin + 10ms);
    wheel.arm(b, kOrigin + 10ms);
    a.then = [this] { wheel.arm(b, kOrigin + 20ms); };
    wheel.advance(kOrigin + 10ms);
    EXPECT_EQ(fired, Ids{1});
    wheel.advance(kOrigin + 20ms);
    EXPECT_EQ(fired, (Ids{1, 2}));
}

TEST_F(TimerWheelTest, WhatIsLeftWhenTheTurnIsOverFiresInTheNextBeforeAllElse) {
    std::vector<std::unique_ptr<Noting>> timers;
    for (int i = 0; i < 20; ++i) {
        timers.push_back(std::make_unique<Noting>(i, fired));
        wheel.arm(*timers.back(), kOrigin + 5ms);
    }
    int looks = 0;
    auto at_once = [&looks] { return ++looks > 0; };
    EXPECT_FALSE(wheel.advance(kOrigin + 10ms, at_once));
    ASSERT_GT(fired.size(), 0u);
    ASSERT_LT(fired.size(), 17u);
    EXPECT_EQ(looks, 1);
    const int first_left = static_cast<int>(fired.size());
    EXPECT_LE(wheel.next(), kOrigin + 10ms) << "the loop must not sleep now";

    fired.clear();
    wheel.arm(a, kOrigin + 6ms);                                                   // passed, but after the others
    timers[static_cast<std::size_t>(first_left)]->disarm();                        // has ended meanwhile
    wheel.arm(*timers[static_cast<std::size_t>(first_left + 1)], kOrigin + 30ms);  // was given more time
    timers.erase(timers.begin() + first_left + 2);                                 // is gone
    EXPECT_TRUE(wheel.advance(kOrigin + 11ms, [] { return false; }));
    Ids expected;
    for (int i = first_left + 3; i < 20; ++i) expected.push_back(i);
    expected.push_back(1);
    EXPECT_EQ(fired, expected);
    wheel.advance(kOrigin + 30ms);
    EXPECT_EQ(fired.back(), first_left + 1);
}

TEST_F(TimerWheelTest, MayBeDestroyedWithTimersLeftFromATurn) {
    std::vector<std::unique_ptr<Noting>> timers;
    {
        TimerWheel mine{kOrigin};
        for (int i = 0; i < 20; ++i) {
            timers.push_back(std::make_unique<Noting>(i, fired));
            mine.arm(*timers.back(), kOrigin + 5ms);
        }
        EXPECT_FALSE(mine.advance(kOrigin + 10ms, [] { return true; }));
    }
    EXPECT_FALSE(timers.back()->armed());
}

TEST_F(TimerWheelTest, YearsAheadIsNoProblem) {
    wheel.advance(kOrigin + 12345ms);
    wheel.arm(a, TimePoint::max());
    wheel.arm(b, kOrigin + 24h * 365 * 5);
    wheel.advance(kOrigin + 20s);
    wheel.advance(kOrigin + 24h * 365 * 3);
    wheel.arm(c, kOrigin + 24h * 365 * 3 + 5ms);
    wheel.advance(kOrigin + 24h * 365 * 4);
    EXPECT_EQ(fired, Ids{3});
    wheel.advance(kOrigin + 24h * 365 * 5);
    EXPECT_EQ(fired, (Ids{3, 2}));
    EXPECT_TRUE(a.armed());
}

/// Random operations, compared with a plain list of deadlines.
TEST(TimerWheel, AgreesWithAReferenceModel) {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        std::mt19937_64 random(seed);
        auto below = [&](std::uint64_t limit) { return static_cast<std::int64_t>(random() % limit); };
        constexpr std::array<std::uint64_t, 6> kSpans{
            1, 3'000'000, 70'000'000, 5'000'000'000, 300'000'000'000, 100'000'000'000'000'000};
        TimerWheel wheel(kOrigin);
        TimePoint now = kOrigin;
        Ids fired;
        std::vector<std::unique_ptr<Noting>> timers;
        for (int i = 0; i < 50; ++i) timers.push_back(std::make_unique<Noting>(i, fired));
        std::vector<std::optional<TimePoint>> model(timers.size());
        auto span = [&] { return Duration(below(kSpans[static_cast<std::size_t>(below(kSpans.size()))])); };
        for (int step = 0; step < 2000; ++step) {
            auto i = static_cast<std::size_t>(below(timers.size()));
            switch (below(4)) {
                case 0:
                case 1:
                    model[i] = now + span() - Duration(below(2'000'000));
                    wheel.arm(*timers[i], *model[i]);
                    break;
                case 2:
                    model[i].reset();
                    timers[i]->disarm();
                    break;
                default: {
                    auto next = wheel.next();
                    std::optional<TimePoint> first;
                    for (auto& deadline : model) {
                        if (deadline && (!first || *deadline < *first)) first = deadline;
                    }
                    ASSERT_EQ(next.has_value(), first.has_value());
                    if (first) {
                        ASSERT_LT(*next, std::max(*first, now) + 1ms) << "seed " << seed << " step " << step;
                    }
                    now += below(2) == 0 && next && *next > now ? Duration(*next - now) : span() / 2;
                    fired.clear();
                    wheel.advance(now);
                    // Due for certain once its millisecond has ended; never before its deadline.
                    TimePoint last_fired = TimePoint::min();
                    for (int id : fired) {
                        auto& deadline = model[static_cast<std::size_t>(id)];
                        ASSERT_TRUE(deadline && *deadline <= now) << "seed " << seed << " step " << step;
                        ASSERT_GE(*deadline, last_fired);
                        last_fired = *deadline;
                        deadline.reset();
                    }
                    for (std::size_t k = 0; k < model.size(); ++k) {
                        ASSERT_EQ(model[k].has_value(), timers[k]->armed());
                        if (model[k]) {
                            ASSERT_GT(*model[k] + 1ms, now) << "seed " << seed << " step " << step;
                        }
                    }
                }
            }
        }
    }
}

}  // namespace
}  // namespace caropig
