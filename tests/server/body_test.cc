#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

Client::Wrap counting(FaultStream*& counter) {
    return [&counter](std::unique_ptr<net::Stream> below) {
        auto wrapper = std::make_unique<FaultStream>(std::move(below));
        counter = wrapper.get();
        return wrapper;
    };
}

constexpr std::string_view kExpecting =
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";

TEST(ServerBody, NothingBeyondTheReadAheadIsRead) {
    FaultStream* counter = nullptr;
    Talk talk(ServerOptions().read_ahead_bytes(4000), 1000, true, counting(counter));
    std::string body(100000, 'b');
    talk.client.send(post("/first-piece", body));
    EXPECT_EQ(talk.service.running, 1);
    EXPECT_GT(talk.service.read, 0u);
    EXPECT_LE(counter->reads(), 6) << "of 1000 bytes each";
    talk.loop.advance(10s);
    EXPECT_LE(counter->reads(), 6);
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 piece");
}

TEST(ServerBody, ABodyLargerThanTheReadAheadArrivesWhole) {
    std::string body;
    for (int i = 0; body.size() < 50000; ++i) body += std::to_string(i) + ' ';
    for (std::size_t ahead : {0, 1, 100, 100000}) {
        Talk talk(ServerOptions().read_ahead_bytes(ahead), 1000);
        talk.service.gate.set();
        talk.client.send(post("/gated-echo", body) + post_chunked("/gated-echo", body, 777));
        EXPECT_EQ(talk.client.summary(), "200 " + body + ", 200 " + body) << ahead;
    }
}

TEST(ServerBody, ReadsPiecewiseAsItArrives) {
    Talk talk;
    talk.service.answer("/pieces", [](Exchange& exchange, TestService& service) -> Task<void> {
        std::string text;
        for (;;) {
            auto piece = co_await exchange.read_body();
            if (!piece) break;
            text += "[" + std::string(*piece) + "]";
            service.read += piece->size();
        }
        auto again = co_await exchange.read_body();
        reply(exchange, text + (again ? "more" : "end"));
    });
    talk.client.send("POST /pieces HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab");
    EXPECT_EQ(talk.service.read, 2u);
    talk.client.send("cd");
    EXPECT_EQ(talk.service.read, 4u);
    talk.client.send("ef" + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 [ab][cd][ef]end, 200 hello");
}

TEST(ServerBody, TooLargeByItsLength) {
    support::CapturedLog log;
    Talk talk(ServerOptions().max_body_bytes(10));
    talk.client.send(post("/echo", "0123456789"));
    talk.client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
    auto answers = talk.client.answers();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].status, 200);
    EXPECT_EQ(answers[1].status, 413) << "before any of it has come";
    EXPECT_EQ(answers[1].field("Connection"), "close");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_EQ(talk.service.read, 10u);
    EXPECT_EQ(log.lines().size(), 1u);
}

TEST(ServerBody, TooLargeByCounting) {
    support::CapturedLog log;
    Talk talk(ServerOptions().max_body_bytes(10));
    talk.client.send(post_chunked("/echo", "0123456789"));
    talk.client.send(post_chunked("/echo", "0123456789a"));
    auto answers = talk.client.answers();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].status, 200);
    EXPECT_EQ(answers[1].status, 413);
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerBody, AHandlerMayRaiseItsLimit) {
    Talk talk(ServerOptions().max_body_bytes(10));
    talk.service.answer("/upload", [](Exchange& exchange, TestService& service) -> Task<void> {
        exchange.set_max_body_bytes(20);
        return echo(exchange, service);
    });
    talk.service.answer("/before-run", [](Exchange& exchange, TestService& service) {
        exchange.set_max_body_bytes(20);
        exchange.own_head();
        exchange.run(echo(exchange, service));
    });
    talk.client.send(post("/upload", "0123456789abc") + post("/before-run", "0123456789abc"));
    EXPECT_EQ(talk.client.summary(), "200 0123456789abc, 200 0123456789abc");
}

TEST(ServerBody, ABrokenBodyIsRefused) {
    support::CapturedLog log;
    Talk talk;
    talk.client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    EXPECT_EQ(talk.client.answers().at(0).status, 400);
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerBody, ATruncatedBodyIsRefused) {
    support::CapturedLog log;
    for (const char* fields : {"Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"}) {
        Talk talk;
        talk.client.send(std::string("POST /echo HTTP/1.1\r\nHost: a\r\n") + fields);
        talk.client.finish_sending();
        EXPECT_EQ(talk.client.answers().back().status, 400);
        EXPECT_TRUE(talk.client.served());
        EXPECT_EQ(talk.service.running, 0);
    }
}

TEST(ServerBody, AnUnreadBodyIsDrained) {
    Talk talk(ServerOptions().max_drained_bytes(1000), 100);
    talk.client.send(post("/hello", std::string(1000, 'x')) + post_chunked("/hello", std::string(1000, 'x'), 99) +
                     post("/first-piece", std::string(900, 'x')) + get("/hello"));
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 hello, 200 piece, 200 hello");
}

TEST(ServerBody, ALongUnreadBodyClosesTheConnection) {
    Talk by_length(ServerOptions().max_drained_bytes(1000), 100);
    by_length.client.send(post("/hello", std::string(1001, 'x')) + get("/hello"));
    EXPECT_EQ(by_length.client.summary(), "200 hello");
    EXPECT_EQ(by_length.client.answers()[0].field("Connection"), "close");
    EXPECT_TRUE(by_length.client.ended());
    Talk by_counting(ServerOptions().max_drained_bytes(1000), 100);
    by_counting.client.send(post_chunked("/hello", std::string(1001, 'x'), 99) + get("/hello"));
    EXPECT_EQ(by_counting.client.summary(), "200 hello");
    EXPECT_TRUE(by_counting.client.ended());
}

TEST(ServerBody, ContinueIsSentWhenTheBodyIsRead) {
    Talk talk;
    talk.client.send(kExpecting);
    EXPECT_EQ(talk.client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
    talk.client.send("body" + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "100 , 200 body, 200 hello") << "once, and the connection goes on";
}

TEST(ServerBody, ContinueIsSentToAHandlerThatAnswersWhileItReads) {
    Talk talk;
    talk.service.answer("/echo", TestService::Waiting([](Exchange& exchange, TestService&) -> Task<void> {
                            ResponseHead head;
                            exchange.start_response(head, std::nullopt);
                            while (auto piece = co_await exchange.read_body()) co_await exchange.write(*piece);
                            co_await exchange.finish();
                        }));
    talk.client.send(kExpecting);
    EXPECT_EQ(talk.client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
    talk.client.send("body");
    EXPECT_TRUE(talk.client.summary().ends_with("200 body")) << talk.client.summary();
}

TEST(ServerBody, ContinueIsNotSentBeforeTheBodyIsRead) {
    Talk talk;
    std::string request(kExpecting);
    request.replace(request.find("/echo"), 5, "/gated-echo");
    talk.client.send(request);
    EXPECT_EQ(talk.client.received(), "");
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "100 ");
    talk.client.send("body");
    EXPECT_EQ(talk.client.summary(), "100 , 200 body");
}

TEST(ServerBody, ContinueIsNotSentWhereTheBodyIsThereAlready) {
    Talk talk;
    talk.client.send(std::string(kExpecting) + "body");
    EXPECT_EQ(talk.client.summary(), "200 body");
}

TEST(ServerBody, AnAnswerInsteadOfContinueClosesTheConnection) {
    for (const char* path : {"/hello", "/gated"}) {
        Talk talk;
        std::string request(kExpecting);
        request.replace(request.find("/echo"), 5, path);
        talk.client.send(request);
        talk.service.gate.set();
        talk.loop.run_ready();
        EXPECT_EQ(talk.client.answers().at(0).status, 200);
        EXPECT_EQ(talk.client.answers().at(0).field("Connection"), "close");
        EXPECT_TRUE(talk.client.ended()) << "nobody knows whether the body will come";
    }
}

TEST(ServerBody, Http10GetsNoContinue) {
    Talk talk;
    talk.client.send("POST /echo HTTP/1.0\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(talk.client.received(), "");
    talk.client.send("body");
    EXPECT_EQ(talk.client.summary(), "200 body");
}

TEST(ServerBody, ARequestFindsNothingOfTheOneBefore) {
    // The requests of a connection share memory, which is made as new in between: each counts its own bytes and time.
    Talk talk(ServerOptions().max_body_bytes(6).max_drained_bytes(6).body_timeout(20s));
    const std::string_view head =
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    std::string expected;
    for (int i = 0; i < 3; ++i) {
        talk.client.send(head);
        talk.loop.advance(15s);
        talk.client.send("4\r\necho\r\n0\r\n\r\n" + post_chunked("/hello", "left") + get("/stream") + get("/echo"));
        expected += "100 , 200 echo, 200 hello, 200 onetwothree, 200 , ";
    }
    talk.client.send(get("/hello"));
    EXPECT_EQ(talk.client.summary(), expected + "200 hello");
}

TEST(ServerBody, AReadThatWasCancelledLosesNothing) {
    Talk talk;
    talk.service.answer("/patient", [](Exchange& exchange, TestService&) -> Task<void> {
        int timeouts = 0;
        std::string body;
        for (;;) {
            bool timed_out = false;
            try {
                auto piece = co_await with_timeout(1s, exchange.read_body());
                if (!piece) break;
                body += *piece;
            } catch (const TimeoutError&) {
                timed_out = true;
            }
            if (timed_out) ++timeouts;
        }
        reply(exchange, body + std::to_string(timeouts));
    });
    talk.client.send("POST /patient HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    talk.loop.advance(2500ms);
    talk.client.send("cd");
    EXPECT_EQ(talk.client.summary(), "200 abcd2");
}

}  // namespace
}  // namespace caropig::server
