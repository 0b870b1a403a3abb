#include "client/connector.h"

#include <caropig/loop/loop.h>
#include <caropig/net/tcp.h>
#include <caropig/net/unix.h>

#include <optional>

#include <gtest/gtest.h>
#include <unistd.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

/// What connect() came to.
struct Outcome {
    std::unique_ptr<net::Stream> stream;
    std::optional<FetchError> error;
    Phase reached = Phase::kResolve;
};

Task<Outcome> connect(Connector& connector, Origin origin) {
    Outcome outcome;
    try {
        Connected connected = co_await connector.connect(std::move(origin), outcome.reached);
        outcome.stream = std::move(connected.stream);
    } catch (const FetchError& error) {
        outcome.error = error;
    }
    co_return outcome;
}

/// An abstract name that no other process has.
std::string own_name(std::string_view suffix) {
    return "@caropig-connector-" + std::to_string(::getpid()) + "-" + std::string(suffix);
}

TEST(Connector, ConnectsToHostAndPort) {
    Loop loop;
    auto listener = net::listen_tcp("127.0.0.1", 0);
    Connector connector(loop, {});
    const Outcome outcome = loop.run_until(connect(connector, Origin("http", "127.0.0.1", listener->port())));
    ASSERT_TRUE(outcome.stream) << outcome.error->what();
    EXPECT_EQ(outcome.stream->peer(), listener->address());
    EXPECT_EQ(outcome.reached, Phase::kConnect);
}

TEST(Connector, ConnectsToUnixSocketOfOrigin) {
    Loop loop;
    const std::string path = own_name("origin");
    auto listener = net::listen_unix(path);
    Connector connector(loop, {});
    const Outcome outcome = loop.run_until(connect(connector, Origin("http", "nosuch.invalid", 80, path)));
    ASSERT_TRUE(outcome.stream) << outcome.error->what();
    EXPECT_EQ(outcome.stream->peer(), "unix:" + path);
}

TEST(Connector, ConnectsToUnixSocketOfOptions) {
    Loop loop;
    const std::string path = own_name("options");
    auto listener = net::listen_unix(path);
    Connector connector(loop, ConnectionOptions().unix_socket(path));
    const Outcome outcome = loop.run_until(connect(connector, Origin("http", "nosuch.invalid", 80)));
    ASSERT_TRUE(outcome.stream) << outcome.error->what();
    EXPECT_EQ(outcome.stream->peer(), "unix:" + path);
}

TEST(Connector, NobodyOnTheUnixSocket) {
    Loop loop;
    Connector connector(loop, {});
    const Outcome outcome = loop.run_until(connect(connector, Origin("http", "h", 80, own_name("nobody"))));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), Kind::kUnreachable);
    EXPECT_EQ(outcome.error->phase(), Phase::kConnect);
    EXPECT_EQ(std::string(outcome.error->what()),
              "fetch http://h: connect to unix:" + own_name("nobody") + ": Connection refused");
}

TEST(Connector, UnresolvableName) {
    Loop loop;
    Connector connector(loop, {});
    const Outcome outcome = loop.run_until(connect(connector, Origin("http", "", 80)));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), Kind::kUnresolvable);
    EXPECT_EQ(outcome.error->phase(), Phase::kResolve);
    EXPECT_EQ(outcome.reached, Phase::kResolve);
}

TEST(ConnectionOptions, RefusesLimitsThatAreNone) {
    EXPECT_THROW(ConnectionOptions().resolve_timeout(-1s), std::invalid_argument);
    EXPECT_THROW(ConnectionOptions().connect_timeout(24h * 400), std::invalid_argument);
}

TEST(Origin, TextIsThatOfTheUrl) {
    EXPECT_EQ(Origin("https", "::1", 8443).text(), "https://[::1]:8443");
    EXPECT_EQ(Origin("http", "example.com", 80).text(), "http://example.com");
}

}  // namespace
}  // namespace caropig::client
