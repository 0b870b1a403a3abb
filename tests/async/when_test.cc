#include "support/captured_log.h"
#include <caropig/async/event.h>
#include <caropig/async/shield.h>
#include <caropig/async/when_all.h>
#include <caropig/async/when_any.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using support::CapturedLog;
using testkit::TestLoop;

template <class T>
Task<T> value_after(Event& event, T value) {
    co_await event.wait();
    co_return value;
}

template <class Error>
Task<void> fail_after(Event& event, std::string what) {
    co_await event.wait();
    throw Error(what);
}

Task<void> fail_in_clean_up(Event& event, std::string what) {
    try {
        co_await event.wait();
    } catch (const Cancelled&) {
        throw std::runtime_error(what);
    }
}

Task<void> note_start(bool& started) {
    started = true;
    co_return;
}

TEST(WhenAll, GivesAllValues) {
    TestLoop loop;
    Event event;
    auto started = loop.start(when_all(value_after(event, 1), event.wait(), value_after(event, std::string("x"))));
    EXPECT_FALSE(started.done());
    event.set();
    loop.run_ready();
    auto [number, nothing, text] = started.result();
    EXPECT_EQ(number, 1);
    EXPECT_EQ(nothing, std::monostate());
    EXPECT_EQ(text, "x");
    (void)loop.start(when_all()).result();
}

TEST(WhenAll, TheFirstExceptionCancelsTheOthersAndIsThrown) {
    CapturedLog log;
    TestLoop loop;
    Event event;
    Event never;
    auto started = loop.start(when_all(value_after(never, 1), fail_after<std::invalid_argument>(event, "first"),
                                       fail_in_clean_up(never, "second")));
    event.set();
    loop.run_ready();
    EXPECT_THROW(started.result(), std::invalid_argument);
    ASSERT_EQ(log.lines().size(), 1U);
    EXPECT_EQ(log.lines()[0], "application: exception in a task whose group had ended otherwise: second");
}

TEST(WhenAll, DoesNotStartWhatComesAfterAFailure) {
    TestLoop loop;
    Event set;
    set.set();
    bool began = false;
    auto started = loop.start(when_all(fail_after<std::invalid_argument>(set, "at once"), note_start(began)));
    EXPECT_THROW(started.result(), std::invalid_argument);
    EXPECT_FALSE(began);
}

TEST(WhenAll, CancellationReachesAll) {
    TestLoop loop;
    Event never;
    auto started = loop.start(when_all(never.wait(), never.wait()));
    started.cancel();
    loop.run_ready();
    EXPECT_THROW(started.result(), Cancelled);
}

TEST(WhenAll, TakesAVector) {
    TestLoop loop;
    Event event;
    std::vector<Task<std::unique_ptr<int>>> tasks;
    for (int i = 0; i < 3; ++i) {
        tasks.push_back([](Event& until, int number) -> Task<std::unique_ptr<int>> {
            co_await until.wait();
            co_return std::make_unique<int>(number);
        }(event, i));
    }
    auto started = loop.start(when_all(std::move(tasks)));
    event.set();
    loop.run_ready();
    auto values = started.result();
    ASSERT_EQ(values.size(), 3U);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(*values[static_cast<std::size_t>(i)], i);
}

TEST(WhenAny, TheFirstToEndWinsAndTheOthersAreJoined) {
    TestLoop loop;
    Event event;
    Event never;
    auto held = std::make_shared<int>(1);
    std::weak_ptr<int> watched = held;
    auto started = loop.start(when_any(value_after(never, std::move(held)), value_after(event, std::string("won"))));
    EXPECT_FALSE(watched.expired());
    event.set();
    loop.run_ready();
    auto result = started.result();
    EXPECT_EQ(result.index, 1U);
    EXPECT_EQ(std::get<1>(result.value), "won");
    EXPECT_TRUE(watched.expired());
}

TEST(WhenAny, AnExceptionWinsToo) {
    TestLoop loop;
    Event event;
    Event never;
    auto started = loop.start(when_any(value_after(never, 1), fail_after<std::invalid_argument>(event, "won")));
    event.set();
    loop.run_ready();
    EXPECT_THROW((void)started.result(), std::invalid_argument);
}

TEST(WhenAny, DoesNotStartWhatComesAfterTheWinner) {
    CapturedLog log;
    TestLoop loop;
    Event set;
    set.set();
    Event never;
    bool began = false;
    auto started = loop.start(when_any(fail_in_clean_up(never, "loser"), value_after(set, 1), note_start(began)));
    EXPECT_EQ(started.result().index, 1U);
    EXPECT_FALSE(began);
    EXPECT_EQ(log.lines().size(), 1U);
}

TEST(WhenAny, CancellationReachesAll) {
    TestLoop loop;
    Event never;
    auto started = loop.start(when_any(never.wait(), value_after(never, 1)));
    started.cancel();
    loop.run_ready();
    EXPECT_THROW((void)started.result(), Cancelled);
}

TEST(WhenAny, TakesAVector) {
    TestLoop loop;
    Event event;
    Event never;
    std::vector<Task<int>> tasks;
    tasks.push_back(value_after(never, 1));
    tasks.push_back(value_after(event, 2));
    auto started = loop.start(when_any(std::move(tasks)));
    event.set();
    loop.run_ready();
    auto result = started.result();
    EXPECT_EQ(result.index, 1U);
    EXPECT_EQ(result.value, 2);
    EXPECT_THROW((void)loop.start(when_any(std::vector<Task<int>>())).result(), std::invalid_argument);
}

Task<int> shielded(Event& cleaned, Event& after) {
    int value = co_await shield(value_after(cleaned, 3));
    co_await after.wait();
    co_return value;
}

TEST(Shield, FinishesInSpiteOfACancellation) {
    TestLoop loop;
    Event cleaned;
    Event after;
    after.set();
    auto started = loop.start(shielded(cleaned, after));
    started.cancel();
    loop.run_ready();
    EXPECT_FALSE(started.done());
    cleaned.set();
    loop.run_ready();
    EXPECT_THROW(started.result(), Cancelled) << "the wait after it should learn of the cancellation";
}

Task<int> many_groups(Event& set) {
    int n = 0;
    for (int i = 0; i < 300'000; ++i) {
        auto [a, b] = co_await when_all(value_after(set, 1), value_after(set, 1));
        n += a + b;
    }
    co_return n;
}

TEST(WhenAll, ManyInARowDoNotUseUpTheStack) {
    TestLoop loop;
    Event set;
    set.set();
    EXPECT_EQ(loop.start(many_groups(set)).result(), 600'000);
}

}  // namespace
}  // namespace caropig
