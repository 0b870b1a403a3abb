#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

TEST(ServerStop, EndsAtOnceWithoutConnections) {
    TestLoop loop;
    TestService service;
    Server server(loop, service);
    auto stopping = loop.start(server.stop());
    EXPECT_TRUE(stopping.done());
}

TEST(ServerStop, LeavesIdleConnectionsAGrace) {
    Talk talk(ServerOptions().shutdown_idle_timeout(500ms));
    talk.client.send(get("/hello"));
    Client fresh(talk.loop, talk.server);
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(500ms - 1ms);
    EXPECT_EQ(talk.server.connections(), 2u);
    talk.loop.advance(1ms);
    EXPECT_TRUE(stopping.done());
    EXPECT_EQ(talk.client.summary(), "200 hello");
}

TEST(ServerStop, AnswersWhatArrivesWithinTheGrace) {
    Talk talk(ServerOptions().shutdown_idle_timeout(500ms));
    talk.client.send(get("/hello"));
    Client fresh(talk.loop, talk.server);
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(400ms);
    talk.client.send(get("/target?x"));
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 /target|x");
    EXPECT_EQ(talk.client.answers()[1].field("Connection"), "close");
    EXPECT_TRUE(talk.client.served());
    fresh.send("GET /hello HTTP/1.1\r\n");
    talk.loop.advance(1s);
    fresh.send("Host: a\r\n\r\n");
    EXPECT_EQ(fresh.summary(), "200 hello") << "it began within the grace";
    EXPECT_TRUE(stopping.done());
}

TEST(ServerStop, RequestsInFlightAreAnswered) {
    Talk talk;
    Client streaming(talk.loop, talk.server);
    talk.client.send(get("/gated") + get("/hello"));
    streaming.send(get("/gated-stream"));
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(5s);
    EXPECT_FALSE(stopping.done());
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 gated:");
    EXPECT_EQ(talk.client.answers()[0].field("Connection"), "close");
    EXPECT_EQ(streaming.summary(), "200 beginend");
    talk.loop.advance(2s);
    EXPECT_TRUE(stopping.done());
}

TEST(ServerStop, TheDeadlineCancelsTheRest) {
    support::CapturedLog log;
    Talk talk(ServerOptions().shutdown_timeout(8s));
    Client streaming(talk.loop, talk.server);
    Client dripping(talk.loop, talk.server, 1000, false);
    talk.client.send(get("/gated"));
    streaming.send(get("/gated-stream"));
    dripping.send(get("/big", "Connection: close\r\n"));
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(8s - 1ms);
    EXPECT_FALSE(stopping.done());
    EXPECT_EQ(talk.service.cancelled, 0);
    talk.loop.advance(1ms);
    EXPECT_TRUE(stopping.done());
    EXPECT_EQ(talk.service.cancelled, 2);
    EXPECT_EQ(talk.client.summary(), "503 the server is stopping\n");
    EXPECT_EQ(streaming.summary(), "200 begin!");
    EXPECT_TRUE(dripping.served());
    EXPECT_NE(log.lines().at(0).find("shutdown_timeout"), std::string::npos);
}

TEST(ServerStop, ALargeAnswerThatIsUnderWayIsFinished) {
    Talk talk(ServerOptions().shutdown_idle_timeout(500ms), 1000, false);
    talk.client.send(get("/big"));
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(3s);
    EXPECT_FALSE(stopping.done());
    talk.client.start_reading();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.answers().at(0).body.size(), 100000u);
    talk.loop.advance(500ms);
    EXPECT_TRUE(stopping.done());
}

TEST(ServerStop, AConnectionHandedOverWhileStoppingIsAnswered) {
    Talk talk;
    talk.client.send(get("/gated"));
    auto stopping = talk.loop.start(talk.server.stop());
    Client late(talk.loop, talk.server);
    late.send(get("/hello"));
    EXPECT_EQ(late.summary(), "200 hello");
    EXPECT_TRUE(late.served());
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_TRUE(stopping.done());
}

}  // namespace
}  // namespace caropig::server
