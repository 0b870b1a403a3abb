#include "server/test_server.h"
#include "support/captured_log.h"
#include <caropig/async/when_all.h>

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

TEST(ServerStreaming, ChunksWhatHasNoLength) {
    Talk talk;
    talk.client.send(get("/stream") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 onetwothree, 200 hello");
    EXPECT_EQ(talk.client.answers()[0].field("Transfer-Encoding"), "chunked");
}

TEST(ServerStreaming, SaysAKnownLength) {
    Talk talk;
    talk.client.send(get("/stream-length") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 onetwothree, 200 hello");
    EXPECT_EQ(talk.client.answers()[0].field("Content-Length"), "11");
}

TEST(ServerStreaming, Http10ReadsUntilClose) {
    Talk talk;
    talk.client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(talk.client.summary(), "200 onetwothree");
    EXPECT_EQ(talk.client.answers()[0].field("Transfer-Encoding"), std::nullopt);
    EXPECT_EQ(talk.client.answers()[0].field("Connection"), "close");
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerStreaming, HeadGetsNoBody) {
    Talk talk;
    for (const char* path : {"/stream", "/stream-length"}) {
        talk.client.send(std::string("HEAD ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    talk.client.send(get("/hello"));
    EXPECT_EQ(talk.client.summary({true, true, false}), "200 , 200 , 200 hello");
}

TEST(ServerStreaming, NoContentHasNoBody) {
    Talk talk;
    talk.service.answer("/nothing", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        head.status = 204;
        exchange.start_response(head, std::nullopt);
        co_await exchange.write("not sent");
        co_await exchange.write("not sent");
        co_await exchange.finish();
    });
    talk.client.send(get("/nothing") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "204 , 200 hello");
}

TEST(ServerStreaming, AnEmptyStreamIsAnAnswer) {
    Talk talk;
    talk.service.answer("/empty", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, std::nullopt);
        co_await exchange.finish();
    });
    talk.client.send(get("/empty") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 , 200 hello");
}

TEST(ServerStreaming, AnEmptyWriteSendsTheHead) {
    Talk talk;
    talk.service.answer("/early", [](Exchange& exchange, TestService& service) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, std::nullopt);
        co_await exchange.write("");
        co_await service.gate.wait();
        co_await exchange.finish();
    });
    talk.client.send(get("/early"));
    EXPECT_EQ(talk.client.summary(), "200 !");
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 ");
}

TEST(ServerStreaming, ABodyOfTheWrongLengthClosesTheConnection) {
    support::CapturedLog log;
    for (auto [path, sent] : {std::pair{"/too-long", "ab"}, std::pair{"/too-short", "four"}}) {
        Talk talk;
        talk.client.send(get(path) + get("/hello"));
        EXPECT_EQ(talk.client.summary(), std::string("200 ") + sent + "!");
        EXPECT_TRUE(talk.client.ended());
        EXPECT_TRUE(talk.client.served());
    }
    EXPECT_EQ(log.lines().size(), 2u);
}

TEST(ServerStreaming, ARefusedWriteDoesNotPassForAnAnswer) {
    Talk talk;
    talk.service.answer("/none-expected", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, 0);
        try {
            co_await exchange.write("too much");
        } catch (const std::length_error&) {
        }
        co_await exchange.finish();
    });
    talk.client.send(get("/none-expected") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 , 200 hello");
}

TEST(ServerStreaming, AHandlerThatFailsMidwayClosesTheConnection) {
    support::CapturedLog log;
    Talk talk;
    talk.service.answer("/breaks", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, std::nullopt);
        co_await exchange.write("begin");
        throw std::runtime_error("broken");
    });
    talk.client.send(get("/breaks") + get("/hello"));
    EXPECT_EQ(talk.client.summary(), "200 begin!");
    EXPECT_TRUE(talk.client.ended());
}

TEST(ServerStreaming, AWriteWaitsForTheClient) {
    Talk talk({}, 5000, false);
    talk.client.send(get("/endless"));
    EXPECT_LE(talk.service.written, 5000u);
    EXPECT_GE(talk.service.written, 3000u);
    std::size_t before = talk.service.written;
    talk.loop.advance(10s);
    EXPECT_EQ(talk.service.written, before);
    talk.client.leave();
    EXPECT_EQ(talk.service.running, 0);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerStreaming, WaitsForTheAnswersBeforeIt) {
    Talk talk({}, 1000, false);
    talk.client.send(get("/big") + get("/stream"));
    talk.client.start_reading();
    talk.loop.run_ready();
    ASSERT_EQ(talk.client.answers().size(), 2u);
    EXPECT_EQ(talk.client.answers()[1].body, "onetwothree");
}

TEST(ServerStreaming, NothingFollowsAWriteThatWasCancelled) {
    support::CapturedLog log;
    Talk talk({}, 1000, false);
    talk.service.answer("/gives-up", [](Exchange& exchange, TestService&) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, 100000);
        std::string piece(100000, 'x');
        try {
            co_await with_timeout(1s, exchange.write(piece));
        } catch (const TimeoutError&) {
        }
        co_await exchange.finish();
    });
    talk.client.send(get("/gives-up"));
    talk.loop.advance(1s);
    EXPECT_TRUE(talk.client.served()) << "the client must not take what follows for the rest";
    talk.client.start_reading();
    talk.loop.run_ready();
    EXPECT_TRUE(talk.client.ended());
    EXPECT_FALSE(talk.client.answers().at(0).complete);
}

TEST(ServerStreaming, AContinueIsSentBeforeTheResponseThatIsStreamedMeanwhile) {
    Talk talk;
    talk.service.answer("/both", [](Exchange& exchange, TestService& service) -> Task<void> {
        auto reading = [](Exchange& exchange_, TestService& service_) -> Task<void> {
            service_.read = (co_await exchange_.read_whole_body()).size();
        };
        co_await when_all(reading(exchange, service), stream(exchange, service));
    });
    talk.client.send("POST /both HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(talk.client.summary(), "100 , 200 onetwothree");
    talk.client.send("body");
    EXPECT_EQ(talk.service.read, 4u);
    EXPECT_EQ(talk.service.running, 0);
}

}  // namespace
}  // namespace caropig::server
