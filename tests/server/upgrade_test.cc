#include "server/test_server.h"
#include "support/captured_log.h"
#include <caropig/async/shield.h>

#include <array>

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

constexpr std::string_view kUpgrade = "GET /lines HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: Lines\r\n\r\n";
constexpr std::string_view kSwitched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n";

/// Gives back what it reads, until "bye" or the end.
Task<void> serve_lines(Exchange& exchange, TestService& service) {
    if (!exchange.offers_upgrade("lines")) {
        reply(exchange, "no upgrade", 426);
        co_return;
    }
    net::Stream* stream = co_await exchange.upgrade("lines");
    std::array<std::byte, 16> buffer;
    while (std::size_t size = co_await stream->read_some(buffer)) {
        service.read += size;
        co_await stream->write(std::span(buffer).first(size));
        if (as_text(std::span(buffer).first(size)).ends_with("bye\n")) co_return;
    }
    co_await stream->write(as_bytes("end\n"));
}

Task<void> until_done(const Operation& operation) {
    while (operation.pending()) co_await yield();
}

struct UpgradeTalk : Talk {
    explicit UpgradeTalk(const ServerOptions& options = {}, std::size_t capacity = 65536, bool reads = true,
                         const Client::Wrap& wrap = {})
        : Talk(options, capacity, reads, wrap) {
        service.answer("/lines", &serve_lines);
    }
};

TEST(ServerUpgrade, TheHandlerHasTheConnection) {
    UpgradeTalk talk;
    talk.client.send(kUpgrade);
    EXPECT_EQ(talk.client.received(), kSwitched);
    talk.client.forget_received();
    talk.client.send("one\n");
    talk.client.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(talk.client.received(), "one\nGET / HTTP/1.1\r\n\r\n") << "nobody reads requests any more";
    EXPECT_EQ(talk.server.connections(), 1u);
    talk.client.send("bye\n");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_FALSE(talk.client.served()) << "what the client sends meanwhile must not make a reset of the last bytes";
    talk.client.finish_sending();
    EXPECT_TRUE(talk.client.served());
    EXPECT_EQ(talk.server.requests(), 1u);
}

TEST(ServerUpgrade, WhatCameBehindTheRequestIsTheFirstThatIsRead) {
    const std::string all = get("/hello") + std::string(kUpgrade) + "one\ntwo and more than a buffer\n";
    for (bool slowly : {false, true}) {
        UpgradeTalk talk;
        if (slowly) {
            talk.client.send_slowly(all);
        } else {
            talk.client.send(all);
        }
        talk.client.send("three\n");
        const std::string& received = talk.client.received();
        ASSERT_NE(received.find(kSwitched), std::string::npos);
        EXPECT_EQ(received.substr(received.find(kSwitched) + kSwitched.size()),
                  "one\ntwo and more than a buffer\nthree\n");
        EXPECT_EQ(talk.service.read, 4u + 27u + 6u);
    }
}

TEST(ServerUpgrade, IsOfferedOnlyAsTheRfcSays) {
    for (const char* request : {
             "GET /lines HTTP/1.1\r\nHost: a\r\n\r\n",
             "GET /lines HTTP/1.1\r\nHost: a\r\nUpgrade: lines\r\n\r\n",
             "GET /lines HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other, lines2\r\n\r\n",
             "GET /lines HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: lines\r\n\r\n",
             "GET /lines HTTP/1.0\r\nConnection: upgrade, keep-alive\r\nUpgrade: lines\r\n\r\n",
             "POST /lines HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\nContent-Length: 3\r\n\r\nabc",
         }) {
        UpgradeTalk talk;
        talk.client.send(request);
        EXPECT_EQ(talk.client.summary(), "426 no upgrade") << request;
    }
    UpgradeTalk talk;
    talk.client.send("GET /lines HTTP/1.1\r\nHost: a\r\nConnection: x, UPGRADE\r\nUpgrade: other, LINES\r\n\r\n");
    EXPECT_EQ(talk.client.received(), kSwitched);
}

TEST(ServerUpgrade, AfterTheBodyWasRead) {
    UpgradeTalk talk;
    talk.service.answer("/read", [](Exchange& exchange, TestService& service) -> Task<void> {
        service.read += (co_await exchange.read_whole_body()).size();
        co_await serve_lines(exchange, service);
    });
    talk.client.send(
        "POST /read HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\nContent-Length: 3\r\n\r\nabcone\n");
    EXPECT_EQ(talk.client.received(), std::string(kSwitched) + "one\n");
}

TEST(ServerUpgrade, WithoutAnOfferIsAnErrorOfTheHandler) {
    Talk talk;
    support::CapturedLog log;
    talk.service.answer("/wrong",
                        [](Exchange& exchange, TestService&) -> Task<void> { co_await exchange.upgrade("lines"); });
    talk.client.send(get("/wrong"));
    EXPECT_EQ(talk.client.answers()[0].status, 500);
}

TEST(ServerUpgrade, HttpsDeadlinesDoNotApply) {
    UpgradeTalk talk(ServerOptions().handler_timeout(1s).header_timeout(1s).keep_alive_timeout(1s).body_timeout(1s));
    talk.client.send(kUpgrade);
    talk.loop.advance(1h);
    talk.client.forget_received();
    talk.client.send("still there\n");
    EXPECT_EQ(talk.client.received(), "still there\n");
}

TEST(ServerUpgrade, AHalfClosedClientIsTheHandlersBusiness) {
    UpgradeTalk talk;
    talk.client.send(kUpgrade);
    talk.client.finish_sending();
    EXPECT_EQ(talk.client.received(), std::string(kSwitched) + "end\n");
    EXPECT_TRUE(talk.client.served());
    UpgradeTalk early;
    early.client.send(std::string(kUpgrade) + "one\n");
    early.client.finish_sending();
    EXPECT_EQ(early.client.received(), std::string(kSwitched) + "one\nend\n");
    EXPECT_TRUE(early.client.served());
}

TEST(ServerUpgrade, AClientThatLeavesCancelsTheHandler) {
    Talk talk;
    talk.service.answer("/waits", [](Exchange& exchange, TestService& service) -> Task<void> {
        co_await exchange.upgrade("lines");
        co_await service.gate.wait();
    });
    talk.client.send("GET /waits HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n");
    EXPECT_EQ(talk.service.running, 1);
    talk.client.leave();
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerUpgrade, ServingThatIsCancelledClosesAtOnce) {
    UpgradeTalk talk;
    talk.client.send(kUpgrade);
    talk.client.cancel_serving();
    EXPECT_EQ(talk.service.cancelled, 1);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerUpgrade, AStopCancelsTheHandlerAtOnceAndLetsItSayGoodbye) {
    Talk talk;
    talk.service.answer("/polite", [](Exchange& exchange, TestService& service) -> Task<void> {
        net::Stream* stream = co_await exchange.upgrade("lines");
        bool cancelled = false;
        try {
            co_await service.gate.wait();
        } catch (const Cancelled&) {
            cancelled = true;
        }
        if (cancelled) co_await shield(stream->write(as_bytes("goodbye\n")));
    });
    talk.client.send("GET /polite HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n");
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.received(), std::string(kSwitched) + "goodbye\n");
    EXPECT_TRUE(talk.client.ended());
    talk.client.finish_sending();
    EXPECT_TRUE(stopping.done());
}

TEST(ServerUpgrade, WaitsForTheAnswersBeforeIt) {
    UpgradeTalk talk({}, 1000, false);
    talk.client.send(get("/big") + std::string(kUpgrade) + "one\n");
    EXPECT_EQ(talk.service.read, 0u);
    talk.client.start_reading();
    talk.loop.run_ready();
    EXPECT_TRUE(talk.client.received().ends_with(std::string(kSwitched) + "one\n"));
}

TEST(ServerUpgrade, AHangupIsToldToWhoWaitsForItOnTheStream) {
    Talk talk;
    talk.service.answer("/told", [](Exchange& exchange, TestService& service) -> Task<void> {
        net::Stream* stream = co_await exchange.upgrade("lines");
        HangupOperation hangup([](Operation&) noexcept {});
        if (!stream->submit(hangup)) {
            try {
                co_await service.gate.wait();
            } catch (const Cancelled&) {
            }
            co_await shield(until_done(hangup));
        }
        service.error = std::to_string(hangup.result);
    });
    talk.client.send("GET /told HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: lines\r\n\r\n");
    talk.client.leave();
    EXPECT_EQ(talk.service.error, "0");
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerUpgrade, EachStepMayFail) {
    for (int error : {ECONNRESET, EPIPE, ETIMEDOUT}) {
        for (int step = 1; step <= 6; ++step) {
            for (bool read : {false, true}) {
                support::CapturedLog log;
                UpgradeTalk talk({}, 65536, true, [&](std::unique_ptr<net::Stream> below) {
                    auto faults = std::make_unique<FaultStream>(std::move(below));
                    if (read) {
                        faults->fail_read(step, error);
                    } else {
                        faults->fail_write(step, error);
                    }
                    return faults;
                });
                talk.client.send(kUpgrade);
                talk.client.send("one\n");
                talk.client.send("bye\n");
                talk.client.finish_sending();
                EXPECT_TRUE(talk.client.served()) << step << read;
                EXPECT_EQ(talk.service.running, 0);
                EXPECT_EQ(talk.server.connections(), 0u);
                EXPECT_EQ(talk.server.buffered(), 0u);
            }
        }
    }
}

}  // namespace
}  // namespace caropig::server
