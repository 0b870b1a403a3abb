#include "client/retry_policy.h"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

FetchError error_of(Kind kind, Phase phase, std::errc code = std::errc::connection_reset) {
    return {kind, phase, std::make_error_code(code), "http://h", "x"};
}

TEST(RetryBudget, HoldsItsBurstAndGrowsWithRequests) {
    RetryBudget budget(ResilienceOptions().budget(3, 0.5));
    EXPECT_TRUE(budget.full());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take());
    EXPECT_FALSE(budget.take());
    budget.add();
    EXPECT_FALSE(budget.take());
    budget.add();
    EXPECT_TRUE(budget.take());
    for (int i = 0; i < 100; ++i) budget.add();
    EXPECT_TRUE(budget.full());
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take());
    EXPECT_FALSE(budget.take()) << "it holds more than its burst";
}

struct Row {
    Kind kind;
    Phase phase;
    std::errc code;
    bool failure;
    bool unsent;      ///< repeated where nothing was sent
    bool idempotent;  ///< repeated where it was sent
};

constexpr auto kReset = std::errc::connection_reset;
constexpr Row kRows[] = {
    {Kind::kUnresolvable, Phase::kResolve, kReset, true, true, true},
    {Kind::kUnreachable, Phase::kConnect, kReset, true, true, true},
    {Kind::kProxy, Phase::kProxy, kReset, true, true, true},
    {Kind::kTls, Phase::kTls, kReset, true, true, true},
    {Kind::kTls, Phase::kTls, std::errc::protocol_error, true, false, false},
    {Kind::kTimeout, Phase::kConnect, kReset, true, true, true},
    {Kind::kTimeout, Phase::kWait, kReset, true, true, true},
    {Kind::kTimeout, Phase::kQueue, kReset, false, false, false},
    {Kind::kBusy, Phase::kQueue, kReset, false, false, false},
    {Kind::kBroken, Phase::kSend, kReset, true, true, true},
    {Kind::kBroken, Phase::kReceive, kReset, true, true, true},
    {Kind::kProtocol, Phase::kReceive, kReset, true, false, false},
    {Kind::kTooLarge, Phase::kReceive, kReset, false, false, false},
    {Kind::kRedirect, Phase::kReceive, kReset, false, false, false},
};

TEST(RetryPolicy, WhichErrors) {
    for (const Row& row : kRows) {
        const FetchError error = error_of(row.kind, row.phase, row.code);
        const int kind = static_cast<int>(row.kind);
        EXPECT_EQ(is_failure(error), row.failure) << kind;
        Exchange post(FetchRequest("http://h/").method("POST"), TimePoint());
        EXPECT_EQ(may_retry(post, &error), row.unsent) << kind;
        post.sent = true;
        EXPECT_FALSE(may_retry(post, &error)) << kind;
        Exchange get("http://h/", TimePoint());
        get.sent = true;
        EXPECT_EQ(may_retry(get, &error), row.idempotent) << kind;
    }
}

TEST(RetryPolicy, WhichStatuses) {
    for (const int status : {200, 304, 404, 429, 500, 501, 502, 503, 504, 505}) {
        const bool failure = status == 502 || status == 503 || status == 504;
        EXPECT_EQ(is_failure(status), failure) << status;
        for (const char* method : {"GET", "POST"}) {
            Exchange exchange(FetchRequest("http://h/").method(method), TimePoint());
            exchange.sent = true;
            ASSERT_TRUE(exchange.reader.feed("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n"));
            EXPECT_EQ(may_retry(exchange, nullptr), failure && method[0] == 'G') << method << status;
        }
    }
}

TEST(RetryPolicy, ProducersThatHaveBegun) {
    const FetchError error = error_of(Kind::kBroken, Phase::kSend);
    FetchRequest request("http://h/");
    request.method("PUT").body_from([](RequestBody&) -> Task<void> { co_return; });
    for (const bool repeatable : {false, true}) {
        Exchange exchange(request.repeatable(repeatable), TimePoint());
        EXPECT_TRUE(may_retry(exchange, &error));
        exchange.sent = exchange.produced = true;
        EXPECT_EQ(may_retry(exchange, &error), repeatable);
    }
}

TEST(RetryPolicy, RetryAfter) {
    const auto asked = [](std::string_view value) {
        http::Headers fields;
        fields.add("Retry-After", value);
        return retry_after(fields, 784111777 - 30);  // before the RFC's example of a date
    };
    EXPECT_EQ(asked("0"), 0s);
    EXPECT_EQ(asked("120"), 120s);
    EXPECT_EQ(asked("99999999999999999999999"), 24h * 366);
    EXPECT_EQ(asked("9223372036854775807"), 24h * 366);
    EXPECT_EQ(asked("Sun, 06 Nov 1994 08:49:37 GMT"), 30s);
    EXPECT_EQ(asked("Sun, 06 Nov 1994 08:00:00 GMT"), 0s) << "it has passed";
    for (const char* none : {"", "-1", "+1", "1.5", "1 2", "soon"}) EXPECT_EQ(asked(none), std::nullopt) << none;
    EXPECT_EQ(retry_after({}, 0), std::nullopt);
}

TEST(RetryPolicy, BackoffDoublesWithinItsLimitAndVaries) {
    const ResilienceOptions options = ResilienceOptions().backoff(100ms, 1s);
    std::minstd_rand random(1);
    constexpr Duration kFull[] = {100ms, 200ms, 400ms, 800ms, 1s, 1s};
    for (int made = 0; made < 6; ++made) {
        std::set<Duration> seen;
        for (int i = 0; i < 100; ++i) {
            const Duration wait = backoff(options, made, random);
            EXPECT_GE(wait, kFull[made] / 2);
            EXPECT_LE(wait, kFull[made]);
            seen.insert(wait);
        }
        EXPECT_GT(seen.size(), 90u);
    }
    EXPECT_EQ(backoff(ResilienceOptions().backoff(0s, 0s), 10, random), 0s);
}

TEST(ResilienceOptions, RefusesWhatMakesNoSense) {
    ResilienceOptions options;
    EXPECT_FALSE(options.enabled());
    EXPECT_THROW(options.retries(-1), std::invalid_argument);
    EXPECT_THROW(options.retries(11), std::invalid_argument);
    EXPECT_THROW(options.backoff(-1s, 1s), std::invalid_argument);
    EXPECT_THROW(options.backoff(2s, 1s), std::invalid_argument);
    EXPECT_THROW(options.max_retry_after(-1s), std::invalid_argument);
    EXPECT_THROW(options.budget(0, 0.1), std::invalid_argument);
    EXPECT_THROW(options.budget(1001, 0.1), std::invalid_argument);
    EXPECT_THROW(options.budget(1, -0.1), std::invalid_argument);
    EXPECT_THROW(options.budget(1, 1.1), std::invalid_argument);
    EXPECT_THROW(options.budget(1, std::numeric_limits<double>::quiet_NaN()), std::invalid_argument);
    EXPECT_THROW(options.hedge_after(-1s), std::invalid_argument);
    EXPECT_THROW(options.breaker_failures(-1), std::invalid_argument);
    EXPECT_THROW(options.breaker_failures(1001), std::invalid_argument);
    EXPECT_THROW(options.breaker_open_for(-1s), std::invalid_argument);
    EXPECT_THROW(options.breaker_probes(0), std::invalid_argument);
    EXPECT_THROW(options.breaker_probes(101), std::invalid_argument);
    EXPECT_FALSE(options.enabled()) << "a refused value was taken";
    EXPECT_TRUE(ResilienceOptions().retries(1).enabled());
    EXPECT_TRUE(ResilienceOptions().hedge_after(1ms).enabled());
    EXPECT_TRUE(ResilienceOptions().breaker_failures(1).enabled());
}

}  // namespace
}  // namespace caropig::client
