#include "net/dns_server.h"
#include "support/loop_until.h"
#include "support/raw_socket.h"
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/net/connect.h>
#include <caropig/net/tcp.h>

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using namespace std::chrono_literals;

struct Server {
    explicit Server(std::string_view address) : listener(listen_tcp(address, 0)) {
        listener->start(loop, [this](std::unique_ptr<Stream> stream) { streams.push_back(std::move(stream)); });
    }
    Loop loop;
    Resolver resolver{loop};
    std::vector<std::unique_ptr<Stream>> streams;
    std::unique_ptr<Listener> listener;
};

TEST(Connect, ReachesALiteral) {
    for (const char* host : {"127.0.0.1", "::1"}) {
        Server server(host);
        auto stream = server.loop.run_until(connect_tcp(server.resolver, host, server.listener->port()));
        EXPECT_EQ(stream->peer(), server.listener->address());
        support::run_until(server.loop, [&] { return server.streams.size() == 1; });
        server.loop.run_until(stream->write(as_bytes("hello")));
        std::string text(5, '\0');
        EXPECT_EQ(server.loop.run_until(server.streams[0]->read_some(std::as_writable_bytes(std::span(text)))), 5u);
        EXPECT_EQ(text, "hello");
    }
}

TEST(Connect, FallsBackToTheFamilyThatAnswers) {
    Server server("127.0.0.1");
    auto stream = server.loop.run_until(connect_tcp(server.resolver, "localhost", server.listener->port()));
    EXPECT_EQ(stream->peer(), server.listener->address());
}

TEST(Connect, RefusedNamesHostPortAndAddress) {
    Loop loop;
    Resolver resolver(loop);
    std::uint16_t port = listen_tcp("127.0.0.1", 0)->port();
    std::string where = ":" + std::to_string(port);
    for (auto [host, operation] : {std::pair("127.0.0.1", "connect to 127.0.0.1" + where),
                                   std::pair("localhost", "connect to localhost" + where + " ([::1]" + where + ")")}) {
        try {
            loop.run_until(connect_tcp(resolver, host, port));
            FAIL() << "no error";
        } catch (const IoError& error) {
            EXPECT_EQ(error.code().value(), ECONNREFUSED);
            EXPECT_EQ(error.operation(), operation);
        }
    }
}

TEST(Connect, CancelledWhileItWaitsForAnAnswerCloses) {
    Loop loop;
    Resolver resolver(loop);
    // A listener whose queue is full answers no further SYN: connecting hangs.
    auto listener = listen_tcp("127.0.0.1", 0, ListenOptions().backlog(0));
    std::vector<std::unique_ptr<Stream>> filling;
    bool hung = false;
    for (int i = 0; i < 10 && !hung; ++i) {
        auto timer = loop.call_later(50ms, [&] { loop.stop(); });
        try {
            filling.push_back(loop.run_until(connect_tcp(resolver, "127.0.0.1", listener->port())));
        } catch (const Cancelled&) {
            hung = true;
        }
        loop.cancel(timer);
    }
    EXPECT_TRUE(hung);
}

TEST(Connect, FromAnAddressOfOnesOwn) {
    Loop loop;
    auto listener = listen_tcp("127.0.0.1", 0);
    std::string from;
    listener->start(loop, [&](std::unique_ptr<Stream> stream) { from = stream->peer(); });
    Resolver resolver(loop);
    const auto options = ConnectOptions().local_address(*Address::parse("127.0.0.77", 0));
    auto stream = loop.run_until(connect_tcp(resolver, "localhost", listener->port(), options));
    support::run_until(loop, [&] { return !from.empty(); });
    EXPECT_TRUE(from.starts_with("127.0.0.77:")) << from;
    stream.reset();
    listener->stop();
    try {
        loop.run_until(connect_tcp(resolver, "::1", 80, options));
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_STREQ(error.what(), "connect to [::1]:80 from 127.0.0.77: Address family not supported by protocol");
    }
    const auto foreign = ConnectOptions().local_address(*Address::parse("192.0.2.1", 0));
    EXPECT_THROW(loop.run_until(connect_tcp(resolver, "127.0.0.1", 80, foreign)), IoError);
}

}  // namespace
}  // namespace caropig::net
