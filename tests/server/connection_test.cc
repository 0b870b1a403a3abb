#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

TEST(ServerConnection, AnswersAndKeepsTheConnection) {
    Talk talk;
    talk.client.send(get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 hello");
    EXPECT_EQ(talk.client.answers()[0].field("Connection"), std::nullopt);
    EXPECT_EQ(talk.client.answers()[0].field("Content-Type"), "text/plain");
    EXPECT_TRUE(talk.client.answers()[0].field("Date"));
    EXPECT_FALSE(talk.client.served());
    talk.client.send(get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 hello");
    EXPECT_EQ(talk.server.requests(), 2u);
    EXPECT_EQ(talk.server.connections(), 1u);
}

TEST(ServerConnection, ClosesWhereTheClientAsks) {
    Talk talk;
    talk.client.send(get("/hello", "Connection: close\r\n"));
    EXPECT_EQ(talk.client.answers().at(0).field("Connection"), "close");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(talk.server.connections(), 0u);
}

TEST(ServerConnection, Http10ClosesUnlessItAsksToKeepAlive) {
    Talk closing;
    closing.client.send("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_EQ(closing.client.summary(), "200 hello");
    EXPECT_TRUE(closing.client.served());
    Talk keeping;
    keeping.client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(keeping.client.answers().at(0).field("Connection"), "keep-alive");
    EXPECT_FALSE(keeping.client.served());
    keeping.client.send("GET /hello HTTP/1.0\r\n\r\n");
    EXPECT_EQ(keeping.client.summary(), "200 hello, 200 hello");
    EXPECT_TRUE(keeping.client.served());
}

TEST(ServerConnection, HeadHasTheFieldsOfGetWithoutTheBody) {
    Talk talk;
    talk.client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + get("/hello"));
    auto answers = talk.client.answers({true, false});
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].field("Content-Length"), "5");
    EXPECT_EQ(answers[1].body, "hello");
}

TEST(ServerConnection, NoContentAndNotModifiedHaveNoBody) {
    Talk talk;
    talk.client.send(get("/none") + get("/unmodified") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "204 , 304 , 200 hello");
    for (int i : {0, 1}) EXPECT_EQ(talk.client.answers()[i].field("Content-Length"), std::nullopt);
}

TEST(ServerConnection, ABatchOfRequestsCostsOneReceiveAndOneSend) {
    FaultStream* counter = nullptr;
    Talk talk({}, 65536, true, [&](std::unique_ptr<net::Stream> below) {
        auto wrapper = std::make_unique<FaultStream>(std::move(below));
        counter = wrapper.get();
        return wrapper;
    });
    EXPECT_EQ(counter->reads(), 1);
    std::string batch;
    for (int i = 0; i < 16; ++i) batch += get("/hello");
    talk.client.send(batch);
    EXPECT_EQ(talk.client.answers().size(), 16u);
    EXPECT_EQ(counter->writes(), 1);
    EXPECT_EQ(counter->reads(), 2) << "one for the batch, one that waits for the next";
    talk.client.send(batch);
    EXPECT_EQ(counter->writes(), 2);
}

TEST(ServerConnection, ALargeBodyGoesOutWithItsHeadInOneSend) {
    FaultStream* counter = nullptr;
    Talk talk({}, 1 << 20, true, [&](std::unique_ptr<net::Stream> below) {
        auto wrapper = std::make_unique<FaultStream>(std::move(below));
        counter = wrapper.get();
        return wrapper;
    });
    talk.client.send(get("/hello") + get("/big"));
    EXPECT_EQ(talk.client.answers().at(1).body, std::string(100000, 'b'));
    EXPECT_EQ(counter->writes(), 1);
}

TEST(ServerConnection, AnswersInOrderBehindOneThatWaits) {
    Talk talk;
    talk.client.send(get("/hello") + get("/gated?1") + get("/target?2") + get("/gated?3") + get("/target?4"));
    EXPECT_EQ(talk.client.summary(), "200 hello") << "earlier answers don't wait for a later one";
    EXPECT_EQ(talk.service.served, 2);
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 gated:1, 200 /target|2, 200 gated:3, 200 /target|4");
}

std::string mixed_pipeline() {
    return post("/echo", "first body") + get("/hello") + post_chunked("/echo", "in chunks") + post("/hello", "unread") +
           post("/gated-echo", "after the gate") + get("/target?last");
}
constexpr const char* kMixedAnswers =
    "200 first body, 200 hello, 200 in chunks, 200 hello, 200 after the gate, 200 /target|last";

TEST(ServerConnection, PipelinesRequestsWithBodies) {
    Talk talk;
    talk.service.gate.set();
    talk.client.send(mixed_pipeline());
    EXPECT_EQ(talk.client.summary(), kMixedAnswers);
}

TEST(ServerConnection, TakesRequestsByteByByte) {
    Talk talk;
    talk.service.gate.set();
    talk.client.send_slowly(mixed_pipeline());
    EXPECT_EQ(talk.client.summary(), kMixedAnswers);
}

TEST(ServerConnection, SendsThroughAPipeOfOneByte) {
    Talk talk({}, 1);
    talk.service.gate.set();
    talk.client.send(mixed_pipeline());
    EXPECT_EQ(talk.client.summary(), kMixedAnswers);
}

TEST(ServerConnection, TakesAPipelineCutAnywhere) {
    std::string all = mixed_pipeline();
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
        Talk talk;
        talk.service.gate.set();
        talk.client.send(std::string_view(all).substr(0, cut));
        talk.client.send(std::string_view(all).substr(cut));
        ASSERT_EQ(talk.client.summary(), kMixedAnswers) << cut;
    }
}

TEST(ServerConnection, TheHeadOfAWaitingRequestStaysReadable) {
    Talk talk;
    talk.service.answer("/late", [](Exchange& exchange, TestService& service) -> Task<void> {
        co_await service.gate.wait();
        std::string text(exchange.method_text());
        for (std::string_view part : {exchange.target(), exchange.query(), exchange.host()}) {
            text += ' ';
            text += part;
        }
        text += ' ';
        text += exchange.headers().find("x-note").value_or("?");
        reply(exchange, text);
    });
    talk.client.send(get("/late?q=1", "X-Note: kept\r\n"));
    talk.client.send(get("/hello") + get("/hello"));
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 GET /late?q=1 q=1 test kept, 200 hello, 200 hello");
}

TEST(ServerConnection, ALongPipelineOfRequestsThatWaitIsNotReadAheadWithoutBound) {
    FaultStream* counter = nullptr;
    Talk talk(ServerOptions().read_ahead_bytes(1000), 1000, true, [&](std::unique_ptr<net::Stream> below) {
        auto wrapper = std::make_unique<FaultStream>(std::move(below));
        counter = wrapper.get();
        return wrapper;
    });
    talk.service.answer("/turn", [](Exchange& exchange, TestService& service) -> Task<void> {
        co_await service.gate.wait();
        service.gate.clear();
        reply(exchange, "");
    });
    std::string batch;
    std::string request = get("/turn");
    for (int i = 0; i < 600; ++i) batch += request;
    talk.client.send(batch);
    for (int i = 0; i < 600; ++i) {
        // Every receive brings at most the pipe's 1000 bytes, and may be one beyond the bound.
        auto received = static_cast<std::size_t>(counter->reads()) * 1000;
        ASSERT_LE(received, static_cast<std::size_t>(talk.service.served) * request.size() + 1000 + 2 * 1000);
        talk.service.gate.set();
        talk.loop.run_ready();
    }
    EXPECT_EQ(talk.client.answers().size(), 600u);
}

TEST(ServerConnection, RefusesWhatIsNoHttp) {
    for (const char* text : {"GET / HTTP/1.1\r\n\r\n", "G\x01T / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n",
                             "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
        support::CapturedLog log;
        Talk talk;
        talk.client.send(get("/hello") + text + get("/hello"));
        auto answers = talk.client.answers();
        ASSERT_EQ(answers.size(), 2u) << text;
        EXPECT_EQ(answers[0].body, "hello");
        EXPECT_EQ(answers[1].status, 400);
        EXPECT_EQ(answers[1].field("Connection"), "close");
        EXPECT_TRUE(talk.client.ended());
        EXPECT_EQ(log.lines().size(), 1u);
        talk.client.leave();
        EXPECT_TRUE(talk.client.served());
    }
}

TEST(ServerConnection, LingersAfterARefusalAndThenCloses) {
    Talk talk(ServerOptions().linger_timeout(2s));
    talk.client.send("nonsense\r\n\r\n");
    EXPECT_TRUE(talk.client.ended()) << "the server has finished sending";
    EXPECT_FALSE(talk.client.served()) << "but reads on, so that no reset overtakes its answer";
    talk.client.send(std::string(1000, 'x'));
    talk.loop.advance(2s - 1ms);
    EXPECT_FALSE(talk.client.served());
    talk.loop.advance(1ms);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerConnection, DoesNotLingerForEverOnAFlood) {
    Talk talk;
    talk.client.send("nonsense\r\n\r\n");
    talk.client.send(std::string(2 << 20, 'x'));
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerConnection, RefusesTooLongTargetsHeadsAndTooManyFields) {
    auto status = [](const std::string& request) {
        Talk talk(ServerOptions().max_target_bytes(100).max_head_bytes(1000).max_fields(10));
        talk.client.send(request);
        return talk.client.answers().at(0).status;
    };
    EXPECT_EQ(status(get("/" + std::string(99, 'a'))), 404);
    EXPECT_EQ(status(get("/" + std::string(100, 'a'))), 414);
    EXPECT_EQ(status(get("/hello", "X: " + std::string(1000, 'a') + "\r\n")), 431);
    std::string fields;
    for (int i = 0; i < 9; ++i) fields += "X: y\r\n";
    EXPECT_EQ(status(get("/hello", fields)), 200);
    EXPECT_EQ(status(get("/hello", fields + "X: y\r\n")), 431);
    EXPECT_EQ(status("GET /hello HTTP/1.1\r\nX: " + std::string(1000, 'a')), 431) << "also where it has no end";
}

TEST(ServerConnection, HandlersThatFailGive500) {
    Talk talk;
    talk.service.answer("/throw", [](Exchange&, TestService&) -> Task<void> {
        throw std::runtime_error("broken");
        co_return;
    });
    talk.service.answer("/throw-later", [](Exchange&, TestService&) -> Task<void> {
        co_await yield();
        throw std::runtime_error("broken later");
    });
    talk.service.answer("/throw-number", [](Exchange&, TestService&) -> Task<void> {
        co_await yield();
        throw 42;
    });
    talk.service.answer("/upstream", [](Exchange&, TestService&) -> Task<void> {
        co_await yield();
        throw IoError(errno_code(ECONNRESET), "read from upstream");
    });
    talk.service.answer("/cancels-itself", [](Exchange&, TestService&) -> Task<void> {
        co_await yield();
        throw Cancelled();
    });
    talk.service.answer("/returns", [](Exchange&, TestService&) -> Task<void> { co_return; });
    support::CapturedLog log;
    std::string expected;
    for (const char* path :
         {"/throw", "/throw-later", "/throw-number", "/upstream", "/cancels-itself", "/returns", "/silent"}) {
        talk.client.send(get(path));
        expected += "500 Internal Server Error\n, ";
    }
    talk.client.send(get("/hello"));
    EXPECT_EQ(talk.client.summary(), expected + "200 hello") << "the connection stays usable";
    ASSERT_EQ(log.lines().size(), 5u);
    EXPECT_EQ(log.lines()[0], "application: GET /throw: broken");
}

TEST(ServerConnection, AHandlersBodyErrorIsTheAnswer) {
    Talk talk;
    talk.service.answer("/teapot", [](Exchange&, TestService&) -> Task<void> {
        co_await yield();
        throw BodyError(415, "no such type");
    });
    support::CapturedLog log;
    talk.client.send(get("/teapot"));
    EXPECT_EQ(talk.client.summary(), "415 no such type\n");
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerConnection, AnsweringTwiceIsAMistake) {
    auto twice = [] {
        Talk talk;
        talk.service.answer("/twice", [](Exchange& exchange, TestService&) {
            reply(exchange, "a");
            reply(exchange, "b");
        });
        talk.client.send(get("/twice"));
    };
    EXPECT_DEATH(twice(), "answered twice");
}

TEST(ServerConnection, RunningTwiceIsAMistake) {
    auto twice = [] {
        Talk talk;
        talk.service.answer("/twice", [](Exchange& exchange, TestService& service) {
            exchange.own_head();
            exchange.run(gated(exchange, service));
            exchange.run(gated(exchange, service));
        });
        talk.client.send(get("/twice"));
    };
    EXPECT_DEATH(twice(), "run twice");
}

TEST(ServerConnection, RefusesConnectionsBeyondTheLimit) {
    TestLoop loop;
    TestService service;
    net::Listener::OnAccept connect;
    Server server(loop, service, ServerOptions().max_connections(2));
    server.listen(std::make_unique<TestListener>(connect));
    support::CapturedLog log;
    std::vector<std::unique_ptr<net::Stream>> clients;
    auto read = [&](net::Stream& stream) {
        std::string text(1000, '\0');
        auto reading = loop.start(stream.read_some(std::as_writable_bytes(std::span(text))));
        text.resize(reading.done() ? reading.result() : 0);
        return text;
    };
    for (int i = 0; i < 4; ++i) {
        auto [client, peer] = net::memory_pipe(loop);
        connect(std::move(peer));
        clients.push_back(std::move(client));
    }
    loop.run_ready();
    EXPECT_EQ(read(*clients[0]), "");
    for (int i : {2, 3}) {
        auto answers = parse_answers(read(*clients[i]));
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].status, 503);
        EXPECT_EQ(answers[0].field("Retry-After"), "1");
        EXPECT_EQ(answers[0].field("Connection"), "close");
    }
    ASSERT_EQ(log.lines().size(), 1u) << "not one for each of them";
    EXPECT_NE(log.lines()[0].find("max_connections"), std::string::npos);
    clients.clear();
    loop.run_ready();
    EXPECT_EQ(server.connections(), 0u);
}

TEST(ServerConnection, AServerWithConnectionsMustNotBeDestroyed) {
    auto destroy = [] {
        TestLoop loop;
        TestService service;
        auto server = std::make_unique<Server>(loop, service);
        Client client(loop, *server);
        server.reset();
    };
    EXPECT_DEATH(destroy(), "open connections");
}

}  // namespace
}  // namespace caropig::server
