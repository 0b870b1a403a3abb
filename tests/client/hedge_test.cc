#include "client/hedge.h"

#include "client/resilience.h"
#include "client/scripted_upstream.h"
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;

struct Outcome {
    std::optional<Response> response;
    std::optional<FetchError> error;
    bool cancelled = false;
};

/// Fetches that are sent again after 1 s, to servers that the test plays: each connection is one of `servers`.
class HedgeTest : public testing::Test {
protected:
    Task<Outcome> fetch(FetchRequest request) {
        if (!resilience) resilience.emplace(options.hedge_after(1s).seed(1));
        Outcome outcome;
        try {
            outcome.response = co_await resilience->fetch(pool, std::move(request));
        } catch (const FetchError& error) {
            outcome.error = error;
        } catch (const Cancelled&) {
            outcome.cancelled = true;
        }
        co_return outcome;
    }
    Task<Connected> connect(FetchError::Phase& phase) {
        phase = FetchError::Phase::kConnect;
        if (refuses) throw IoError(errno_code(ECONNREFUSED), "connect");
        servers.push_back(std::make_unique<ScriptedUpstream>(loop));
        Connected connected;
        connected.stream = servers.back()->connect();
        co_return connected;
    }
    void answer(std::size_t which, const std::string& body, int status = 200) {
        servers[which]->deliver("HTTP/1.1 " + std::to_string(status) +
                                " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        loop.run_ready();
    }
    void expect_clean(std::size_t idle) const {
        EXPECT_EQ(pool.idle(), idle);
        EXPECT_EQ(pool.open(), idle);
        EXPECT_EQ(pool.waiting(), 0u);
    }

    std::vector<std::unique_ptr<ScriptedUpstream>> servers;  // until the loop has let go of their streams
    testkit::TestLoop loop;
    bool refuses = false;
    Pool pool{loop, PoolOptions().max_connections_per_origin(2),
              [this](Origin, FetchError::Phase& phase) { return connect(phase); }};
    ResilienceOptions options;
    std::optional<Resilience> resilience;
};

TEST_F(HedgeTest, SendsASecondOneAfterTheDelayOnly) {
    auto quick = loop.start(fetch("http://h/"));
    loop.advance(1s - 1ns);
    EXPECT_EQ(servers.size(), 1u);
    answer(0, "quick");
    EXPECT_EQ(quick.result().response.value().body(), "quick");
    loop.advance(1s);
    EXPECT_EQ(servers.size(), 1u);
    expect_clean(1);
}

TEST_F(HedgeTest, TheSecondMayWin) {
    FetchRequest request("http://h/");
    request.method("PUT").body("a body");
    auto fetching = loop.start(fetch(std::move(request)));
    loop.advance(1s);
    ASSERT_EQ(servers.size(), 2u);
    EXPECT_EQ(servers[0]->sent(), servers[1]->sent());
    EXPECT_TRUE(servers[1]->sent().ends_with("\r\n\r\na body"));
    answer(1, "second");
    EXPECT_EQ(fetching.result().response.value().body(), "second");
    EXPECT_FALSE(servers[0]->open()) << "the loser's connection";
    EXPECT_TRUE(servers[1]->open());
    expect_clean(1);
}

TEST_F(HedgeTest, TheFirstMayStillWin) {
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(1s);
    servers[0]->deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");  // the head decides
    loop.run_ready();
    EXPECT_FALSE(servers[1]->open());
    servers[0]->deliver("first");
    loop.run_ready();
    EXPECT_EQ(fetching.result().response.value().body(), "first");
    expect_clean(1);
}

TEST_F(HedgeTest, WhoFailsWaitsForTheOther) {
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(1s);
    answer(1, "busy", 503);
    EXPECT_FALSE(fetching.done());
    answer(0, "good");
    EXPECT_EQ(fetching.result().response.value().body(), "good");
    expect_clean(1);

    auto other = loop.start(fetch("http://h/"));
    loop.advance(1s);
    servers[0]->fail(ECONNRESET);
    loop.run_ready();
    ASSERT_FALSE(other.done()) << "a kept connection that fails is replaced";
    servers.back()->fail(ECONNRESET);
    loop.run_ready();
    ASSERT_FALSE(other.done());
    EXPECT_EQ(pool.open(), 1u) << "it holds a broken connection";
    answer(servers.size() - 2, "good");
    EXPECT_EQ(other.result().response.value().body(), "good");
}

TEST_F(HedgeTest, WhereBothFailAnAnswerIsGiven) {
    for (const std::size_t answers : {0u, 1u}) {
        for (const bool answers_first : {false, true}) {
            servers.clear();
            auto fetching = loop.start(fetch("http://h/"));
            loop.advance(1s);
            if (answers_first) answer(answers, "busy", 503);
            servers[1 - answers]->fail(ECONNRESET);
            loop.run_ready();
            if (!answers_first) answer(answers, "busy", 503);
            ASSERT_TRUE(fetching.done());
            EXPECT_EQ(fetching.result().response.value().body(), "busy");
            expect_clean(1);
            loop.advance(60s);  // it is kept no longer
            expect_clean(0);
        }
    }
    servers.clear();
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(1s);
    servers[0]->fail(ECONNRESET);
    servers[1]->fail(EPIPE);
    loop.run_ready();
    EXPECT_EQ(fetching.result().error.value().kind(), Kind::kBroken);
    expect_clean(0);
}

TEST_F(HedgeTest, AFailureBeforeTheDelayIsTheOutcome) {
    refuses = true;
    auto refused = loop.start(fetch("http://h/"));
    ASSERT_TRUE(refused.done());
    EXPECT_EQ(refused.result().error.value().kind(), Kind::kUnreachable);
    expect_clean(0);
}

TEST_F(HedgeTest, NotWhatMayNotBeSentTwice) {
    FetchRequest post("http://h/");
    post.method("POST").body("a body");
    FetchRequest produced("http://h/");
    const BodyProducer none = [](RequestBody&) -> Task<void> { co_return; };
    produced.method("PUT").body_from(none, 0).repeatable(true);
    for (const FetchRequest& request : {post, produced}) {
        servers.clear();
        auto fetching = loop.start(fetch(request));
        loop.advance(10s);
        EXPECT_EQ(servers.size(), 1u);
        answer(0, "ok");
        EXPECT_TRUE(fetching.result().response);
        loop.advance(60s);
    }
}

TEST_F(HedgeTest, TakesFromTheBudget) {
    options.budget(1, 0);
    for (const std::size_t connections : {2u, 1u}) {
        servers.clear();
        auto fetching = loop.start(fetch("http://h/"));
        loop.advance(2s);
        EXPECT_EQ(servers.size(), connections);
        answer(0, "ok");
        EXPECT_TRUE(fetching.result().response);
        loop.advance(60s);
    }
    servers.clear();
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(2s);
    servers[0]->fail(ECONNRESET);
    loop.run_ready();
    EXPECT_TRUE(fetching.result().error) << "it waits for one that is not sent";
}

TEST_F(HedgeTest, StandsInLineAsOthersDo) {
    auto holding = loop.start(fetch(FetchRequest("http://h/").idempotent(false)));
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(1s);
    EXPECT_EQ(servers.size(), 2u);
    EXPECT_EQ(pool.waiting(), 1u);
    answer(1, "first");
    EXPECT_EQ(fetching.result().response.value().body(), "first");
    EXPECT_EQ(pool.waiting(), 0u);
    answer(0, "ok");
    EXPECT_TRUE(holding.result().response);
    expect_clean(2);
}

TEST_F(HedgeTest, TheTotalDeadlineIsBoths) {
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(20s - 1ns);
    EXPECT_FALSE(fetching.done());
    EXPECT_TRUE(servers[0]->open() && servers[1]->open());
    loop.advance(1ns);
    EXPECT_STREQ(fetching.result().error.value().what(),
                 "fetch http://h: the total_timeout of 20 s passed while waiting for the response");
    EXPECT_FALSE(servers[0]->open() || servers[1]->open());
    expect_clean(0);
}

TEST_F(HedgeTest, CancelledBeforeAndAfterTheSecond) {
    for (const Duration when : {0s, 1s}) {
        servers.clear();
        auto fetching = loop.start(fetch("http://h/"));
        loop.advance(when);
        EXPECT_EQ(servers.size(), when == 0s ? 1u : 2u);
        fetching.cancel();
        loop.run_ready();
        EXPECT_TRUE(fetching.result().cancelled);
        for (const auto& server : servers) EXPECT_FALSE(server->open());
        expect_clean(0);
    }
    servers.clear();
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(1s);
    servers[1]->fail(ECONNRESET);
    loop.run_ready();
    EXPECT_FALSE(fetching.done());
    fetching.cancel();  // while one that has failed waits for the other
    loop.run_ready();
    EXPECT_TRUE(fetching.result().cancelled);
    expect_clean(0);
}

TEST_F(HedgeTest, WhatFailsTwiceIsRetried) {
    options.retries(1);
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("PUT").body("a body")));
    loop.advance(1s);
    servers[0]->fail(ECONNRESET);
    servers[1]->fail(ECONNRESET);
    loop.advance(100ms);
    ASSERT_EQ(servers.size(), 3u);
    EXPECT_TRUE(servers[2]->sent().ends_with("\r\n\r\na body"));
    answer(2, "good");
    EXPECT_EQ(fetching.result().response.value().body(), "good");
    expect_clean(1);
}

}  // namespace
}  // namespace caropig::client
