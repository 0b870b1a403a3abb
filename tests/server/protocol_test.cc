#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

/// What the server says by itself, and what of the protocol a service may use beyond an answer.
namespace caropig::server {
namespace {

constexpr std::string_view kEnd = "HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(ServerProtocol, MethodsThatNoServiceHasAreNotImplemented) {
    support::CapturedLog log;
    for (const char* request : {"TRACE /hello ", "BREW /hello ", "get /hello "}) {
        Talk talk;
        talk.client.send(request + std::string(kEnd) + get("/hello"));
        EXPECT_EQ(talk.client.summary(), "501 method not implemented\n, 200 hello") << request;
        EXPECT_EQ(talk.service.served, 1);
    }
    ASSERT_EQ(log.lines().size(), 3u);
    EXPECT_NE(log.lines()[0].find("501 to pipe: method not implemented"), std::string::npos);
    Talk body;
    body.client.send("BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/hello"));
    EXPECT_EQ(body.client.summary(), "501 method not implemented\n, 200 hello");
}

TEST(ServerProtocol, NothingAfterARefusedConnectIsReadAsARequest) {
    support::CapturedLog log;
    Talk talk;
    talk.client.send("CONNECT a:80 " + std::string(kEnd) + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "501 method not implemented\n");
    EXPECT_EQ(talk.client.answers()[0].field("Connection"), "close");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_EQ(talk.service.served, 0);
}

TEST(ServerProtocol, HttpsTargetsAreMisdirected) {
    support::CapturedLog log;
    Talk talk;
    talk.client.send("GET https://a/hello " + std::string(kEnd) + "GET http://a/hello " + std::string(kEnd));
    EXPECT_EQ(talk.client.summary(), "421 this connection is not for https\n, 200 hello");
}

TEST(ServerProtocol, OptionsOfTheServer) {
    Talk talk;
    talk.client.send("OPTIONS * " + std::string(kEnd) + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "204 , 200 hello");
    EXPECT_EQ(talk.client.answers()[0].field("Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    EXPECT_EQ(talk.service.served, 1);
}

TEST(ServerProtocol, ARefusedHeadIsAnsweredWithoutABody) {
    for (const char* fault :
         {"HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", "HEAD / HTTP/2.0\r\n\r\n"}) {
        support::CapturedLog log;
        Talk talk;
        talk.client.send_slowly(fault);
        auto answers = talk.client.answers({true});
        ASSERT_EQ(answers.size(), 1u) << "and not the beginning of another: " << talk.client.received();
        EXPECT_GE(answers[0].status, 400);
        EXPECT_TRUE(answers[0].field("Content-Length"));
        EXPECT_TRUE(talk.client.ended());
    }
    support::CapturedLog log;
    Talk slow(ServerOptions().header_timeout(10s));
    slow.client.send(get("/hello"));
    slow.client.forget_received();
    slow.client.send("HEAD / HTTP/1.1\r\n");
    slow.loop.advance(10s);
    EXPECT_EQ(slow.client.summary({true}), "408 ");
}

TEST(ServerProtocol, ResetContentHasNoContent) {
    Talk talk;
    talk.service.answer("/reset", [](Exchange& exchange, TestService&) { reply(exchange, "dropped", 205); });
    talk.service.answer("/reset-later", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        head.status = 205;
        exchange.start_response(head, 7);
        co_await exchange.write("dropped");
        co_await exchange.finish();
    });
    talk.client.send(get("/reset") + get("/reset-later") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "205 , 205 , 200 hello");
    for (int i : {0, 1}) EXPECT_EQ(talk.client.answers()[i].field("Content-Length"), "0");
}

TEST(ServerProtocol, TrailersAreOffered) {
    Talk talk;
    talk.service.answer("/trailers", [](Exchange& exchange, TestService&) -> Task<void> {
        EXPECT_TRUE(exchange.trailers().empty());
        co_await exchange.read_whole_body();
        reply(exchange, exchange.trailers().wire());
    });
    talk.client.send(
        "POST /trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\na\r\n0\r\nDigest: x\r\nContent-Length: 5\r\nHost: b\r\n\r\n" +
        post("/trailers", "none") + get("/trailers"));
    EXPECT_EQ(talk.client.summary(), "200 Digest: x\r\n, 200 , 200 ") << "forbidden ones are dropped";
}

TEST(ServerProtocol, TrailersAreSentBehindChunks) {
    Talk talk;
    talk.service.answer("/digest", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, std::nullopt);
        co_await exchange.write("body");
        http::Headers trailers;
        trailers.add("Digest", "x");
        co_await exchange.finish(trailers);
    });
    talk.client.send(get("/digest"));
    EXPECT_TRUE(talk.client.received().ends_with("4\r\nbody\r\n0\r\nDigest: x\r\n\r\n")) << talk.client.received();
    Talk old;
    old.service.answer("/digest", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, 4);
        co_await exchange.write("body");
        http::Headers trailers;
        trailers.add("Digest", "x");
        co_await exchange.finish(trailers);
    });
    old.client.send(get("/digest"));
    EXPECT_TRUE(old.client.received().ends_with("\r\n\r\nbody"));
}

void hint(Exchange& exchange) { exchange.inform(103, "Link: </style.css>; rel=preload\r\n"); }

TEST(ServerProtocol, EarlyHintsComeBeforeTheAnswer) {
    Talk talk;
    talk.service.answer("/at-once", [](Exchange& exchange, TestService&) {
        hint(exchange);
        reply(exchange, "page");
    });
    talk.service.answer("/later", [](Exchange& exchange, TestService& service) -> Task<void> {
        hint(exchange);
        co_await gated(exchange, service);
    });
    talk.client.send(get("/at-once") + get("/later"));
    EXPECT_EQ(talk.client.summary(), "103 , 200 page, 103 ") << "not held back by the handler that waits";
    EXPECT_EQ(talk.client.answers()[0].head, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n");
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "103 , 200 page, 103 , 200 gated:");
    Talk old;
    old.service.answer("/at-once", [](Exchange& exchange, TestService&) {
        hint(exchange);
        reply(exchange, "page");
    });
    old.client.send("GET /at-once HTTP/1.0\r\n\r\n");
    EXPECT_EQ(old.client.summary(), "200 page") << "HTTP/1.0 has no interim responses";
}

TEST(ServerProtocol, InterimResponsesAreNoAnswers) {
    const auto answer = [](int status) {
        Talk talk;
        talk.service.answer("/100", [](Exchange& exchange, TestService&) { reply(exchange, "", 100); });
        talk.service.answer("/101", [](Exchange& exchange, TestService&) { exchange.inform(101, {}); });
        talk.service.answer("/103", [](Exchange& exchange, TestService&) {
            reply(exchange, "");
            hint(exchange);
        });
        talk.client.send(get("/" + std::to_string(status)));
    };
    EXPECT_DEATH(answer(100), "inform");
    EXPECT_DEATH(answer(101), "by the server itself");
    EXPECT_DEATH(answer(103), "after the response");
}

}  // namespace
}  // namespace caropig::server
