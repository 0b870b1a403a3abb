#include "server/test_server.h"
#include "support/captured_log.h"
#include "support/loop_until.h"
#include "support/raw_socket.h"
#include <caropig/loop/loop.h>
#include <caropig/net/tcp.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace caropig::server {
namespace {

TEST(ServerLeaving, BeforeAndInTheHead) {
    for (const char* sent : {"", "GET /hel"}) {
        Talk talk;
        if (*sent != '\0') talk.client.send(sent);
        talk.client.leave();
        EXPECT_TRUE(talk.client.served());
        EXPECT_EQ(talk.server.connections(), 0u);
        Talk half;
        if (*sent != '\0') half.client.send(sent);
        half.client.finish_sending();
        EXPECT_TRUE(half.client.served());
        EXPECT_EQ(half.client.received(), "");
    }
}

TEST(ServerLeaving, InTheBody) {
    Talk talk;
    talk.client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(talk.service.running, 1);
    support::CapturedLog log;
    talk.client.leave();
    EXPECT_EQ(talk.service.running, 0);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerLeaving, WhileTheHandlerWaits) {
    for (std::string version : {"1.0", "1.1"}) {
        Talk talk;
        talk.client.send("GET /gated HTTP/" + version + "\r\nHost: a\r\n\r\n");
        talk.client.leave();
        EXPECT_EQ(talk.service.cancelled, 1) << "at once, not when it has an answer";
        EXPECT_TRUE(talk.client.served());
    }
}

TEST(ServerLeaving, WhileNothingIsReceived) {
    // Enough has been read ahead, so that no receive is pending which would tell of it; for the second time, and for
    // the first after a request for which the hang-up was waited for already.
    for (bool before : {false, true}) {
        Talk talk(ServerOptions().read_ahead_bytes(100));
        const std::string request =
            "POST /gated HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\n" + std::string(300, 'a');
        if (before) {
            talk.client.send(request);
            talk.service.gate.set();
            talk.loop.run_ready();
            EXPECT_EQ(talk.client.summary(), "200 gated:");
            talk.service.gate.clear();
        }
        talk.client.send(request);
        EXPECT_EQ(talk.service.running, 1);
        talk.client.leave();
        EXPECT_EQ(talk.service.cancelled, 1) << before;
        EXPECT_TRUE(talk.client.served());
    }
}

TEST(ServerLeaving, WithinTheBatchThatBringsTheRequest) {
    // The end of the stream and the hang-up come together with the request. HTTP/1.0 knows no 100 to ask with.
    for (std::string version : {"1.0", "1.1"}) {
        TestLoop loop;
        TestService service;
        Server server(loop, service);
        auto [client, peer] = net::memory_pipe(loop);
        std::string request = "GET /gated HTTP/" + version + "\r\nHost: a\r\n\r\n";
        auto writing = loop.start(client->write(as_bytes(request)));
        client->close();
        loop.run_ready();  // so that the hang-up is told before the request is read
        auto serving = loop.start(server.serve(std::move(peer)));
        EXPECT_TRUE(serving.done()) << version;
        EXPECT_EQ(service.running, 0);
    }
}

TEST(ServerLeaving, JustBeforeTheHandlerEnds) {
    for (const char* request : {"GET /late", "POST /late"}) {
        Talk talk;
        talk.service.answer("/late",
                            [](Exchange&, TestService& service) -> Task<void> { co_await service.gate.wait(); });
        talk.client.send(std::string(request) + " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
        talk.service.gate.set();  // the handler ends before the hang-up is told; its answer finds nobody
        talk.client.leave();
        EXPECT_TRUE(talk.client.served());
        EXPECT_EQ(talk.server.connections(), 0u);
    }
}

TEST(ServerLeaving, WithAnAnswerThatNobodyTakesInFrontOfARequestThatWaits) {
    TestLoop loop;
    TestService service;
    Server server(loop, service);
    for (const char* second : {"/gated", "/sleep", "/silent", "/stream"}) {
        auto [client, peer] = net::memory_pipe(loop);
        std::string requests = get("/hello") + get(second) + get("/hello");
        auto writing = loop.start(client->write(as_bytes(requests)));
        client->close();
        auto serving = loop.start(server.serve(std::move(peer)));
        EXPECT_TRUE(serving.done()) << second;
        EXPECT_EQ(service.running, 0);
        EXPECT_EQ(server.connections(), 0u);
    }
}

TEST(ServerLeaving, WhileItStreams) {
    Talk talk({}, 2000, false);
    talk.client.send(get("/endless"));
    talk.client.leave();
    EXPECT_EQ(talk.service.running, 0);
    EXPECT_TRUE(talk.client.served());
    Talk waiting;
    waiting.client.send(get("/gated-stream"));
    waiting.client.leave();
    EXPECT_EQ(waiting.service.cancelled, 1);
    EXPECT_TRUE(waiting.client.served());
}

TEST(ServerLeaving, WithALongAnswerUnread) {
    for (const char* fields : {"", "Connection: close\r\n"}) {
        Talk talk({}, 2000, false);
        talk.client.send(get("/big", fields));
        EXPECT_FALSE(talk.client.served());
        talk.client.leave();
        EXPECT_TRUE(talk.client.served());
    }
}

TEST(ServerLeaving, WhileABodyIsDrained) {
    Talk talk;
    talk.client.send("POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    EXPECT_EQ(talk.client.summary(), "200 hello");
    talk.client.leave();
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerLeaving, AHandlerThatCatchesCancelledMayStillClean) {
    Talk talk;
    talk.service.answer("/cleans", [](Exchange& exchange, TestService& service) -> Task<void> {
        bool cancelled = false;
        try {
            co_await service.gate.wait();
        } catch (const Cancelled&) {
            cancelled = true;
        }
        if (cancelled) reply(exchange, "nobody hears it");
    });
    talk.client.send(get("/cleans"));
    talk.client.leave();
    EXPECT_EQ(talk.service.running, 0);
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerLeaving, AHalfClosedClientGetsItsAnswer) {
    Talk talk;
    talk.client.send(get("/hello") + get("/gated?1") + get("/target?2"));
    talk.client.finish_sending();
    EXPECT_EQ(talk.service.running, 1) << "it has finished sending, and listens";
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 hello, 100 , 200 gated:1, 200 /target|2") << "100 asks whether it listens";
    EXPECT_TRUE(talk.client.ended());
    EXPECT_TRUE(talk.client.served());
    Talk old;
    old.client.send("GET /gated?1 HTTP/1.0\r\n\r\n");
    old.client.finish_sending();
    EXPECT_EQ(old.service.running, 1);
    old.service.gate.set();
    old.loop.run_ready();
    EXPECT_EQ(old.client.summary(), "200 gated:1");
    EXPECT_TRUE(old.client.served());
}

TEST(ServerLeaving, AHalfClosedClientGetsALongAnswerAndAStream) {
    Talk talk({}, 1000);
    talk.client.send(get("/big") + get("/gated-stream"));
    talk.client.finish_sending();
    talk.service.gate.set();
    talk.loop.run_ready();
    ASSERT_EQ(talk.client.answers().size(), 2u);
    EXPECT_EQ(talk.client.answers()[1].body, "beginend");
    EXPECT_TRUE(talk.client.served());
}

TEST(ServerLeaving, ServingThatIsCancelledClosesAtOnce) {
    for (const char* path : {"/gated", "/endless", "/hello", "/gated-stream"}) {
        Talk talk({}, 1000, false);
        talk.client.send(get(path));
        talk.client.cancel_serving();
        EXPECT_TRUE(talk.client.served());
        EXPECT_EQ(talk.service.running, 0);
        EXPECT_EQ(talk.server.connections(), 0u);
    }
}

TEST(ServerLeaving, AClientThatResetsIsStillNamed) {
    Loop loop;
    TestService service;
    static std::string named;
    named.clear();
    service.answer("/named", [](Exchange& exchange, TestService& own) -> Task<void> {
        try {
            co_await own.gate.wait();
        } catch (const Cancelled&) {
            named = exchange.peer();
            throw;
        }
    });
    Server server(loop, service);
    auto listener = net::listen_tcp("127.0.0.1", 0);
    auto client = support::RawSocket::connect(listener->port());
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ASSERT_EQ(::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size), 0);
    std::unique_ptr<net::Stream> stream;
    listener->start(loop, [&](std::unique_ptr<net::Stream> accepted) { stream = std::move(accepted); });
    support::run_until(loop, [&] { return stream != nullptr; });
    client.send(get("/named"));
    std::jthread leaving([&] {
        while (service.running == 0) std::this_thread::yield();
        client.reset();
    });
    loop.run_until(server.serve(std::move(stream)));
    EXPECT_EQ(named, "127.0.0.1:" + std::to_string(ntohs(own.sin_port)));
    EXPECT_EQ(service.cancelled, 1);
}

/// What one conversation with every kind of step costs in operations, and what becomes of it when one of them fails.
struct Outcome {
    int reads = 0;
    int writes = 0;
    std::string summary;
};

Outcome converse(int failing_read, int failing_write, int error) {
    FaultStream* faults = nullptr;
    support::CapturedLog log;
    Outcome outcome;
    TestLoop loop;
    TestService service;
    Server server(loop, service);
    Client client(loop, server, 2000, true, [&](std::unique_ptr<net::Stream> below) {
        auto wrapper = std::make_unique<FaultStream>(std::move(below));
        faults = wrapper.get();
        if (failing_read > 0) wrapper->fail_read(failing_read, error);
        if (failing_write > 0) wrapper->fail_write(failing_write, error);
        return wrapper;
    });
    auto step = [&](const std::string& text) {
        if (!client.served()) {
            client.send(text);
            if (!client.served()) outcome = {faults->reads(), faults->writes(), {}};
        }
    };
    step(get("/hello") + get("/gated?1") + get("/hello"));
    service.gate.set();
    loop.run_ready();
    step(get("/hello") + get("/silent"));
    step(post("/echo", "body", "Expect: 100-continue\r\n").substr(0, 80));
    step(post("/echo", "body", "Expect: 100-continue\r\n").substr(80));
    step(post("/hello", std::string(5000, 'x')));
    step(get("/stream") + get("/big") + get("/stream-length"));
    step("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab");
    step("c\r\n0\r\n\r\n" + get("/too-short"));
    loop.advance(200s);
    EXPECT_TRUE(client.served());
    EXPECT_EQ(server.connections(), 0u);
    EXPECT_EQ(service.running, 0);
    outcome.summary = client.summary();
    return outcome;
}

TEST(ServerLeaving, EachOperationFailingInTurnEndsTheConnection) {
    Outcome whole = converse(0, 0, 0);
    EXPECT_GT(whole.reads, 8);
    EXPECT_GT(whole.writes, 8);
    for (int error : {ECONNRESET, EPIPE}) {
        for (int n = 1; n <= whole.reads; ++n) {
            Outcome outcome = converse(n, 0, error);
            EXPECT_TRUE(whole.summary.starts_with(outcome.summary.substr(0, outcome.summary.find('!')))) << n;
        }
        for (int n = 1; n <= whole.writes; ++n) {
            Outcome outcome = converse(0, n, error);
            EXPECT_TRUE(whole.summary.starts_with(outcome.summary.substr(0, outcome.summary.find('!')))) << n;
        }
    }
}

}  // namespace
}  // namespace caropig::server
