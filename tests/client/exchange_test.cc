#include "client/exchange.h"

#include "client/scripted_upstream.h"
#include <caropig/loop/timer.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What a fetch of a test ended with.
struct Outcome {
    std::optional<Response> response;
    std::optional<FetchError> error;
    bool cancelled = false;
};

class FetchThrough : public ::testing::Test {
protected:
    /// Fetches from `upstream`, to which connecting takes as long as the two delays say.
    Task<Outcome> fetch(FetchRequest request) {
        Outcome outcome;
        try {
            outcome.response = co_await fetch_through(pool, std::move(request));
        } catch (const FetchError& error) {
            outcome.error = error;
            open_at_end = upstream.open();
        } catch (const Cancelled&) {
            outcome.cancelled = true;
            open_at_end = upstream.open();
        }
        co_return outcome;
    }

    Task<Connected> connect_slowly(Origin, Phase& phase) {
        if (resolve_delay != 0s) co_await sleep_for(resolve_delay);
        if (resolve_error) throw IoError(errno_code(*resolve_error), "resolve example.com");
        phase = Phase::kConnect;
        if (connect_delay != 0s) co_await sleep_for(connect_delay);
        if (connect_error) throw IoError(errno_code(*connect_error), "connect to example.com:80");
        Connected connected;
        connected.stream = upstream.connect();
        connected.absolute_target = by_proxy;
        if (by_proxy) connected.proxy_authorization = "Basic bWU6cHc=";
        co_return connected;
    }

    void expect_error(testkit::Started<Outcome>& fetching, Kind kind, Phase phase, std::string_view line) {
        ASSERT_TRUE(fetching.done());
        const Outcome outcome = fetching.result();
        ASSERT_TRUE(outcome.error.has_value());
        EXPECT_EQ(outcome.error->kind(), kind);
        EXPECT_EQ(outcome.error->phase(), phase);
        EXPECT_EQ(outcome.error->what(), "fetch http://example.com: " + std::string(line));
        EXPECT_FALSE(open_at_end) << "the connection outlived the fetch";
    }
    void expect_ok(testkit::Started<Outcome>& fetching) {
        ASSERT_TRUE(fetching.done());
        const Outcome outcome = fetching.result();
        ASSERT_TRUE(outcome.response.has_value()) << outcome.error->what();
        EXPECT_EQ(outcome.response->body(), "ok");
        EXPECT_EQ(pool.open(), pool.idle()) << "the fetch has kept its place";
    }

    testkit::TestLoop loop;
    ScriptedUpstream upstream{loop};
    Pool pool{loop, PoolOptions(),
              [this](Origin origin, Phase& phase) { return connect_slowly(std::move(origin), phase); }};
    Duration resolve_delay{};
    Duration connect_delay{};
    std::optional<int> resolve_error;
    std::optional<int> connect_error;
    bool by_proxy = false;
    bool open_at_end = false;
    const FetchRequest request{"http://example.com/path?q=1"};
};

TEST_F(FetchThrough, SendsRequestAndTakesResponse) {
    auto fetching = loop.start(fetch(request));
    EXPECT_FALSE(fetching.done());
    EXPECT_EQ(upstream.sent(), "GET /path?q=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: CaroPig/0.1\r\n\r\n");
    upstream.deliver(std::string(kOk));
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, SendsBodyAndFields) {
    auto fetching = loop.start(fetch(FetchRequest("http://example.com:8080/")
                                         .method("PUT")
                                         .header("Host", "other.example")
                                         .header("User-Agent", "me")
                                         .header("Content-Type", "text/plain")
                                         .body("hello")));
    EXPECT_EQ(upstream.sent(),
              "PUT / HTTP/1.1\r\nHost: other.example\r\nUser-Agent: me\r\nContent-Type: text/plain\r\n"
              "Content-Length: 5\r\n\r\nhello");
    upstream.deliver(std::string(kOk));
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, ProxyIsToldTheWholeUrl) {
    by_proxy = true;
    for (int i = 0; i < 2; ++i) {  // on a new connection, and on one that was kept
        auto fetching = loop.start(fetch(FetchRequest("http://example.com:8080/path?q=1").header("User-Agent", "me")));
        EXPECT_EQ(upstream.sent().substr(upstream.sent().rfind("GET")),
                  "GET http://example.com:8080/path?q=1 HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent: me\r\n"
                  "Proxy-Authorization: Basic bWU6cHc=\r\n\r\n");
        upstream.deliver(std::string(kOk));
        loop.run_ready();
        expect_ok(fetching);
    }
}

TEST_F(FetchThrough, PostWithoutBodySaysSo) {
    auto fetching = loop.start(fetch(FetchRequest(request).method("POST")));
    EXPECT_NE(upstream.sent().find("\r\nContent-Length: 0\r\n"), std::string::npos);
    upstream.deliver(std::string(kOk));
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, TakesResponseInAnyPieces) {
    const std::string response =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n";
    for (std::size_t cut = 1; cut < response.size(); ++cut) {
        auto fetching = loop.start(fetch(request));
        upstream.deliver(response.substr(0, cut));
        upstream.deliver(response.substr(cut));
        loop.run_ready();
        expect_ok(fetching);
    }
    auto fetching = loop.start(fetch(request));
    for (char byte : response) upstream.deliver(std::string(1, byte));
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, ResponseUntilCloseEndsWithTheConnection) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.0 200 OK\r\n\r\no");
    upstream.deliver("k");
    loop.run_ready();
    EXPECT_FALSE(fetching.done());
    upstream.finish();
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, HeadDoesNotWaitForABody) {
    auto fetching = loop.start(fetch(FetchRequest(request).method("HEAD")));
    upstream.deliver("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    EXPECT_EQ(fetching.result().response->body(), "");
}

TEST_F(FetchThrough, ErrorStatusAndRedirectAreValues) {
    for (const int status : {302, 404, 503}) {
        auto fetching = loop.start(fetch(FetchRequest(request).max_redirects(0)));
        upstream.deliver("HTTP/1.1 " + std::to_string(status) + " X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        loop.run_ready();
        ASSERT_TRUE(fetching.done());
        EXPECT_EQ(fetching.result().response->status(), status);
    }
}

// The upstream dies at each step.

TEST_F(FetchThrough, NameWithoutAddress) {
    resolve_error = EINVAL;
    auto fetching = loop.start(fetch(request));
    expect_error(fetching, Kind::kUnresolvable, Phase::kResolve, "resolve example.com: Invalid argument");
}

TEST_F(FetchThrough, ConnectionRefused) {
    connect_error = ECONNREFUSED;
    auto fetching = loop.start(fetch(request));
    expect_error(fetching, Kind::kUnreachable, Phase::kConnect, "connect to example.com:80: Connection refused");
}

TEST_F(FetchThrough, KernelGivesUpConnecting) {
    connect_error = ETIMEDOUT;
    auto fetching = loop.start(fetch(request));
    expect_error(fetching, Kind::kTimeout, Phase::kConnect, "connect to example.com:80: Connection timed out");
}

TEST_F(FetchThrough, ResetWhileSending) {
    upstream.send_error = ECONNRESET;
    auto fetching = loop.start(fetch(request));
    upstream.finish();
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kSend,
                 "the connection broke while sending the request: Connection reset by peer");
}

TEST_F(FetchThrough, AnswerBeforeTheRequestWasReadIsHeard) {
    upstream.send_error = EPIPE;
    auto fetching = loop.start(fetch(FetchRequest(request).method("POST").body(std::string(100000, 'x'))));
    upstream.deliver("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n");
    upstream.deliver("no");
    upstream.fail(ECONNRESET);
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    const Outcome outcome = fetching.result();
    ASSERT_TRUE(outcome.response.has_value());
    EXPECT_EQ(outcome.response->status(), 413);
    EXPECT_EQ(outcome.response->body(), "no");
}

TEST_F(FetchThrough, ClosedBeforeAnyByte) {
    auto fetching = loop.start(fetch(request));
    upstream.finish();
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kWait, "the connection was closed before the response");
}

TEST_F(FetchThrough, ResetBeforeAnyByte) {
    auto fetching = loop.start(fetch(request));
    upstream.fail(ECONNRESET);
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kWait,
                 "the connection broke while waiting for the response: Connection reset by peer");
}

TEST_F(FetchThrough, ClosedInTheHead) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200 OK\r\nContent-");
    upstream.finish();
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kReceive, "the connection was closed in the head of the response");
}

TEST_F(FetchThrough, ClosedInTheBody) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
    upstream.finish();
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kReceive,
                 "the connection was closed in the body of the response, after 3 bytes");
}

TEST_F(FetchThrough, ClosedInAChunk) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    upstream.finish();
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kReceive,
                 "the connection was closed in the body of the response, after 3 bytes");
}

TEST_F(FetchThrough, ResetInsteadOfTheEnd) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.0 200 OK\r\n\r\nhel");
    upstream.fail(ECONNRESET);
    loop.run_ready();
    expect_error(fetching, Kind::kBroken, Phase::kReceive,
                 "the connection broke while receiving the response: Connection reset by peer");
}

TEST_F(FetchThrough, TooLargeEndsAtOnce) {
    auto fetching = loop.start(fetch(FetchRequest(request).max_response_bytes(5)));
    upstream.deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n");
    loop.run_ready();
    EXPECT_FALSE(fetching.done());
    upstream.deliver("abcdef");
    loop.run_ready();
    expect_error(fetching, Kind::kTooLarge, Phase::kReceive,
                 "the response is too large: its body has more than 5 bytes");
}

// Deadlines, in each phase.

TEST_F(FetchThrough, ConnectTimeoutWhileResolving) {
    resolve_delay = 1h;
    auto fetching = loop.start(fetch(FetchRequest(request).connect_timeout(500ms)));
    loop.advance(499ms);
    EXPECT_FALSE(fetching.done());
    loop.advance(1ms);
    expect_error(fetching, Kind::kTimeout, Phase::kResolve,
                 "the connect_timeout of 0.5 s passed while resolving the name");
}

TEST_F(FetchThrough, ConnectTimeoutSpansResolvingAndConnecting) {
    resolve_delay = 3s;
    connect_delay = 1h;
    auto fetching = loop.start(fetch(FetchRequest(request).connect_timeout(5s)));
    loop.advance(5s - 1ms);
    EXPECT_FALSE(fetching.done());
    loop.advance(1ms);
    expect_error(fetching, Kind::kTimeout, Phase::kConnect, "the connect_timeout of 5 s passed while connecting");
}

TEST_F(FetchThrough, ConnectTimeoutEndsWithTheConnection) {
    connect_delay = 4s;
    auto fetching = loop.start(fetch(FetchRequest(request).connect_timeout(5s)));
    loop.advance(15s);
    EXPECT_FALSE(fetching.done());
    upstream.deliver(std::string(kOk));
    loop.run_ready();
    expect_ok(fetching);
}

TEST_F(FetchThrough, TotalTimeoutWhileConnecting) {
    connect_delay = 1h;
    auto fetching = loop.start(fetch(FetchRequest(request).connect_timeout(0s).total_timeout(7s)));
    loop.advance(7s);
    expect_error(fetching, Kind::kTimeout, Phase::kConnect, "the total_timeout of 7 s passed while connecting");
}

TEST_F(FetchThrough, TotalTimeoutWhileSending) {
    upstream.send_blocks = true;
    auto fetching = loop.start(fetch(request));
    loop.advance(20s);
    expect_error(fetching, Kind::kTimeout, Phase::kSend, "the total_timeout of 20 s passed while sending the request");
}

TEST_F(FetchThrough, TotalTimeoutWhileWaiting) {
    auto fetching = loop.start(fetch(request));
    loop.advance(20s - 1ms);
    EXPECT_FALSE(fetching.done());
    EXPECT_TRUE(upstream.open());
    loop.advance(1ms);
    expect_error(fetching, Kind::kTimeout, Phase::kWait,
                 "the total_timeout of 20 s passed while waiting for the response");
}

TEST_F(FetchThrough, TotalTimeoutWhileReceivingThoughBytesTrickleIn) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.0 200 OK\r\n\r\n");
    for (int i = 0; i < 19; ++i) {
        loop.advance(1s);
        upstream.deliver("x");
    }
    EXPECT_FALSE(fetching.done());
    loop.advance(1s);
    expect_error(fetching, Kind::kTimeout, Phase::kReceive,
                 "the total_timeout of 20 s passed while receiving the response");
}

TEST_F(FetchThrough, ZeroMeansNoLimit) {
    connect_delay = 1h;
    auto fetching = loop.start(fetch(FetchRequest(request).connect_timeout(0s).total_timeout(0s)));
    loop.advance(2h);
    EXPECT_FALSE(fetching.done());
    upstream.deliver(std::string(kOk));
    loop.run_ready();
    expect_ok(fetching);
}

// Cancellation, at each step.

class FetchCancelled : public FetchThrough {
protected:
    void cancel(testkit::Started<Outcome>& fetching) {
        ASSERT_FALSE(fetching.done());
        fetching.cancel();
        loop.run_ready();
        ASSERT_TRUE(fetching.done());
        EXPECT_TRUE(fetching.result().cancelled);
        EXPECT_FALSE(open_at_end) << "Cancelled came before the connection was closed";
    }
};

TEST_F(FetchCancelled, WhileResolving) {
    resolve_delay = 1h;
    auto fetching = loop.start(fetch(request));
    cancel(fetching);
}

TEST_F(FetchCancelled, WhileConnecting) {
    connect_delay = 1h;
    auto fetching = loop.start(fetch(request));
    cancel(fetching);
}

TEST_F(FetchCancelled, WhileSending) {
    upstream.send_blocks = true;
    auto fetching = loop.start(fetch(request));
    EXPECT_TRUE(upstream.open());
    cancel(fetching);
}

TEST_F(FetchCancelled, WhileWaiting) {
    auto fetching = loop.start(fetch(request));
    EXPECT_TRUE(upstream.open());
    cancel(fetching);
}

TEST_F(FetchCancelled, InTheHead) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200");
    loop.run_ready();
    cancel(fetching);
}

TEST_F(FetchCancelled, InTheBody) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
    loop.run_ready();
    cancel(fetching);
}

TEST_F(FetchCancelled, InTheRoundInWhichBytesArrive) {
    auto fetching = loop.start(fetch(request));
    upstream.deliver("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
    cancel(fetching);
}

}  // namespace
}  // namespace caropig::client
