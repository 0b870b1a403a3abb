#include "server/test_server.h"
#include "support/captured_log.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

/// A server whose connections begin with a PROXY header.
namespace caropig::server {
namespace {

const std::string kHeader = "PROXY TCP4 192.0.2.1 198.51.100.2 1234 80\r\n";

net::Networks networks(std::string_view list) { return net::Networks::parse(list).value(); }

ServerOptions from(std::string_view proxies) {
    return ServerOptions().proxies(ProxyOptions().proxy_protocol_from(networks(proxies)));
}

/// A connection that the server has accepted from `peer`.
struct Accepted {
    Accepted(TestLoop& loop_, net::Listener::OnAccept& accept, std::string peer) : loop(loop_) {
        auto [near, far] = net::memory_pipe(loop);
        client = std::move(near);
        accept(std::make_unique<FromAddress>(std::move(far), std::move(peer)));
        loop.run_ready();
        reading.emplace(loop.start(read(*this)));
    }
    void send(std::string_view text) {
        auto writing = loop.start(client->write(as_bytes(text)));
        loop.run_ready();
    }
    [[nodiscard]] std::string summary() const {
        std::string text = ended ? "closed" : "open";
        for (const Answer& answer : parse_answers(received, {}, ended)) {
            text += ", " + std::to_string(answer.status) + " " + answer.body;
        }
        return text;
    }
    static Task<void> read(Accepted& self) {
        std::vector<std::byte> buffer(10000);
        try {
            while (std::size_t size = co_await self.client->read_some(buffer)) {
                self.received.append(reinterpret_cast<const char*>(buffer.data()), size);
            }
        } catch (const IoError&) {
        }
        self.ended = true;
    }

    TestLoop& loop;
    std::unique_ptr<net::Stream> client;
    std::string received;
    bool ended = false;
    std::optional<Started<void>> reading;
};

struct Behind {
    explicit Behind(const ServerOptions& options) : server(loop, service, options) {
        service.answer("/peer", [](Exchange& exchange, TestService&) { reply(exchange, exchange.peer()); });
        server.listen(std::make_unique<TestListener>(accept));
    }
    ~Behind() {
        auto stopping = loop.start(server.stop());
        loop.advance(60s);
        EXPECT_TRUE(stopping.done());
    }
    Accepted connect(std::string peer = "10.0.0.1:999") { return {loop, accept, std::move(peer)}; }

    support::CapturedLog log;
    TestLoop loop;
    TestService service;
    net::Listener::OnAccept accept;
    Server server;
};

TEST(ServerProxyProtocol, ThePeerIsWhomTheHeaderNames) {
    Behind talk(from("10.0.0.0/8"));
    auto first = talk.connect();
    first.send(kHeader + get("/peer") + get("/peer"));
    EXPECT_EQ(first.summary(), "open, 200 192.0.2.1:1234, 200 192.0.2.1:1234");
    auto second = talk.connect();
    second.send("PROXY UNKNOWN\r\n" + get("/peer"));
    EXPECT_EQ(second.summary(), "open, 200 10.0.0.1:999");
    auto third = talk.connect();
    for (char c : kHeader + get("/peer")) third.send(std::string_view(&c, 1));
    EXPECT_EQ(third.summary(), "open, 200 192.0.2.1:1234");
    EXPECT_EQ(talk.server.limits().proxy_protocol, 0u);
    EXPECT_TRUE(talk.log.lines().empty());
}

TEST(ServerProxyProtocol, ATrustedProxyMustSendAGoodHeader) {
    for (const std::string& text :
         {get("/peer"), "PROXY TCP4 192.0.2.1\r\n" + get("/peer"), "PROXY UNKNOWN\n" + get("/peer")}) {
        Behind talk(from("10.0.0.0/8"));
        auto client = talk.connect();
        client.send(text);
        EXPECT_EQ(client.summary(), "closed") << text;
        EXPECT_EQ(talk.service.served, 0);
        EXPECT_EQ(talk.server.limits().proxy_protocol, 1u);
        EXPECT_EQ(talk.server.connections(), 0u);
        ASSERT_EQ(talk.log.lines().size(), 1u);
        EXPECT_NE(talk.log.lines()[0].find("proxy_protocol_from, 10.0.0.1:999: "), std::string::npos)
            << talk.log.lines()[0];
    }
}

TEST(ServerProxyProtocol, StrangersAreClosedWhateverTheySend) {
    Behind talk(from("10.0.0.0/8"));
    for (const char* peer : {"11.0.0.1:1", "[2001:db8::1]:1", "unix:", ""}) {
        auto client = talk.connect(peer);
        EXPECT_EQ(client.summary(), "closed") << peer;
    }
    EXPECT_EQ(talk.server.limits().proxy_protocol, 4u);
    EXPECT_EQ(talk.log.lines().size(), 1u) << "one line a second";
}

TEST(ServerProxyProtocol, UnixSocketsCanBeTrusted) {
    Behind talk(from("unix"));
    auto client = talk.connect("unix:");
    client.send(kHeader + get("/peer"));
    EXPECT_EQ(client.summary(), "open, 200 192.0.2.1:1234");
}

TEST(ServerProxyProtocol, AHeaderIsNotReadWhereItIsOff) {
    Behind talk{ServerOptions()};
    auto client = talk.connect();
    client.send(kHeader + get("/peer"));
    EXPECT_TRUE(client.summary().starts_with("closed, 400 ")) << client.summary();
    EXPECT_EQ(talk.server.limits().proxy_protocol, 0u);
}

TEST(ServerProxyProtocol, HeaderAndHeadHaveOneDeadline) {
    for (const std::string& begun : {std::string(), std::string("PROXY"), kHeader, kHeader + "GET"}) {
        Behind talk(from("10.0.0.0/8").header_timeout(5s));
        auto client = talk.connect();
        talk.loop.advance(3s);
        client.send(begun);
        talk.loop.advance(2s - 1ms);
        EXPECT_EQ(client.summary(), "open") << begun;
        talk.loop.advance(1ms);
        talk.loop.advance(5s);
        EXPECT_TRUE(client.ended) << begun;
        EXPECT_EQ(talk.server.connections(), 0u);
    }
}

TEST(ServerProxyProtocol, AProbeIsNoFailure) {
    Behind talk(from("10.0.0.0/8"));
    auto client = talk.connect();
    client.client->shutdown_write();
    talk.loop.run_ready();
    EXPECT_EQ(client.summary(), "closed");
    EXPECT_EQ(talk.server.limits().proxy_protocol, 0u);
}

TEST(ServerProxyProtocol, ConnectionsAreCountedForTheirClients) {
    Behind talk(from("10.0.0.0/8").max_connections_per_address(1));
    auto first = talk.connect();
    auto second = talk.connect();
    auto other = talk.connect();
    first.send(kHeader + get("/peer"));
    second.send(kHeader + get("/peer"));
    other.send("PROXY TCP4 192.0.2.2 198.51.100.2 1 80\r\n" + get("/peer"));
    EXPECT_EQ(first.summary(), "open, 200 192.0.2.1:1234");
    EXPECT_TRUE(second.summary().ends_with(", 503 too many connections\n")) << second.summary();
    EXPECT_EQ(other.summary(), "open, 200 192.0.2.2:1");
    EXPECT_EQ(talk.server.limits().connections_per_address, 1u);
    EXPECT_EQ(talk.service.served, 2);
    first.client->close();
    talk.loop.advance(3s);  // linger_timeout of the one that was refused
    auto third = talk.connect();
    third.send(kHeader + get("/peer"));
    EXPECT_EQ(third.summary(), "open, 200 192.0.2.1:1234") << "there is room again";
}

TEST(ServerProxyProtocol, ARefusedConnectionIsRefusedOnce) {
    Behind talk(from("10.0.0.0/8").max_connections(1).max_connections_per_address(1));
    auto first = talk.connect();
    first.send(kHeader + get("/peer"));
    auto second = talk.connect();
    second.send(kHeader + get("/peer"));
    EXPECT_TRUE(second.summary().ends_with(", 503 too many connections\n")) << second.summary();
    EXPECT_EQ(talk.server.limits().connections, 1u);
    EXPECT_EQ(talk.server.limits().connections_per_address, 0u);
    EXPECT_EQ(talk.service.served, 1);
}

TEST(ServerProxyProtocol, StoppingDoesNotWaitForHeaders) {
    Behind talk(from("10.0.0.0/8").shutdown_idle_timeout(500ms));
    auto idle = talk.connect();
    auto begun = talk.connect();
    begun.send("PROXY");
    auto stopping = talk.loop.start(talk.server.stop());
    talk.loop.advance(500ms);
    EXPECT_TRUE(stopping.done());
    EXPECT_TRUE(idle.ended && begun.ended);
}

}  // namespace
}  // namespace caropig::server
