#include "support/captured_log.h"
#include <caropig/async/event.h>
#include <caropig/async/scope.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using support::CapturedLog;
using testkit::TestLoop;

Task<void> wait_for(Event& event, int& ended) {
    co_await event.wait();
    ++ended;
}

Task<void> wait_then_fail(Event& event, std::string what) {
    co_await event.wait();
    throw std::runtime_error(what);
}

Task<void> fail_when_cancelled(Event& event, std::string what) {
    try {
        co_await event.wait();
    } catch (const Cancelled&) {
        throw std::runtime_error(what);
    }
}

TEST(Scope, StartsAtOnceAndJoinsTheLast) {
    TestLoop loop;
    Event event;
    int ended = 0;
    Scope scope(loop);
    scope.spawn(wait_for, std::ref(event), std::ref(ended));
    scope.spawn([&ended]() -> Task<void> {
        ++ended;
        co_return;
    });
    EXPECT_EQ(ended, 1);
    EXPECT_EQ(scope.size(), 1U);
    auto joining = loop.start(scope.join());
    EXPECT_FALSE(joining.done());
    event.set();
    loop.run_ready();
    EXPECT_TRUE(joining.done());
    EXPECT_EQ(ended, 2);
}

TEST(Scope, OwnsClosureAndArguments) {
    TestLoop loop;
    Event event;
    std::string result;
    std::weak_ptr<int> watched;
    Scope scope(loop);
    {
        auto shared = std::make_shared<int>(42);
        watched = shared;
        std::string name(100, 'x');
        scope.spawn(
            [shared, &event, &result](const std::string& text, std::unique_ptr<int> number) -> Task<void> {
                co_await event.wait();
                result = text + std::to_string(*shared + *number);
            },
            std::move(name), std::make_unique<int>(1));
    }
    EXPECT_FALSE(watched.expired());
    event.set();
    loop.run_ready();
    EXPECT_EQ(result, std::string(100, 'x') + "43");
    EXPECT_TRUE(watched.expired()) << "the closure is kept after its end";
    EXPECT_EQ(scope.size(), 0U);
}

TEST(Scope, TheFirstFailureCancelsTheOthersAndIsThrown) {
    CapturedLog log;
    TestLoop loop;
    Event event;
    Event never;
    int ended = 0;
    Scope scope(loop);
    scope.spawn(wait_for, std::ref(never), std::ref(ended));
    scope.spawn(wait_then_fail, std::ref(event), "first");
    scope.spawn(fail_when_cancelled, std::ref(never), "second");
    auto joining = loop.start(scope.join());
    event.set();
    loop.run_ready();
    ASSERT_TRUE(joining.done());
    try {
        joining.result();
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "first");
    }
    EXPECT_EQ(ended, 0);
    ASSERT_EQ(log.lines().size(), 1U);
    EXPECT_EQ(log.lines()[0], "application: exception in a task of a scope that had failed: second");
}

TEST(Scope, ACancelledJoinCancelsTheChildrenAndWaitsForThem) {
    TestLoop loop;
    Event never;
    Event cleaned;
    bool cleaning = false;
    Scope scope(loop);
    scope.spawn([&]() -> Task<void> {
        try {
            co_await never.wait();
        } catch (const Cancelled&) {
            cleaning = true;
        }
        // Under no cancellation any more: what a shield() would do.
        Scope inner(loop);
        inner.spawn([&]() -> Task<void> { co_await cleaned.wait(); });
        try {
            co_await inner.join();
        } catch (const Cancelled&) {
        }
    });
    auto joining = loop.start(scope.join());
    joining.cancel();
    EXPECT_FALSE(joining.done());
    loop.run_ready();
    EXPECT_TRUE(cleaning);
    EXPECT_TRUE(joining.done());
    EXPECT_THROW(joining.result(), Cancelled);
}

TEST(Scope, ChildrenAreCancelledWithTheParent) {
    TestLoop loop;
    CancellationSource parent;
    Event never;
    int ended = 0;
    Scope scope(loop, &parent);
    scope.spawn(wait_for, std::ref(never), std::ref(ended));
    parent.request();
    EXPECT_EQ(scope.size(), 1U) << "ended inside of request()";
    loop.run_ready();
    EXPECT_EQ(scope.size(), 0U);
    auto joining = loop.start(scope.join());
    EXPECT_NO_THROW(joining.result()) << "a child's Cancelled is no failure";
}

TEST(ScopeDeathTest, MayNotDieBeforeItsChildren) {
    EXPECT_DEATH(
        {
            TestLoop loop;
            Event never;
            int ended = 0;
            Scope scope(loop);
            scope.spawn(wait_for, std::ref(never), std::ref(ended));
        },
        "before its tasks were joined");
}

Task<int> scoped_value(Event& event, int& ended) {
    co_return co_await with_scope([&](Scope& scope) -> Task<int> {
        scope.spawn(wait_for, std::ref(event), std::ref(ended));
        co_return 5;
    });
}

TEST(WithScope, GivesTheBodysValueAfterTheChildrenHaveEnded) {
    TestLoop loop;
    Event event;
    int ended = 0;
    auto started = loop.start(scoped_value(event, ended));
    EXPECT_FALSE(started.done());
    event.set();
    loop.run_ready();
    EXPECT_EQ(started.result(), 5);
    EXPECT_EQ(ended, 1);
}

TEST(WithScope, CancellationReachesBodyAndChildren) {
    TestLoop loop;
    Event event;
    int ended = 0;
    auto started = loop.start(scoped_value(event, ended));
    started.cancel();
    loop.run_ready();
    EXPECT_THROW(started.result(), Cancelled);
    EXPECT_EQ(ended, 0);
}

Task<void> note_when_cancelled(Event& event, std::string who, std::string& into) {
    try {
        co_await event.wait();
    } catch (const Cancelled&) {
        into += who;
        throw;
    }
}

Task<void> noting_scope(Event& never, std::string& order) {
    co_await with_scope([&](Scope& scope) -> Task<void> {
        scope.spawn(note_when_cancelled, std::ref(never), "child ", std::ref(order));
        co_await note_when_cancelled(never, "body ", order);
    });
}

TEST(WithScope, CancellationAsksTheBodyFirst) {
    TestLoop loop;
    Event never;
    std::string order;
    auto started = loop.start(noting_scope(never, order));
    started.cancel();
    loop.run_ready();
    EXPECT_THROW(started.result(), Cancelled);
    EXPECT_EQ(order, "body child ");
}

Task<void> body_fails(Event& never, int& ended) {
    co_await with_scope([&](Scope& scope) -> Task<void> {
        scope.spawn(wait_for, std::ref(never), std::ref(ended));
        throw std::invalid_argument("body");
        co_return;
    });
}

TEST(WithScope, AFailingBodyCancelsTheChildren) {
    TestLoop loop;
    Event never;
    int ended = 0;
    auto started = loop.start(body_fails(never, ended));
    EXPECT_THROW(started.result(), std::invalid_argument);
    EXPECT_EQ(ended, 0);
}

Task<void> child_fails(Event& event, Event& never) {
    co_await with_scope([&](Scope& scope) -> Task<void> {
        scope.spawn(wait_then_fail, std::ref(event), "child");
        co_await never.wait();
    });
}

TEST(WithScope, AFailingChildCancelsTheBody) {
    TestLoop loop;
    Event event;
    Event never;
    auto started = loop.start(child_fails(event, never));
    EXPECT_FALSE(started.done());
    event.set();
    loop.run_ready();
    EXPECT_THROW(started.result(), std::runtime_error);
}

Task<std::string> body_cancels_children(Event& never, Event& set, int& ended) {
    co_return co_await with_scope([&](Scope& scope) -> Task<std::string> {
        scope.spawn(wait_for, std::ref(never), std::ref(ended));
        scope.cancel();
        co_await set.wait();
        co_return "answer";
    });
}

TEST(WithScope, CancellingTheChildrenLeavesTheBodyAlone) {
    TestLoop loop;
    Event never;
    Event set;
    set.set();
    int ended = 0;
    auto started = loop.start(body_cancels_children(never, set, ended));
    EXPECT_EQ(started.result(), "answer");
    EXPECT_EQ(ended, 0);
}

Task<int> named_body() {
    auto text = std::make_unique<std::string>("owned");
    auto body = [text = std::move(text)](Scope&) -> Task<int> { co_return static_cast<int>(text->size()); };
    co_return co_await with_scope(std::ref(body));
}

TEST(WithScope, TakesANamedBodyByReference) {
    TestLoop loop;
    EXPECT_EQ(loop.start(named_body()).result(), 5);
}

Task<int> many_scopes() {
    int n = 0;
    for (int i = 0; i < 100'000; ++i) {
        co_await with_scope([&n](Scope&) -> Task<void> {
            ++n;
            co_return;
        });
    }
    co_return n;
}

TEST(WithScope, ManyInARowDoNotUseUpTheStack) {
    TestLoop loop;
    EXPECT_EQ(loop.start(many_scopes()).result(), 100'000);
}

}  // namespace
}  // namespace caropig
