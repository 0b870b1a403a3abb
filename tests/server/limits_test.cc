#include "server/test_server.h"
#include "support/captured_log.h"

#include <gtest/gtest.h>

/// Limits and deadlines of who takes more than its share: each just below and just above.
namespace caropig::server {
namespace {

TEST(ServerLimits, TheLastRequestOfAConnectionClosesIt) {
    Talk talk(ServerOptions().max_requests(3));
    talk.client.send(get("/hello") + get("/gated?2") + get("/hello") + get("/hello"));
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 hello, 200 gated:2, 200 hello");
    EXPECT_EQ(talk.client.answers()[1].field("Connection"), std::nullopt);
    EXPECT_EQ(talk.client.answers()[2].field("Connection"), "close");
    EXPECT_TRUE(talk.client.ended());
    EXPECT_EQ(talk.service.served, 3);
}

/// Counts the requests that are served between two rounds of the loop.
std::vector<int> requests_by_round(Talk& talk, const std::string& batch) {
    std::vector<int> counts;
    int before = talk.service.served;
    struct Watch : ReadyNode {
        Watch(Talk& talk_, std::vector<int>& counts_, int before_)
            : ReadyNode([](ReadyNode& self) noexcept {
                  auto& watch = static_cast<Watch&>(self);
                  int now = watch.talk.service.served;
                  if (now != watch.before) watch.counts.push_back(now - std::exchange(watch.before, now));
                  if (watch.rounds-- > 0) watch.talk.loop.schedule(watch);
              }),
              talk(talk_),
              counts(counts_),
              before(before_) {}
        Talk& talk;
        std::vector<int>& counts;
        int before;
        int rounds = 1000;
    } watch(talk, counts, before);
    talk.loop.schedule(watch);
    talk.client.send(batch);
    return counts;
}

TEST(ServerLimits, ConnectionsOfOneAddressAreLimited) {
    TestLoop loop;
    TestService service;
    net::Listener::OnAccept accept;
    Server server(loop, service, ServerOptions().max_connections_per_address(2));
    server.listen(std::make_unique<TestListener>(accept));
    support::CapturedLog log;
    std::vector<std::unique_ptr<net::Stream>> clients;
    const auto connect = [&](std::string peer) {
        auto [client, other] = net::memory_pipe(loop);
        accept(std::make_unique<FromAddress>(std::move(other), std::move(peer)));
        loop.run_ready();
        std::string text(1000, '\0');
        auto reading = loop.start(client->read_some(std::as_writable_bytes(std::span(text))));
        text.resize(reading.done() ? reading.result() : 0);
        clients.push_back(std::move(client));
        auto answers = parse_answers(text);
        if (answers.empty()) return std::string("accepted");
        return std::to_string(answers[0].status) + " " + answers[0].field("Retry-After").value_or("");
    };
    EXPECT_EQ(connect("192.0.2.1:1"), "accepted");
    EXPECT_EQ(connect("192.0.2.1:2"), "accepted");
    EXPECT_EQ(connect("192.0.2.1:3"), "503 1");
    EXPECT_EQ(connect("192.0.2.2:1"), "accepted") << "another address";
    EXPECT_EQ(connect("[2001:db8::1]:1"), "accepted");
    EXPECT_EQ(connect("[2001:db8::2:1]:1"), "accepted");
    EXPECT_EQ(connect("[2001:db8:0:0:ffff::]:1"), "503 1") << "the same /64";
    EXPECT_EQ(connect("[2001:db8:0:1::1]:1"), "accepted");
    EXPECT_EQ(server.limits().connections_per_address, 2u);
    ASSERT_EQ(log.lines().size(), 1u) << "one line a second";
    EXPECT_NE(log.lines()[0].find("max_connections_per_address"), std::string::npos);
    clients.clear();
    loop.run_ready();
    EXPECT_EQ(server.connections(), 0u);
    EXPECT_EQ(connect("192.0.2.1:4"), "accepted") << "they are counted while they are open";
    clients.clear();
    loop.run_ready();
}

TEST(ServerLimits, RefusedConnectionsDoNotPileUp) {
    TestLoop loop;
    TestService service;
    net::Listener::OnAccept accept;
    Server server(loop, service, ServerOptions().max_connections(0));
    server.listen(std::make_unique<TestListener>(accept));
    support::CapturedLog log;
    std::vector<std::unique_ptr<net::Stream>> clients;
    for (int i = 0; i < 3000; ++i) {
        auto [client, other] = net::memory_pipe(loop);
        accept(std::move(other));
        clients.push_back(std::move(client));
    }
    loop.run_ready();
    EXPECT_EQ(server.connections(), 1024u);
    EXPECT_EQ(server.limits().connections, 3000u);
    loop.advance(2s);
    EXPECT_EQ(server.connections(), 0u) << "linger_timeout";
}

TEST(ServerLimits, APipelineTakesTurnsWithTheOthers) {
    std::string batch;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        batch += get("/target?" + std::to_string(i));
        expected += (i == 0 ? "200 /target|" : ", 200 /target|") + std::to_string(i);
    }
    for (std::size_t turn : {0, 1, 7, 64}) {
        Talk talk(ServerOptions().requests_per_turn(turn));
        std::vector<int> counts = requests_by_round(talk, batch);
        ASSERT_FALSE(counts.empty());
        for (int count : counts) EXPECT_LE(count, std::max(static_cast<int>(turn), 1)) << "none would be none for ever";
        talk.loop.run_ready();
        EXPECT_EQ(talk.client.summary(), expected);
        EXPECT_FALSE(talk.client.served());
    }
}

TEST(ServerLimits, HandlersThatEndAtOnceTakeTurnsToo) {
    std::string batch;
    for (int i = 0; i < 300; ++i) batch += post("/echo", std::to_string(i));
    Talk talk(ServerOptions().requests_per_turn(10));
    for (int count : requests_by_round(talk, batch)) EXPECT_LE(count, 10);
    talk.loop.run_ready();
    auto answers = talk.client.answers();
    ASSERT_EQ(answers.size(), 300u);
    for (int i = 0; i < 300; ++i) EXPECT_EQ(answers[i].body, std::to_string(i));
}

TEST(ServerLimits, WaitingForATurnIsNoSlowHead) {
    // The deadline of the first head has long passed when the pipeline comes.
    Talk talk(ServerOptions().requests_per_turn(1).header_timeout(10s));
    talk.loop.advance(9999ms);
    std::string batch;
    for (int i = 0; i < 50; ++i) batch += get("/hello");
    talk.client.send(batch);
    talk.loop.advance(5s);
    EXPECT_EQ(talk.client.answers().size(), 50u);
    EXPECT_FALSE(talk.client.served());
}

TEST(ServerLimits, AClientThatLeavesWhileItsPipelineWaitsForATurn) {
    TestLoop loop;
    TestService service;
    Server server(loop, service, ServerOptions().requests_per_turn(1));
    auto [client, peer] = net::memory_pipe(loop);
    std::string batch;
    for (int i = 0; i < 100; ++i) batch += get("/hello");
    auto writing = loop.start(client->write(as_bytes(batch)));
    auto serving = loop.start(server.serve(std::move(peer)));
    client->close();
    loop.run_ready();
    EXPECT_TRUE(serving.done());
    EXPECT_EQ(server.connections(), 0u);
}

/// The most that a handler of 16 pieces of 64 KiB writes in a row, when each takes so many microseconds.
std::size_t most_written_in_a_row(int duration) {
    Talk talk({}, std::size_t{4} << 20, false);
    talk.service.answer("/fast", [](Exchange& exchange, TestService& service) -> Task<void> {
        ResponseHead head;
        exchange.start_response(head, std::nullopt);
        std::string piece(1 << 16, 'f');
        auto& clock = static_cast<testkit::ManualClock&>(exchange.loop().clock());
        const std::chrono::microseconds duration(std::stoi(std::string(exchange.headers().find("Duration").value())));
        for (int i = 0; i < 16; ++i) {
            clock.move_to(clock.now() + duration);
            co_await exchange.write(piece);
            service.written += piece.size();
        }
        co_await exchange.finish();
    });
    struct Watch : ReadyNode {
        explicit Watch(Talk& owner)
            : ReadyNode([](ReadyNode& self) noexcept {
                  auto& watch = static_cast<Watch&>(self);
                  std::size_t now = watch.talk.service.written;
                  watch.most = std::max(watch.most, now - std::exchange(watch.before, now));
                  if (watch.rounds-- > 0) watch.talk.loop.schedule(watch);
              }),
              talk(owner) {}
        Talk& talk;
        std::size_t before = 0;
        std::size_t most = 0;
        int rounds = 100;
    } watch(talk);
    talk.loop.schedule(watch);
    talk.client.send("GET /fast HTTP/1.1\r\nHost: a\r\nDuration: " + std::to_string(duration) + "\r\n\r\n");
    EXPECT_EQ(talk.service.written, std::size_t{1} << 20);
    return watch.most;
}

TEST(ServerLimits, AWriterToAFastReaderTakesTurns) {
    constexpr std::size_t kPiece = 1 << 16;
    EXPECT_EQ(most_written_in_a_row(0), 4 * kPiece);
    EXPECT_EQ(most_written_in_a_row(400), 3 * kPiece) << "the loop is busy, and others wait";
    EXPECT_EQ(most_written_in_a_row(2000), kPiece);
}

TEST(ServerLimits, ABodyMayTakeLongAtTheRate) {
    support::CapturedLog log;
    for (bool fast : {true, false}) {
        Talk talk(ServerOptions().body_timeout(20s).min_body_rate(100).handler_timeout(0s));
        talk.client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6300\r\n\r\n");
        std::string piece(fast ? 105 : 95, 'x');
        for (int second = 0; second < 60 && !talk.client.ended(); ++second) {
            talk.client.send(piece);
            talk.loop.advance(1s);
        }
        auto answers = talk.client.answers();
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].status, fast ? 200 : 408);
        EXPECT_EQ(talk.server.limits().body_deadline, fast ? 0u : 1u);
    }
    ASSERT_EQ(log.lines().size(), 1u);
    EXPECT_NE(log.lines()[0].find("min_body_rate"), std::string::npos);
}

TEST(ServerLimits, ASlowHandlerIsNotTheClientsFault) {
    Talk talk(ServerOptions().body_timeout(20s).handler_timeout(0s).read_ahead_bytes(1));
    talk.service.answer("/slow", [](Exchange& exchange, TestService&) -> Task<void> {
        std::size_t size = 0;
        while (auto piece = co_await exchange.read_body()) {
            size += piece->size();
            co_await sleep_for(30s);
        }
        reply(exchange, std::to_string(size));
    });
    talk.client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    talk.loop.advance(45s);
    talk.client.send("cd");
    talk.loop.advance(30s);
    EXPECT_EQ(talk.client.summary(), "200 4") << "it was waited for 15 seconds only";
}

TEST(ServerLimits, ASlowClientIsNotTheHandlersFault) {
    support::CapturedLog log;
    Talk talk(ServerOptions().body_timeout(60s).handler_timeout(7s));
    talk.client.send("POST /gated-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    talk.loop.advance(3s);
    talk.service.gate.set();
    talk.loop.run_ready();
    talk.loop.advance(50s);
    talk.client.send("cd");
    EXPECT_EQ(talk.client.summary(), "200 abcd");

    Talk late(ServerOptions().body_timeout(60s).handler_timeout(7s));
    late.service.answer("/late", [](Exchange& exchange, TestService& service) -> Task<void> {
        co_await sleep_for(3s);
        co_await exchange.read_whole_body();
        co_await gated(exchange, service);
    });
    late.client.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    late.loop.advance(50s);
    late.client.send("cd");
    late.loop.advance(4s - 1ms);
    EXPECT_EQ(late.service.running, 1) << "3 of its 7 seconds have passed before it read";
    late.loop.advance(1ms);
    EXPECT_EQ(late.client.summary(), "503 the request took too long\n");
    EXPECT_EQ(late.server.limits().handler_deadline, 1u);
}

TEST(ServerLimits, AReaderThatTakesAByteNowAndThenIsClosed) {
    support::CapturedLog log;
    for (bool fast : {true, false}) {
        Talk talk(ServerOptions().write_timeout(10s).min_write_rate(100), 1000, false);
        talk.client.send(get("/big"));
        talk.loop.advance(1s);
        std::size_t size = fast ? 120 : 80;
        for (int second = 1; second < 100 && !talk.client.served(); ++second) {
            talk.client.read_once(size);
            talk.loop.advance(1s);
        }
        EXPECT_EQ(talk.client.served(), !fast);
        EXPECT_EQ(talk.server.limits().write_deadline, fast ? 0u : 1u);
    }
    ASSERT_EQ(log.lines().size(), 1u);
    EXPECT_NE(log.lines()[0].find("min_write_rate"), std::string::npos);
}

TEST(ServerLimits, WhatAllConnectionsHoldIsLimited) {
    support::CapturedLog log;
    TestLoop loop;
    TestService service;
    Server server(loop, service, ServerOptions().max_buffered_bytes(10000).max_head_bytes(5000).read_ahead_bytes(4000));
    std::string half = "GET /hello HTTP/1.1\r\nX: " + std::string(4000 - 24, 'x');
    ASSERT_EQ(half.size(), 4000u);
    Client first(loop, server);
    Client second(loop, server);
    Client third(loop, server);
    first.send(half);
    second.send(half);
    EXPECT_EQ(server.buffered(), 8000u);
    third.send(half.substr(0, 2000));
    EXPECT_EQ(server.buffered(), 10000u);
    EXPECT_EQ(third.received(), "");
    third.send("x");
    EXPECT_EQ(third.summary(), "503 the server is busy\n");
    EXPECT_EQ(third.answers().at(0).field("Retry-After"), "1");
    EXPECT_EQ(server.limits().buffered, 1u);
    ASSERT_EQ(log.lines().size(), 1u);
    EXPECT_NE(log.lines()[0].find("max_buffered_bytes"), std::string::npos);
    third.leave();
    Client fourth(loop, server);
    fourth.send(get("/hello"));
    EXPECT_EQ(fourth.summary(), "200 hello") << "what is held by nobody counts nothing";
    first.send("\r\nHost: a\r\n\r\n");
    EXPECT_EQ(first.summary(), "200 hello");
    second.leave();
    EXPECT_EQ(server.buffered(), 0u);
}

TEST(ServerLimits, NothingIsReadAheadWhereTooMuchIsHeld) {
    FaultStream* counter = nullptr;
    Talk talk(ServerOptions().max_buffered_bytes(1000).read_ahead_bytes(50000), 1000, true,
              [&](std::unique_ptr<net::Stream> below) {
                  auto wrapper = std::make_unique<FaultStream>(std::move(below));
                  counter = wrapper.get();
                  return wrapper;
              });
    std::string body(20000, 'b');
    talk.client.send(post("/gated-echo", body));
    EXPECT_LE(counter->reads(), 4) << "of 1000 bytes each";
    talk.service.gate.set();
    talk.loop.run_ready();
    EXPECT_EQ(talk.client.summary(), "200 " + body) << "but all of it when it is asked for";
    EXPECT_EQ(talk.server.limits().buffered, 0u);
}

TEST(ServerLimits, AnswersThatNobodyTakesAreHeldToo) {
    Talk talk({}, 1000, false);
    talk.client.send(get("/big"));
    EXPECT_GT(talk.server.buffered(), 90000u);
    talk.client.start_reading();
    talk.loop.run_ready();
    EXPECT_EQ(talk.server.buffered(), 0u);
}

TEST(ServerLimits, EachLimitIsNamedAndCounted) {
    support::CapturedLog log;
    TestLoop loop;
    TestService service;
    ServerOptions options;
    options.max_target_bytes(10).max_head_bytes(1000).max_fields(3).max_body_bytes(5).header_timeout(10s);
    Server server(loop, service, options);
    const auto ask = [&](const std::string& request) {
        Client client(loop, server);
        client.send(request);
        loop.advance(10s);
        return client.answers().at(0).status;
    };
    EXPECT_EQ(ask(get("/0123456789")), 414);
    EXPECT_EQ(ask(get("/hello", "X: " + std::string(1000, 'x') + "\r\n")), 431);
    EXPECT_EQ(ask(get("/hello", "A: b\r\nA: b\r\nA: b\r\n")), 431);
    EXPECT_EQ(ask(post("/echo", "123456")), 413);
    EXPECT_EQ(ask("GET"), 408);
    const LimitCounters& limits = server.limits();
    EXPECT_EQ(limits.target, 1u);
    EXPECT_EQ(limits.head, 2u);
    EXPECT_EQ(limits.body, 1u);
    EXPECT_EQ(limits.head_deadline, 1u);
    const auto lines = log.lines();
    ASSERT_EQ(lines.size(), 5u);
    const char* names[] = {"max_target_bytes", "max_head_bytes", "max_fields", "max_body_bytes", "header_timeout"};
    for (int i = 0; i < 5; ++i) EXPECT_NE(lines[i].find(names[i]), std::string::npos) << lines[i];
}

}  // namespace
}  // namespace caropig::server
