#include "client/resilience.h"

#include "client/faulty_server.h"
#include "support/captured_log.h"
#include <caropig/client/status_error.h>
#include <caropig/testkit/test_loop.h>

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

struct Outcome {
    std::optional<Response> response;
    std::optional<FetchError> error;
    bool cancelled = false;
};

std::string unavailable(std::string_view fields = {}) {
    return "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n" + std::string(fields) + "\r\nbusy";
}

/// Fetches from a server that fails as the test says, under options that it sets first.
class ResilienceTest : public testing::Test {
protected:
    Task<Outcome> fetch(FetchRequest request) {
        if (!resilience) resilience.emplace(options.seed(1));
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
    static FetchRequest post() { return FetchRequest("http://h/").method("POST").body("a body"); }
    /// A fetch that ends within `time`.
    Outcome outcome_of(FetchRequest request, Duration time = 0s) {
        auto fetching = loop.start(fetch(std::move(request)));
        loop.advance(time);
        EXPECT_TRUE(fetching.done());
        return fetching.done() ? fetching.result() : Outcome();
    }
    void expect_clean() const {
        EXPECT_EQ(pool.open(), pool.idle());
        EXPECT_EQ(static_cast<std::size_t>(server.open), pool.open());
        EXPECT_EQ(pool.waiting(), 0u);
    }

    testkit::TestLoop loop;
    FaultyServer server{loop};
    Pool pool{loop, PoolOptions(),
              [this](Origin origin, Phase& phase) { return server.connect(std::move(origin), phase); }};
    ResilienceOptions options;
    std::optional<Resilience> resilience;
};

// ---- retries

TEST_F(ResilienceTest, RetriesWhereNothingWasSentAfterABackoff) {
    options.retries(2);
    server.faults = {Fault::kConnectRefused, Fault::kConnectRefused};
    auto fetching = loop.start(fetch(post()));
    EXPECT_EQ(server.faults.size(), 1u);
    EXPECT_EQ(pool.open(), 0u) << "it must not hold a place while it waits";
    loop.advance(50ms - 1ns);
    EXPECT_EQ(server.faults.size(), 1u);
    loop.advance(50ms + 1ns);
    EXPECT_EQ(server.faults.size(), 0u);
    loop.advance(50ms - 1ns);  // the second wait began with the first one's end
    EXPECT_FALSE(fetching.done());
    loop.advance(150ms + 1ns);
    EXPECT_EQ(fetching.result().response.value().body(), "good");
    ASSERT_EQ(server.requests.size(), 1u);
    EXPECT_TRUE(server.requests[0].ends_with("a body"));
    EXPECT_EQ(resilience->origins(), 1u) << "its budget is not full";
    expect_clean();
}

TEST_F(ResilienceTest, EndsWithTheLastFailure) {
    options.retries(2);
    server.faults = {Fault::kWaitResets, Fault::kWaitResets, Fault::kConnectRefused, Fault::kNone};
    auto fetching = loop.start(fetch("http://h/"));
    EXPECT_EQ(server.requests.size(), 1u);
    EXPECT_EQ(pool.open(), 0u) << "it must not hold its connection while it waits";
    loop.advance(1s);
    EXPECT_EQ(fetching.result().error.value().kind(), Kind::kUnreachable);
    EXPECT_EQ(server.faults.size(), 1u);
    expect_clean();
}

TEST_F(ResilienceTest, SendsAgainWhatWasSentOnlyIfThatDoesNoHarm) {
    options.retries(1).budget(100, 1);
    for (const Fault fault :
         {Fault::kSendFailsPartly, Fault::kWaitCloses, Fault::kWaitResets, Fault::kHeadCloses, Fault::kHeadResets}) {
        for (const bool idempotent : {false, true}) {
            server.requests.clear();
            server.faults = {fault};
            const Outcome outcome = outcome_of(post().idempotent(idempotent), 1s);
            EXPECT_EQ(outcome.response.has_value(), idempotent) << static_cast<int>(fault);
            EXPECT_LE(server.requests.size(), idempotent ? 2u : 1u);
            EXPECT_TRUE(!idempotent || server.requests.back().ends_with("a body"));
            expect_clean();
            loop.advance(60s);  // no connection is kept for the next
        }
    }
    server.faults = {Fault::kSendFailsUnsent};
    EXPECT_TRUE(outcome_of(post(), 1s).response) << "nothing of it was taken";
}

TEST_F(ResilienceTest, RetriesStatuses) {
    options.retries(2);
    server.answers = {unavailable(), "HTTP/1.1 502 Bad\r\nContent-Length: 100\r\n\r\nsome"};
    const Outcome outcome = outcome_of("http://h/", 1s);
    EXPECT_EQ(outcome.response.value().body(), "good");
    EXPECT_EQ(server.requests.size(), 3u);
    EXPECT_EQ(server.connections, 2) << "the first is kept, the second has not all been read";
    expect_clean();

    server.answers = {unavailable(), unavailable(), unavailable()};
    const Outcome last = outcome_of("http://h/", 1s);
    EXPECT_EQ(last.response.value().status(), 503) << "the last answer is given";
    EXPECT_EQ(last.response->body(), "busy");

    server.requests.clear();
    server.answers = {unavailable()};
    EXPECT_EQ(outcome_of(post()).response.value().status(), 503);
    EXPECT_EQ(server.requests.size(), 1u);
    server.answers = {"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
    EXPECT_EQ(outcome_of("http://h/").response.value().status(), 500);
    expect_clean();
}

TEST_F(ResilienceTest, WaitsForRetryAfter) {
    options.retries(1);
    server.answers = {unavailable("Retry-After: 3\r\n")};
    auto fetching = loop.start(fetch("http://h/"));
    loop.advance(3s - 1ns);
    EXPECT_EQ(server.requests.size(), 1u);
    loop.advance(1ns);
    EXPECT_EQ(fetching.result().response.value().body(), "good");
}

TEST_F(ResilienceTest, GivesTheAnswerWhereRetryAfterIsTooLong) {
    options.retries(1).max_retry_after(5s);
    server.answers = {unavailable("Retry-After: 6\r\n"), unavailable("Retry-After: 5\r\n")};
    EXPECT_EQ(outcome_of("http://h/").response.value().status(), 503);
    EXPECT_EQ(outcome_of("http://h/", 5s).response.value().status(), 200);
    server.answers = {unavailable("Retry-After: 4\r\n"), unavailable("Retry-After: 3\r\n")};
    EXPECT_EQ(outcome_of(FetchRequest("http://h/").total_timeout(4s)).response.value().status(), 503)
        << "the request's deadline is before that";
    EXPECT_EQ(outcome_of(FetchRequest("http://h/").total_timeout(4s), 3s).response.value().status(), 200);
}

TEST_F(ResilienceTest, TheTotalDeadlineSpansAllTries) {
    options.retries(3).backoff(3s, 3s);
    server.faults = {Fault::kWaitResets, Fault::kWaitHangs};
    auto fetching = loop.start(fetch(FetchRequest("http://h/").total_timeout(10s)));
    loop.advance(10s - 1ns);
    EXPECT_EQ(server.requests.size(), 2u);
    EXPECT_FALSE(fetching.done());
    loop.advance(1ns);
    EXPECT_STREQ(fetching.result().error.value().what(),
                 "fetch http://h: the total_timeout of 10 s passed while waiting for the response");
    server.faults = {Fault::kWaitResets};
    EXPECT_EQ(outcome_of(FetchRequest("http://h/").total_timeout(1s)).error.value().kind(), Kind::kBroken)
        << "a wait beyond the deadline";
    expect_clean();
}

TEST_F(ResilienceTest, RetriesADeadlineThatIsNotTheTotalOne) {
    options.retries(1);
    server.faults = {Fault::kWaitHangs, Fault::kWaitHangs};
    EXPECT_TRUE(outcome_of(FetchRequest("http://h/").first_byte_timeout(1s), 3s).error);
    EXPECT_EQ(server.requests.size(), 2u);
    server.faults = {Fault::kWaitHangs};
    EXPECT_TRUE(outcome_of(FetchRequest("http://h/").first_byte_timeout(1s), 3s).response);
    expect_clean();
}

TEST_F(ResilienceTest, ABudgetBoundsTheRetriesOfAnOrigin) {
    options.retries(1).budget(2, 0.5);
    server.answers.assign(100, unavailable());
    std::size_t sent = 0;
    for (const std::size_t expected : {2u, 4u, 6u, 7u, 9u, 10u, 12u}) {  // a half a fetch, once the burst is spent
        outcome_of("http://h/", 1s);
        sent = server.requests.size();
        EXPECT_EQ(sent, expected);
    }
    outcome_of("http://other/", 1s);
    EXPECT_EQ(server.requests.size() - sent, 2u) << "each origin has its own";
}

TEST_F(ResilienceTest, AProducerThatHasBegunIsNotAskedAgain) {
    options.retries(1).budget(100, 1);
    int made = 0;
    const BodyProducer producer = [&made](RequestBody& body) -> Task<void> {
        ++made;
        const std::string text = "text";
        co_await body.write(text);
    };
    FetchRequest request("http://h/");
    request.method("PUT").body_from(producer, 4);
    server.faults = {Fault::kConnectRefused};
    EXPECT_TRUE(outcome_of(request, 1s).response.has_value());
    EXPECT_EQ(made, 1);
    loop.advance(60s);

    made = 0;
    server.faults = {Fault::kWaitHangs, Fault::kWaitResets};  // the head is a sending of its own
    EXPECT_TRUE(outcome_of(request, 1s).error);
    EXPECT_EQ(made, 1);
    loop.advance(60s);

    server.requests.clear();
    server.faults = {Fault::kWaitHangs, Fault::kSendFailsUnsent};
    EXPECT_TRUE(outcome_of(FetchRequest(request).method("POST").repeatable(true), 1s).error);
    EXPECT_EQ(server.requests.size(), 1u) << "its head was sent";
    loop.advance(60s);

    made = 0;
    server.faults = {Fault::kSendFailsUnsent};
    EXPECT_TRUE(outcome_of(request.repeatable(true), 1s).response);
    EXPECT_EQ(made, 1);
    expect_clean();
}

TEST_F(ResilienceTest, RaisesTheLastStatus) {
    options.retries(1);
    server.answers = {unavailable(), unavailable()};
    auto fetching = loop.start(fetch(FetchRequest("http://h/").raise_error(true)));
    loop.advance(1s);
    EXPECT_THROW(fetching.result(), StatusError);
    EXPECT_EQ(server.requests.size(), 2u);
}

TEST_F(ResilienceTest, RetriesEachRequestOfARedirect) {
    options.retries(1);
    server.answers = {"HTTP/1.1 303 See\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n", unavailable()};
    EXPECT_EQ(outcome_of(post(), 1s).response.value().body(), "good");
    ASSERT_EQ(server.requests.size(), 3u) << "a POST that was answered was sent again";
    EXPECT_TRUE(server.requests[1].starts_with("GET "));
    EXPECT_TRUE(server.requests[2].starts_with("GET "));
}

TEST_F(ResilienceTest, FetchesAgainWhatBreaksInTheBody) {
    options.retries(2);
    server.faults = {Fault::kBodyCloses, Fault::kWaitResets};
    EXPECT_EQ(outcome_of("http://h/", 1s).response.value().body(), "good");
    EXPECT_EQ(server.requests.size(), 3u);
    server.requests.clear();
    server.faults = {Fault::kBodyResets, Fault::kWaitResets, Fault::kBodyCloses, Fault::kNone};
    EXPECT_EQ(outcome_of("http://h/", 1s).error.value().kind(), Kind::kBroken);
    EXPECT_EQ(server.requests.size(), 3u) << "the fetch has more than its retries";
    expect_clean();
    loop.advance(60s);

    server.requests.clear();
    server.faults = {Fault::kBodyResets};
    EXPECT_TRUE(outcome_of(post(), 1s).error);
    EXPECT_EQ(server.requests.size(), 1u);
    server.faults = {Fault::kBodyResets};
    EXPECT_TRUE(outcome_of(FetchRequest("http://h/").total_timeout(50ms), 1s).error) << "beyond the deadline";
    server.faults = {Fault::kBodyResets, Fault::kWaitHangs};
    auto late = loop.start(fetch("http://h/"));
    loop.advance(20s - 1ns);
    EXPECT_FALSE(late.done());
    loop.advance(1ns);  // since the first
    EXPECT_EQ(late.result().error.value().kind(), Kind::kTimeout);
    expect_clean();
}

TEST_F(ResilienceTest, OpenIsRetriedUpToTheHead) {
    options.retries(1);
    resilience.emplace(options);
    server.answers = {unavailable()};
    auto opening = loop.start(resilience->open(pool, "http://h/"));
    loop.advance(1s);
    ASSERT_TRUE(opening.done());
    EXPECT_EQ(opening.result().status(), 200);
}

// ---- cancellation

TEST_F(ResilienceTest, CancellationAtEachStepLeavesThePoolRight) {
    options.retries(3).breaker_failures(1).breaker_open_for(1s);
    for (const Fault fault : {Fault::kConnectHangs, Fault::kSendHangs, Fault::kWaitHangs, Fault::kHeadHangs}) {
        server.faults = {fault};
        auto fetching = loop.start(fetch("http://h/"));
        EXPECT_FALSE(fetching.done());
        fetching.cancel();
        loop.run_ready();
        EXPECT_TRUE(fetching.result().cancelled);
        EXPECT_EQ(pool.open(), 0u);
        expect_clean();
        EXPECT_EQ(resilience->origins(), 0u) << "a cancelled fetch is no failure";
    }
    resilience.emplace(ResilienceOptions().retries(3));
    server.faults = {Fault::kConnectRefused};
    auto waiting = loop.start(fetch("http://h/"));
    EXPECT_FALSE(waiting.done());
    waiting.cancel();
    loop.run_ready();
    EXPECT_TRUE(waiting.result().cancelled);
    EXPECT_EQ(server.connections, 3);
    expect_clean();
}

// ---- circuit breaker

TEST_F(ResilienceTest, RefusesWhileTheBreakerIsOpen) {
    support::CapturedLog log;
    options.breaker_failures(2).breaker_open_for(10s);
    server.faults = {Fault::kConnectRefused};
    server.answers = {unavailable()};
    outcome_of("http://h/");
    outcome_of("http://h/");
    const Outcome refused = outcome_of("http://h/");
    EXPECT_EQ(refused.error.value().kind(), Kind::kBusy);
    EXPECT_EQ(refused.error->phase(), Phase::kQueue);
    EXPECT_STREQ(refused.error->what(), "fetch http://h: the circuit breaker is open after 2 failures in a row");
    EXPECT_EQ(server.requests.size(), 1u);
    EXPECT_TRUE(outcome_of("http://other/").response) << "each origin has its own";

    loop.advance(10s);
    server.faults = {Fault::kWaitHangs};
    {
        auto probe = loop.start(fetch("http://h/"));
        EXPECT_FALSE(probe.done());
        EXPECT_TRUE(outcome_of("http://h/").error) << "one probe at a time";
    }  // cancelled
    EXPECT_TRUE(outcome_of("http://h/").response);
    EXPECT_TRUE(outcome_of("http://h/").response);
    EXPECT_EQ(resilience->origins(), 0u);
    expect_clean();
    const std::vector<std::string> lines{
        "general: the circuit breaker of http://h opens for 10 s after 2 failures in a row: status 503",
        "general: the circuit breaker of http://h has closed"};
    EXPECT_EQ(log.lines(), lines);
}

TEST_F(ResilienceTest, WhatALimitOfTheClientEndsIsNoFailure) {
    options.retries(1).breaker_failures(1);
    server.answers = {"HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n"};
    EXPECT_EQ(outcome_of("http://h/").error.value().kind(), Kind::kTooLarge);
    EXPECT_EQ(server.requests.size(), 1u);
    EXPECT_TRUE(outcome_of("http://h/").response);
}

TEST_F(ResilienceTest, RetriesEndWithTheFailureThatOpensTheBreaker) {
    options.retries(5).breaker_failures(2);
    server.faults = {Fault::kConnectRefused, Fault::kConnectRefused, Fault::kNone};
    const Outcome outcome = outcome_of("http://h/", 1s);
    EXPECT_EQ(outcome.error.value().kind(), Kind::kUnreachable);
    EXPECT_EQ(server.faults.size(), 1u);
    EXPECT_EQ(outcome_of("http://h/").error.value().kind(), Kind::kBusy);
}

TEST_F(ResilienceTest, TheTargetOfARedirectHasABreakerOfItsOwn) {
    options.breaker_failures(1);
    const std::string redirect = "HTTP/1.1 302 See\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n";
    server.answers = {redirect, unavailable(), redirect};
    EXPECT_EQ(outcome_of("http://h/").response.value().status(), 503);
    const Outcome refused = outcome_of("http://h/");
    EXPECT_STREQ(refused.error.value().what(),
                 "fetch http://other: the circuit breaker is open after 1 failures in a row");
    EXPECT_TRUE(outcome_of("http://h/").response);
    expect_clean();
}

TEST_F(ResilienceTest, AFailedRedirectIsNotFetchedAsAWhole) {
    options.retries(1).breaker_failures(1);
    server.faults = {Fault::kNone, Fault::kConnectRefused};
    server.answers = {"HTTP/1.1 302 See\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n"};
    EXPECT_EQ(outcome_of("http://h/", 1s).error.value().kind(), Kind::kUnreachable);
    EXPECT_EQ(server.requests.size(), 1u);
    expect_clean();
}

TEST_F(ResilienceTest, RemembersABoundedNumberOfOrigins) {
    options.breaker_failures(2);
    const auto last = Resilience::kMostOrigins;
    for (std::size_t i = 0; i <= last; ++i) {
        server.faults = {Fault::kConnectRefused};
        outcome_of("http://h" + std::to_string(i) + "/");
        loop.advance(1ms);
        EXPECT_EQ(resilience->origins(), std::min(i + 1, last));
    }
    for (const std::size_t recent : {last - 1, last}) {
        const std::string url = "http://h" + std::to_string(recent) + "/";
        server.faults = {Fault::kConnectRefused};
        outcome_of(url);
        EXPECT_EQ(outcome_of(url).error.value().kind(), Kind::kBusy) << "the wrong one was forgotten";
    }
}

}  // namespace
}  // namespace caropig::client
