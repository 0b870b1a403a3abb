#include "client/exchange.h"
#include "client/faulty_server.h"
#include <caropig/testkit/test_loop.h>

#include <optional>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

struct Row {
    Fault fault;
    const char* name;
    Kind kind;
    Phase phase;
    bool repeated_if_idempotent;  ///< on a connection that was kept
    bool repeated_always;         ///< likewise: not a byte was taken
};

constexpr Row kRows[] = {
    {Fault::kConnectRefused, "ConnectRefused", Kind::kUnreachable, Phase::kConnect, false, false},
    {Fault::kConnectHangs, "ConnectHangs", Kind::kTimeout, Phase::kConnect, false, false},
    {Fault::kSendFailsUnsent, "SendFailsUnsent", Kind::kBroken, Phase::kSend, true, true},
    {Fault::kSendFailsPartly, "SendFailsPartly", Kind::kBroken, Phase::kSend, true, false},
    {Fault::kSendHangs, "SendHangs", Kind::kTimeout, Phase::kSend, false, false},
    {Fault::kWaitCloses, "WaitCloses", Kind::kBroken, Phase::kWait, true, false},
    {Fault::kWaitResets, "WaitResets", Kind::kBroken, Phase::kWait, true, false},
    {Fault::kWaitHangs, "WaitHangs", Kind::kTimeout, Phase::kWait, false, false},
    {Fault::kHeadCloses, "HeadCloses", Kind::kBroken, Phase::kReceive, false, false},
    {Fault::kHeadResets, "HeadResets", Kind::kBroken, Phase::kReceive, false, false},
    {Fault::kHeadHangs, "HeadHangs", Kind::kTimeout, Phase::kReceive, false, false},
    {Fault::kBodyCloses, "BodyCloses", Kind::kBroken, Phase::kReceive, false, false},
    {Fault::kBodyResets, "BodyResets", Kind::kBroken, Phase::kReceive, false, false},
    {Fault::kBodyHangs, "BodyHangs", Kind::kTimeout, Phase::kReceive, false, false},
};

bool connects(Fault fault) { return fault == Fault::kConnectRefused || fault == Fault::kConnectHangs; }

struct Outcome {
    std::optional<Response> response;
    std::optional<FetchError> error;
    bool cancelled = false;
};

class FaultTest : public ::testing::Test {
protected:
    Task<Outcome> fetch(FetchRequest request) {
        Outcome outcome;
        try {
            outcome.response = co_await fetch_through(pool, std::move(request));
        } catch (const FetchError& error) {
            outcome.error = error;
        } catch (const Cancelled&) {
            outcome.cancelled = true;
        }
        co_return outcome;
    }
    void keep_a_connection() {
        auto warming = loop.start(fetch("http://h/warm"));
        ASSERT_TRUE(warming.done());
        ASSERT_EQ(pool.idle(), 1u);
        server.requests.clear();
    }
    static FetchRequest request(int which) {
        FetchRequest made("http://h/");
        if (which != 0) made.method("POST").body("a body");
        if (which == 2) made.idempotent(true);
        return made;
    }

    testkit::TestLoop loop;
    FaultyServer server{loop};
    Pool pool{loop, PoolOptions(),
              [this](Origin origin, Phase& phase) { return server.connect(std::move(origin), phase); }};
};

/// Fault × (fresh or kept connection) × (GET, POST with a body, POST that is called idempotent).
class FaultMatrix : public FaultTest, public ::testing::WithParamInterface<std::tuple<Row, bool, int>> {};

TEST_P(FaultMatrix, OutcomeIsAsDocumented) {
    const auto& [row, kept, which] = GetParam();
    if (kept && connects(row.fault)) return;  // nothing is connected
    if (kept) keep_a_connection();
    server.faults = {row.fault};
    auto fetching = loop.start(fetch(request(which)));
    if (row.kind == Kind::kTimeout) {
        EXPECT_FALSE(fetching.done());
        loop.advance(20s);
    }
    ASSERT_TRUE(fetching.done());
    const Outcome outcome = fetching.result();
    const bool idempotent = which != 1;
    const bool repeated = kept && (row.repeated_always || (idempotent && row.repeated_if_idempotent));
    if (repeated) {
        ASSERT_TRUE(outcome.response.has_value()) << outcome.error->what();
        EXPECT_EQ(outcome.response->body(), "good");
        EXPECT_EQ(server.connections, 2) << "it must be repeated on a new connection";
        EXPECT_TRUE(server.requests.back().ends_with(which == 0 ? "\r\n\r\n" : "\r\n\r\na body"));
        EXPECT_EQ(pool.idle(), 1u);
    } else {
        ASSERT_TRUE(outcome.error.has_value());
        EXPECT_EQ(outcome.error->kind(), row.kind) << outcome.error->what();
        EXPECT_EQ(outcome.error->phase(), row.phase) << outcome.error->what();
        EXPECT_NE(std::string(outcome.error->what()).find("http://h"), std::string::npos);
        EXPECT_EQ(server.open, 0) << "a broken connection was kept";
        EXPECT_EQ(pool.open(), 0u);
    }
    EXPECT_LE(server.requests.size(), idempotent ? 2u : 1u) << "sent twice";

    // The pool is right: the next fetch works.
    auto next = loop.start(fetch("http://h/"));
    ASSERT_TRUE(next.done());
    EXPECT_TRUE(next.result().response.has_value());
    EXPECT_EQ(pool.open(), pool.idle());
    EXPECT_EQ(static_cast<std::size_t>(server.open), pool.open());
}

TEST_P(FaultMatrix, RepeatedOnlyOnce) {
    const auto& [row, kept, which] = GetParam();
    if (!kept || connects(row.fault) || row.kind == Kind::kTimeout) return;
    keep_a_connection();
    server.faults = {row.fault, row.fault, row.fault};
    auto fetching = loop.start(fetch(request(which)));
    ASSERT_TRUE(fetching.done());
    EXPECT_TRUE(fetching.result().error.has_value());
    EXPECT_LE(server.connections, 2);
    EXPECT_EQ(server.open, 0);
}

TEST_P(FaultMatrix, CancelledWhereItHangs) {
    const auto& [row, kept, which] = GetParam();
    if (row.kind != Kind::kTimeout || (kept && connects(row.fault))) return;
    if (kept) keep_a_connection();
    server.faults = {row.fault};
    auto fetching = loop.start(fetch(request(which)));
    ASSERT_FALSE(fetching.done());
    fetching.cancel();
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    EXPECT_TRUE(fetching.result().cancelled);
    EXPECT_EQ(server.open, 0);
    EXPECT_EQ(pool.open(), 0u);
}

// An old server, which does not answer Expect, has the head by then.
TEST_F(FaultTest, HeadThatWasSentIsPartOfTheRequest) {
    keep_a_connection();
    server.faults = {Fault::kWaitHangs, Fault::kSendFailsUnsent};
    auto fetching = loop.start(fetch(request(1).expect_continue(1s)));
    ASSERT_EQ(server.requests.size(), 1u);
    loop.advance(1s);
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result().error.value().kind(), Kind::kBroken);
    EXPECT_EQ(server.requests.size(), 1u) << "sent twice";
    EXPECT_EQ(pool.open(), 0u);
}

std::string row_name(const ::testing::TestParamInfo<std::tuple<Row, bool, int>>& info) {
    const auto& [row, kept, which] = info.param;
    return std::string(row.name) + (kept ? "Kept" : "Fresh") + (which == 0 ? "Get" : which == 1 ? "Post" : "SafePost");
}

INSTANTIATE_TEST_SUITE_P(All, FaultMatrix,
                         ::testing::Combine(::testing::ValuesIn(kRows), ::testing::Bool(), ::testing::Values(0, 1, 2)),
                         row_name);

}  // namespace
}  // namespace caropig::client
