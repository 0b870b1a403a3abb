// What Tornado's SimpleHTTPClientTestMixin asks of its own client, with and without TLS; docs/internals/
// tornado_client_tests.md says which case is which.

#include "integration/tornado_client/peers.h"
#include <caropig/async/waiter.h>
#include <caropig/async/when_all.h>

#include <algorithm>
#include <vector>

namespace caropig::support {
namespace {

using namespace std::chrono_literals;
using client::FetchError;
using client::FetchRequest;
using client::Response;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Optional;

class Simple : public PeersTest {
public:
    static client::ClientOptions at_most(std::size_t connections) {
        client::ClientOptions options = client_options();
        options.pool.max_connections_per_origin(connections);
        return options;
    }
    /// Until so many requests for /trigger wait at the peer.
    Task<void> until_waiting(std::string count) {
        Response response;
        do {
            response = co_await observer.fetch(url("/waiting"));
        } while (response.body() != count);
    }
    Task<void> release() { co_await observer.fetch(url("/release")); }

    client::HttpClient observer{loop, client_options()};
};

TEST_P(Simple, IsTheOnlyOneOfItsLoop) {
    EXPECT_EQ(&loop.local<client::HttpClient>(), &loop.local<client::HttpClient>());
    Loop other;
    EXPECT_NE(&loop.local<client::HttpClient>(), &other.local<client::HttpClient>());
}

TEST_P(Simple, HasNoMoreConnectionsThanAllowed) {
    use(at_most(2));
    std::vector<Task<Response>> fetches;
    for (int i = 0; i < 4; ++i) fetches.push_back(http->fetch(url("/trigger")));
    auto watch = [](Simple& test) -> Task<void> {
        for (const std::size_t behind : {2U, 0U}) {
            co_await test.until_waiting("2");
            EXPECT_EQ(test.http->counts().open, 2U);
            EXPECT_EQ(test.http->counts().waiting, behind);
            co_await test.release();
        }
    };
    const auto [responses, nothing] = run(when_all(when_all(std::move(fetches)), watch(*this)));
    EXPECT_EQ(std::ranges::count(responses, "released", [](const Response& each) { return each.body(); }), 4);
}

TEST_P(Simple, NeedsNoMoreConnectionsToFollow) {
    use(at_most(1));
    EXPECT_EQ(body_of(FetchRequest(url("/countdown/3")).max_redirects(3)), "zero");
}

TEST_P(Simple, FollowsNoMoreThanAllowed) {
    const Response response = fetch(FetchRequest(url("/countdown/5")).max_redirects(3));
    EXPECT_EQ(response.status(), 302);
    EXPECT_EQ(response.url().path, "/countdown/2");
    EXPECT_THAT(response.headers().find("Location"), Optional(EndsWith("/countdown/1")));
}

TEST_P(Simple, SaysWhoItIs) { EXPECT_EQ(body_of(url("/field/User-Agent")), "CaroPig/0.1"); }

TEST_P(Simple, GetsWhereAPostIsSentOn) {
    for (const std::string status : {"302", "303"}) {
        const Response response = fetch(FetchRequest(url("/see_other")).method("POST").body(status));
        EXPECT_EQ(response.status(), 200);
        EXPECT_EQ(response.body(), "GET with 0 bytes");
        EXPECT_EQ(response.url().path, "/see_other");
    }
}

TEST_P(Simple, WaitsForAnAnswerAsLongAsAllowed) {
    const Outcome outcome = attempt(FetchRequest(url("/trigger")).total_timeout(100ms));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), FetchError::Kind::kTimeout);
    EXPECT_EQ(outcome.error->phase(), FetchError::Phase::kWait);
    run(release());
}

TEST_P(Simple, AsksForAHead) {
    const Response response = fetch(FetchRequest(url("/head")).method("HEAD"));
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.headers().find("Content-Length"), "7");
    EXPECT_EQ(response.body(), "");
}

TEST_P(Simple, AsksForOptions) {
    const Response response = fetch(FetchRequest(url("/options")).method("OPTIONS"));
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.headers().find("Content-Length"), "2");
    EXPECT_EQ(response.headers().find("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(response.body(), "ok");
}

TEST_P(Simple, TakesAnAnswerWithoutContent) {
    const Response response = fetch(url("/no_content"));
    EXPECT_EQ(response.status(), 204);
    EXPECT_EQ(response.headers().find("Content-Length"), std::nullopt);
}

TEST_P(Simple, NamesTheHost) { EXPECT_THAT(body_of(url("/field/Host")), MatchesRegex("127\\.0\\.0\\.1:[0-9]+")); }

TEST_P(Simple, WaitsInLineAsLongAsAllowed) {
    client::ClientOptions options = at_most(1);
    options.pool.queue_timeout(100ms);
    use(std::move(options));
    auto second = [](Simple& test) -> Task<void> {
        co_await test.until_waiting("1");
        try {
            co_await test.http->fetch(test.url("/hello"));
            ADD_FAILURE() << "it had a connection";
        } catch (const FetchError& error) {
            EXPECT_EQ(error.kind(), FetchError::Kind::kTimeout);
            EXPECT_EQ(error.phase(), FetchError::Phase::kQueue);
            EXPECT_THAT(error.what(), HasSubstr("queue_timeout"));
        }
        co_await test.release();
    };
    const auto [response, nothing] = run(when_all(http->fetch(url("/trigger")), second(*this)));
    EXPECT_EQ(response.body(), "released");
}

Task<void> produce(client::RequestBody& body) {
    co_await body.write("1234");
    co_await yield();
    co_await body.write("5678");
}

TEST_P(Simple, SendsWhatAProducerWrites) {
    EXPECT_EQ(body_of(FetchRequest(url("/echo")).method("POST").body_from(&produce)), "12345678");
    EXPECT_EQ(body_of(FetchRequest(url("/echo")).method("POST").body_from(&produce, 8)), "12345678");
}

TEST_P(Simple, WaitsForTheServerToAgree) {
    EXPECT_EQ(body_of(FetchRequest(url("/echo")).method("POST").body("1234").expect_continue(kPatience)), "1234");
}

TEST_P(Simple, StreamsTheLastAnswerOnly) {
    auto read = [](Simple& test) -> Task<std::string> {
        client::ResponseStream answer = co_await test.http->open(test.url("/redirect?url=/hello"));
        EXPECT_EQ(answer.status(), 200);
        EXPECT_EQ(answer.headers().find("Location"), std::nullopt);
        std::string body;
        for (std::string_view piece = co_await answer.read(); !piece.empty(); piece = co_await answer.read()) {
            body += piece;
        }
        co_return body;
    };
    EXPECT_EQ(run(read(*this)), "Hello world");
}

TEST_P(Simple, TakesAHeadOfSomeSize) {
    EXPECT_EQ(fetch(url("/filler?field=1000")).status(), 200);
    const Outcome outcome = attempt(url("/filler?field=70000"));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), FetchError::Kind::kTooLarge);
}

TEST_P(Simple, TakesABodyOfSomeSize) {
    constexpr std::size_t kLimit = 65536;
    auto ask = [&](std::size_t size) {
        return attempt(FetchRequest(url("/filler?body=" + std::to_string(size))).max_response_bytes(kLimit));
    };
    const Outcome small = ask(kLimit);
    ASSERT_TRUE(small.response);
    EXPECT_EQ(small.response->body(), std::string(kLimit, 'y'));
    const Outcome large = ask(kLimit + 1);
    ASSERT_TRUE(large.error);
    EXPECT_EQ(large.error->kind(), FetchError::Kind::kTooLarge);
    EXPECT_EQ(body_of(url("/filler?body=100000")).size(), 100000U);
}

INSTANTIATE_TEST_SUITE_P(Peers, Simple, all_peers(), name_of);

}  // namespace
}  // namespace caropig::support
