#include "client/pool.h"

#include "client/exchange.h"
#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/test_loop.h>

#include <list>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

/// Servers of all origins, in the hands of the test: the other ends of the connections, in the order of their opening.
class PoolTest : public ::testing::Test {
protected:
    struct Peer {
        std::string origin;
        std::unique_ptr<net::Stream> stream;
    };

    Task<Connected> connect(Origin origin, Phase& phase) {
        phase = Phase::kConnect;
        if (connect_delay != 0s) co_await sleep_for(connect_delay);
        if (refuse) throw IoError(errno_code(ECONNREFUSED), "connect");
        auto [ours, theirs] = net::memory_pipe(loop);
        peers.push_back({origin.text(), std::move(theirs)});
        Connected connected;
        connected.stream = std::move(ours);
        co_return connected;
    }

    void make(PoolOptions options) {
        pool.emplace(loop, options, [this](Origin origin, Phase& phase) { return connect(std::move(origin), phase); });
    }

    Task<std::string> fetch(FetchRequest request) {
        try {
            const Response response = co_await fetch_through(*pool, std::move(request));
            co_return response.body();
        } catch (const FetchError& error) {
            co_return error.what();
        } catch (const Cancelled&) {
            co_return "cancelled";
        }
    }

    Task<void> answer_task(net::Stream& stream, std::string text) {
        char buffer[4096];
        co_await stream.read_some(std::as_writable_bytes(std::span(buffer)));
        co_await stream.write(as_bytes(text));
    }
    /// The n-th connection reads a request and answers.
    void answer(std::size_t n, std::string body) {
        auto answering = loop.start(
            answer_task(*peers.at(n).stream,
                        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
        EXPECT_TRUE(answering.done());
        loop.run_ready();
    }

    testkit::TestLoop loop;
    std::vector<Peer> peers;
    std::optional<Pool> pool;
    Duration connect_delay{};
    bool refuse = false;
};

TEST_F(PoolTest, ConnectionIsUsedAgain) {
    make({});
    for (const std::string body : {"one", "two", "three"}) {
        auto fetching = loop.start(fetch("http://a/"));
        answer(0, body);
        ASSERT_TRUE(fetching.done());
        EXPECT_EQ(fetching.result(), body);
        EXPECT_EQ(pool->idle(), 1u);
    }
    EXPECT_EQ(peers.size(), 1u);
}

TEST_F(PoolTest, OriginsHaveTheirOwn) {
    make({});
    std::size_t n = 0;
    for (const std::string url : {"http://a/", "http://a:81/", "http://b/"}) {
        auto fetching = loop.start(fetch(url));
        answer(n++, "x");
        ASSERT_TRUE(fetching.done());
    }
    ASSERT_EQ(peers.size(), 3u);
    EXPECT_EQ(peers[1].origin, "http://a:81");
    EXPECT_EQ(pool->idle(), 3u);
}

TEST_F(PoolTest, LastUsedGoesFirst) {
    make({});
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    answer(0, "0");
    answer(1, "1");
    auto third = loop.start(fetch("http://a/"));
    answer(1, "again");
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.result(), "again");
}

TEST_F(PoolTest, IdleConnectionEndsAfterItsTime) {
    make(PoolOptions().idle_timeout(5s));
    auto fetching = loop.start(fetch("http://a/"));
    answer(0, "x");
    loop.advance(5s - 1ms);
    EXPECT_EQ(pool->idle(), 1u);
    loop.advance(1ms);
    EXPECT_EQ(pool->idle(), 0u);
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, KeepsOnlySoManyIdle) {
    make(PoolOptions().max_idle_per_origin(2));
    std::list<testkit::Started<std::string>> fetches;
    for (int i = 0; i < 4; ++i) fetches.push_back(loop.start(fetch("http://a/")));
    for (std::size_t i = 0; i < 4; ++i) answer(i, "x");
    EXPECT_EQ(pool->idle(), 2u);
    EXPECT_EQ(pool->open(), 2u);
    auto again = loop.start(fetch("http://a/"));
    answer(3, "the last");
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.result(), "the last");
}

TEST_F(PoolTest, KeepsNoneWhereNoneIsWanted) {
    make(PoolOptions().max_idle_per_origin(0));
    auto fetching = loop.start(fetch("http://a/"));
    answer(0, "x");
    EXPECT_TRUE(fetching.done());
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, IdleConnectionThatIsClosedGoesAtOnce) {
    make({});
    auto fetching = loop.start(fetch("http://a/"));
    answer(0, "x");
    peers[0].stream->close();
    loop.run_ready();
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, IdleConnectionThatSpeaksGoesAtOnce) {
    make({});
    auto fetching = loop.start(fetch("http://a/"));
    answer(0, "x");
    auto speaking = loop.start(peers[0].stream->write(as_bytes(std::string_view("HTTP/1.1 408 X\r\n\r\n"))));
    loop.run_ready();
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, LineIsFirstComeFirstServed) {
    make(PoolOptions().max_connections_per_origin(1));
    std::list<testkit::Started<std::string>> fetches;
    for (int i = 0; i < 4; ++i) fetches.push_back(loop.start(fetch("http://a/")));
    EXPECT_EQ(pool->waiting(), 3u);
    for (auto& fetching : fetches) {
        answer(0, "x");
        EXPECT_TRUE(fetching.done());
    }
    EXPECT_EQ(peers.size(), 1u);
    EXPECT_EQ(pool->idle(), 1u);
}

TEST_F(PoolTest, LineHasADeadline) {
    make(PoolOptions().max_connections_per_origin(1).queue_timeout(3s));
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    loop.advance(3s);
    ASSERT_TRUE(second.done());
    EXPECT_EQ(second.result(), "fetch http://a: the queue_timeout of 3 s passed while all connections were in use");
    EXPECT_EQ(pool->waiting(), 0u);
    answer(0, "x");
    EXPECT_TRUE(first.done());
}

TEST_F(PoolTest, TotalTimeoutSpansTheLine) {
    make(PoolOptions().max_connections_per_origin(1).queue_timeout(0s));
    auto first = loop.start(fetch(FetchRequest("http://a/").total_timeout(0s)));
    auto second = loop.start(fetch("http://a/"));
    loop.advance(20s);
    ASSERT_TRUE(second.done());
    EXPECT_EQ(second.result(), "fetch http://a: the total_timeout of 20 s passed while waiting for a connection");
}

TEST_F(PoolTest, LineIsBounded) {
    make(PoolOptions().max_connections_per_origin(1).max_waiting(1));
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    auto third = loop.start(fetch("http://a/"));
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.result(), "fetch http://a: 1 fetches wait for a connection already");
}

TEST_F(PoolTest, CancelledInTheLineGivesWay) {
    make(PoolOptions().max_connections_per_origin(1));
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    auto third = loop.start(fetch("http://a/"));
    second.cancel();
    loop.run_ready();
    EXPECT_EQ(second.result(), "cancelled");
    answer(0, "x");
    answer(0, "y");
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.result(), "y");
}

TEST_F(PoolTest, CancelledWhenItsTurnHadComePassesItOn) {
    make(PoolOptions().max_connections_per_origin(1));
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    auto third = loop.start(fetch("http://a/"));
    first.cancel();   // its place is granted to the second,
    second.cancel();  // which goes away in the same round
    loop.run_ready();
    EXPECT_EQ(second.result(), "cancelled");
    ASSERT_FALSE(third.done());
    answer(peers.size() - 1, "x");
    ASSERT_TRUE(third.done());
    EXPECT_EQ(third.result(), "x");
}

TEST_F(PoolTest, CancelledFetchLetsTheNextOpenAnother) {
    make(PoolOptions().max_connections_per_origin(1));
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    first.cancel();
    loop.run_ready();
    EXPECT_EQ(peers.size(), 2u);
    answer(1, "x");
    ASSERT_TRUE(second.done());
}

TEST_F(PoolTest, FailedConnectLetsTheNextTry) {
    make(PoolOptions().max_connections_per_origin(1));
    connect_delay = 1s;
    refuse = true;
    auto first = loop.start(fetch("http://a/"));
    auto second = loop.start(fetch("http://a/"));
    loop.advance(1s);
    ASSERT_TRUE(first.done());
    EXPECT_FALSE(second.done());
    loop.advance(1s);
    ASSERT_TRUE(second.done());
    EXPECT_EQ(second.result(), "fetch http://a: connect: Connection refused");
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, CancelledWhileConnectingFreesThePlace) {
    make(PoolOptions().max_connections_per_origin(1));
    connect_delay = 1s;
    auto first = loop.start(fetch("http://a/"));
    first.cancel();
    loop.run_ready();
    EXPECT_EQ(first.result(), "cancelled");
    EXPECT_EQ(pool->open(), 0u);
}

TEST_F(PoolTest, TotalLimitClosesWhatIsUnusedLongest) {
    make(PoolOptions().max_connections(2));
    auto a = loop.start(fetch("http://a/"));
    answer(0, "x");
    loop.advance(1s);
    auto b = loop.start(fetch("http://b/"));
    answer(1, "x");
    auto c = loop.start(fetch("http://c/"));
    answer(2, "x");
    ASSERT_TRUE(c.done());
    EXPECT_EQ(pool->open(), 2u);
    auto again = loop.start(fetch("http://b/"));
    answer(1, "kept");
    ASSERT_TRUE(again.done());
    EXPECT_EQ(again.result(), "kept");
}

TEST_F(PoolTest, OriginsTakeTurnsAtTheTotalLimit) {
    make(PoolOptions().max_connections(1));
    auto a1 = loop.start(fetch("http://a/"));
    auto a2 = loop.start(fetch("http://a/"));
    auto a3 = loop.start(fetch("http://a/"));
    auto b1 = loop.start(fetch("http://b/"));
    answer(0, "a1");
    ASSERT_EQ(peers.size(), 2u);
    answer(1, "a2");
    EXPECT_TRUE(a2.done());
    EXPECT_FALSE(a3.done());
    ASSERT_EQ(peers.size(), 3u);
    EXPECT_EQ(peers[2].origin, "http://b");
    answer(2, "b1");
    EXPECT_TRUE(b1.done());
    ASSERT_EQ(peers.size(), 4u);
    answer(3, "a3");
    EXPECT_TRUE(a3.done());
    EXPECT_EQ(pool->open(), 1u);
}

TEST(PoolOptionsTest, RefuseWhatMakesNoSense) {
    EXPECT_THROW(PoolOptions().max_connections(0), std::invalid_argument);
    EXPECT_THROW(PoolOptions().max_connections_per_origin(0), std::invalid_argument);
    EXPECT_THROW(PoolOptions().idle_timeout(-1s), std::invalid_argument);
    EXPECT_THROW(PoolOptions().queue_timeout(-1s), std::invalid_argument);
}

}  // namespace
}  // namespace caropig::client
