#include "client/exchange.h"
#include "client/scripted_upstream.h"
#include <caropig/testkit/test_loop.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;

/// What a server answers, and whether its connection may carry another request.
struct Row {
    const char* name;
    const char* method;
    const char* bytes;
    bool ends;            ///< the server closes after it
    const char* outcome;  ///< the body; or, after "!", a part of the error
    bool kept;
};

const Row kRows[] = {
    {"Length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "ok", true},
    {"EmptyBody", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, "", true},
    {"Chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false, "ok", true},
    {"ChunkedWithTrailers", "GET",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", false, "ok", true},
    {"Head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", false, "", true},
    {"HeadChunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, "", true},
    {"HeadWithABody", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "", false},
    {"NoContent", "GET", "HTTP/1.1 204 No Content\r\n\r\n", false, "", true},
    {"NoContentWithABody", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", false, "", false},
    {"NotModified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, "", true},
    {"Interim", "GET", "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "ok", true},
    {"ConnectionClose", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false, "ok",
     false},
    {"ConnectionCloseInAList", "GET", "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nok", false,
     "ok", false},
    {"Old", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, "ok", false},
    {"OldKeptAlive", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", false, "ok",
     true},
    {"UntilClose", "GET", "HTTP/1.1 200 OK\r\n\r\nok", true, "ok", false},
    {"BytesAfterTheEnd", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", false, "ok",
     false},
    {"AnswerAfterTheEnd", "GET",
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", false, "ok",
     false},
    {"ChunksAfterTheEnd", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n", false, "",
     false},
    {"TwoLengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", false,
     "!not valid HTTP", false},
    {"NegativeLength", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", false, "!not valid HTTP", false},
    {"SignedLength", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", false, "!not valid HTTP", false},
    {"HugeLength", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok", false, "!not valid HTTP",
     false},
    {"LengthAndChunked", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     false, "!not valid HTTP", false},
    {"BadChunkSize", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "!not valid HTTP",
     false},
    {"ChunkWithoutItsEnd", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokx", false,
     "!not valid HTTP", false},
    {"NoHttp", "GET", "SSH-2.0-OpenSSH\r\n", false, "!not valid HTTP", false},
    {"SpaceBeforeColon", "GET", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", false, "!not valid HTTP", false},
    {"FoldedField", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok", false, "!not valid HTTP",
     false},
    {"SwitchesUnasked", "GET", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", false, "!without having been asked",
     false},
    {"CutOffInTheBody", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", true, "!closed in the body", false},
    {"CutOffInAChunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok", true,
     "!closed in the body", false},
};

class Reuse : public ::testing::TestWithParam<Row> {
protected:
    Task<Connected> connect() {
        Connected connected;
        connected.stream = upstream.connect();
        co_return connected;
    }
    Task<std::string> fetch(FetchRequest request) {
        try {
            Response response = co_await fetch_through(pool, std::move(request));
            co_return std::move(response).body();
        } catch (const FetchError& error) {
            co_return "!" + std::string(error.what());
        }
    }

    testkit::TestLoop loop;
    ScriptedUpstream upstream{loop};
    Pool pool{loop, PoolOptions(), [this](Origin, FetchError::Phase&) { return connect(); }};
};

TEST_P(Reuse, OnlyCleanConnectionsAreKept) {
    const Row& row = GetParam();
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method(row.method)));
    upstream.deliver(row.bytes);
    loop.run_ready();
    if (row.ends) upstream.finish();
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    const std::string outcome = fetching.result();
    if (row.outcome[0] == '!') {
        EXPECT_EQ(outcome.substr(0, 1), "!") << outcome;
        EXPECT_NE(outcome.find(row.outcome + 1), std::string::npos) << outcome;
    } else {
        EXPECT_EQ(outcome, row.outcome);
    }
    EXPECT_EQ(upstream.open(), row.kept);
    EXPECT_EQ(pool.idle(), row.kept ? 1u : 0u);
    EXPECT_EQ(pool.open(), pool.idle());
}

TEST_P(Reuse, ByteByByteToo) {
    const Row& row = GetParam();
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method(row.method)));
    for (const char byte : std::string_view(row.bytes)) upstream.deliver(std::string(1, byte));
    loop.run_ready();
    if (row.ends) upstream.finish();
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    // What comes after the end comes to an idle connection, which does not survive it either.
    EXPECT_EQ(upstream.open(), row.kept);
    EXPECT_EQ(pool.open(), pool.idle());
}

INSTANTIATE_TEST_SUITE_P(All, Reuse, ::testing::ValuesIn(kRows),
                         [](const ::testing::TestParamInfo<Row>& info) { return std::string(info.param.name); });

class ReuseOne : public Reuse {};

TEST_F(ReuseOne, FloodOfInterimAnswers) {
    auto fetching = loop.start(fetch(FetchRequest("http://h/")));
    for (int i = 0; i < 17; ++i) upstream.deliver("HTTP/1.1 102 Processing\r\n\r\n");
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    EXPECT_NE(fetching.result().find("too many interim responses"), std::string::npos);
    EXPECT_FALSE(upstream.open());
}

TEST_F(ReuseOne, EarlyAnswerToAnUnsentBody) {
    upstream.send_blocks = true;
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body("never taken")));
    EXPECT_FALSE(fetching.done());
    upstream.deliver("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    loop.run_ready();
    ASSERT_TRUE(fetching.done()) << "it waited for the rest of the request to be sent";
    EXPECT_EQ(fetching.result(), "no");
    EXPECT_FALSE(upstream.open()) << "half a request was left on a kept connection";
}

TEST_F(ReuseOne, InterimAnswersDoNotEndSending) {
    upstream.send_blocks = true;
    auto fetching = loop.start(fetch(FetchRequest("http://h/").method("POST").body("never taken")));
    upstream.deliver("HTTP/1.1 102 Processing\r\n\r\n");
    loop.run_ready();
    EXPECT_FALSE(fetching.done());
    loop.advance(20s);
    ASSERT_TRUE(fetching.done());
    EXPECT_FALSE(upstream.open());
}

}  // namespace
}  // namespace caropig::client
