#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

TEST(ServerDeadlines, ClosesIdleConnectionAfterKeepAliveTimeout) {
    Talk talk(ServerOptions().keep_alive_timeout(5s));
    talk.client.send(get("/hello"));
    talk.client.forget_received();
    talk.loop.advance(5s - 1ms);
    EXPECT_FALSE(talk.client.served());
    talk.loop.advance(1ms);
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(talk.client.received(), "") << "nobody asked: nobody is answered";
}

TEST(ServerDeadlines, EachRequestRenewsKeepAlive) {
    Talk talk(ServerOptions().keep_alive_timeout(5s));
    for (int i = 0; i < 5; ++i) {
        talk.client.send(get("/hello"));
        talk.loop.advance(4s);
    }
    EXPECT_EQ(talk.client.answers().size(), 5u);
    talk.loop.advance(1s);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerDeadlines, ASlowHeadIsCutOffHoweverItDrips) {
    support::CapturedLog log;
    Talk talk(ServerOptions().header_timeout(10s));
    talk.client.send("GET /hello HTTP/1.1\r\nX: ");
    for (int second = 1; second < 10; ++second) {
        talk.loop.advance(1s);
        talk.client.send("x");
    }
    EXPECT_EQ(talk.client.received(), "");
    talk.loop.advance(1s);
    EXPECT_EQ(talk.client.answers().at(0).status, 408);
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerDeadlines, ASecondHeadHasItsOwnDeadline) {
    Talk talk(ServerOptions().header_timeout(10s).keep_alive_timeout(75s));
    talk.loop.advance(9s);
    talk.client.send(get("/hello"));
    talk.loop.advance(60s);
    talk.client.send("G");
    talk.loop.advance(10s - 1ms);
    EXPECT_EQ(talk.client.summary(), "200 hello");
    talk.loop.advance(1ms);
    EXPECT_EQ(talk.client.answers().at(1).status, 408);
}

TEST(ServerDeadlines, AConnectionThatSaysNothingIsClosed) {
    Talk talk(ServerOptions().header_timeout(10s));
    talk.loop.advance(10s);
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(talk.client.received(), "");
}

TEST(ServerDeadlines, ASlowBodyIsCutOff) {
    support::CapturedLog log;
    Talk talk(ServerOptions().body_timeout(20s).handler_timeout(0s));
    talk.client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    for (int second = 1; second < 20; ++second) {
        talk.loop.advance(1s);
        talk.client.send("x");
    }
    EXPECT_EQ(talk.client.received(), "");
    talk.loop.advance(1s);
    EXPECT_EQ(talk.client.answers().at(0).status, 408);
    EXPECT_EQ(talk.service.running, 0);
}

TEST(ServerDeadlines, AnEarlierDeadlineIsNotTakenForTheBodys) {
    Talk talk(ServerOptions().keep_alive_timeout(75s).body_timeout(20s).header_timeout(10s));
    talk.client.send(get("/hello"));
    talk.loop.advance(74s);
    // The keep-alive deadline would pass a second later, while the handler waits and before it reads the body.
    talk.client.send("POST /gated-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    talk.loop.advance(2s);
    talk.service.gate.set();
    talk.loop.run_ready();
    talk.loop.advance(1s);
    talk.client.send("cd");
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 abcd");
}

TEST(ServerDeadlines, ALongDownloadIsNotCutByTheDeadlineOfItsHead) {
    for (const char* fields : {"", "Connection: close\r\n"}) {
        Talk talk(ServerOptions().header_timeout(10s).keep_alive_timeout(12s).write_timeout(60s), 1000, false);
        talk.client.send(get("/big", fields));
        talk.loop.advance(30s);
        EXPECT_FALSE(talk.client.served());
        talk.client.start_reading();
        talk.loop.run_ready();
        EXPECT_EQ(talk.client.answers().at(0).body.size(), 100000u) << fields;
        talk.loop.advance(12s);
        EXPECT_TRUE(talk.client.served()) << "afterwards the connection is as any other";
    }
}

TEST(ServerDeadlines, AReaderThatStopsIsClosed) {
    support::CapturedLog log;
    Talk talk(ServerOptions().write_timeout(30s), 1000, false);
    talk.client.send(get("/big"));
    talk.loop.advance(30s - 1ms);
    EXPECT_FALSE(talk.client.served());
    talk.loop.advance(1ms);
    EXPECT_TRUE(talk.client.served());
    EXPECT_NE(log.lines().at(0).find("write_timeout"), std::string::npos);
}

TEST(ServerDeadlines, AReaderThatStopsCancelsTheHandlerThatWrites) {
    support::CapturedLog log;
    Talk talk(ServerOptions().write_timeout(30s).min_write_rate(33), 1000, false);
    talk.client.send(get("/endless"));
    EXPECT_EQ(talk.service.running, 1);
    EXPECT_LE(talk.service.written, 1000u) << "write() waits for the client";
    talk.loop.advance(30s);
    EXPECT_EQ(talk.service.cancelled, 0) << "a part of the piece was taken in this time";
    talk.loop.advance(30s);
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerDeadlines, AHandlerThatTakesTooLongIsCancelled) {
    support::CapturedLog log;
    Talk talk(ServerOptions().handler_timeout(7s));
    talk.client.send(get("/gated") + get("/hello"));
    talk.loop.advance(7s - 1ms);
    EXPECT_EQ(talk.service.running, 1);
    talk.loop.advance(1ms);
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_EQ(talk.client.summary(), "503 the request took too long\n");
    EXPECT_EQ(talk.client.answers()[0].field("Retry-After"), "1");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_NE(log.lines().at(0).find("handler_timeout"), std::string::npos);
}

TEST(ServerDeadlines, AStartedResponseHasNoHandlerDeadline) {
    Talk talk(ServerOptions().handler_timeout(7s));
    talk.client.send(get("/gated-stream"));
    talk.loop.advance(1h);
    EXPECT_EQ(talk.service.running, 1);
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 beginend");
}

TEST(ServerDeadlines, ZeroIsNone) {
    Talk talk(
        ServerOptions().header_timeout(0s).body_timeout(0s).keep_alive_timeout(0s).write_timeout(0s).handler_timeout(
            0s));
    talk.loop.advance(24h);
    talk.client.send("POST /echo HTTP/1.1\r\n");
    talk.loop.advance(24h);
    talk.client.send("Host: a\r\nContent-Length: 2\r\n\r\na");
    talk.loop.advance(24h);
    talk.client.send("b");
    talk.loop.advance(24h);
    talk.client.send(get("/gated"));
    talk.loop.advance(24h);
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 ab, 200 gated:");
    EXPECT_FALSE(talk.client.served());
}

TEST(ServerDeadlines, DrainingABodyIsBounded) {
    Talk talk(ServerOptions().body_timeout(20s));
    talk.client.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome");
    EXPECT_EQ(talk.client.summary(), "200 hello");
    talk.loop.advance(20s - 1ms);
    EXPECT_FALSE(talk.client.served());
    talk.loop.advance(1ms);
    EXPECT_TRUE(talk.client.served());
}

}  // namespace
}  // namespace caropig::server
