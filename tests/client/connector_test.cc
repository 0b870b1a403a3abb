#include "client/connector.h"

#include "support/certificates.h"
#include <caropig/async/scope.h>
#include <caropig/async/when_all.h>
#include <caropig/loop/loop.h>
#include <caropig/net/connect.h>
#include <caropig/net/tcp.h>
#include <caropig/net/tls.h>
#include <caropig/net/unix.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

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

/// A server on a port of its own, on the loop of the test: `serve` is run for each connection.
class Upstream {
public:
    using Serve = std::function<Task<void>(std::unique_ptr<net::Stream>)>;
    Upstream(Loop& loop, Serve serve)
        : serve_(std::move(serve)), scope_(loop), listener_(net::listen_tcp("127.0.0.1", 0)) {
        listener_->start(loop, [this](std::unique_ptr<net::Stream> stream) {
            ++connections;
            scope_.spawn(run, std::ref(serve_), std::move(stream));
        });
    }
    /// Ends what it serves: before the test does.
    Task<void> stop() {
        listener_->stop();
        scope_.cancel();
        try {
            co_await scope_.join();
        } catch (const IoError&) {
        }
    }
    [[nodiscard]] std::uint16_t port() const { return listener_->port(); }
    [[nodiscard]] std::string name() const { return "127.0.0.1:" + std::to_string(port()); }

    int connections = 0;

private:
    static Task<void> run(Serve& serve, std::unique_ptr<net::Stream> stream) {
        try {
            co_await serve(std::move(stream));
        } catch (const IoError&) {
        }
    }
    Serve serve_;
    Scope scope_;
    std::unique_ptr<net::Listener> listener_;
};

/// Whatever has come by the time that `end` has.
Task<std::string> read_until(net::Stream& stream, std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
        std::byte one{};
        if (co_await stream.read_some({&one, 1}) == 0) break;
        text += static_cast<char>(one);
    }
    co_return text;
}

class ConnectorTls : public ::testing::Test {
protected:
    Task<void> serve_tls(std::unique_ptr<net::Stream> stream) {
        std::unique_ptr<net::TlsStream> session = co_await net::tls_accept(std::move(stream), server);
        const std::string question = co_await read_until(*session, "?");
        const std::string answer = "to " + question;
        co_await session->write(as_bytes(answer));
        session->shutdown_write();
        std::byte one{};
        co_await session->read_some({&one, 1});
    }
    /// Connects to `host` at the port of the TLS server, and asks it.
    std::string ask(const ConnectionOptions& options, const std::string& host, std::string scheme = "https") {
        Upstream upstream(loop, [this](std::unique_ptr<net::Stream> stream) { return serve_tls(std::move(stream)); });
        port = upstream.port();
        const auto asking = [&]() -> Task<std::string> {
            std::string answer;
            {
                Connector connector(loop, options);
                Outcome outcome = co_await connect(connector, Origin(scheme, host, upstream.port()));
                reached = outcome.reached;
                if (outcome.error) {
                    kind = outcome.error->kind();
                    answer = outcome.error->what();
                } else {
                    co_await outcome.stream->write(as_bytes("who?"));
                    answer = co_await read_until(*outcome.stream, "\n");
                }
            }
            co_await upstream.stop();
            co_return answer;
        };
        return loop.run_until(asking());
    }
    ConnectionOptions trusting() const {
        return ConnectionOptions()
            .tls(net::TlsClientOptions().roots_file(root.root_file()))
            .resolver(
                net::ResolverOptions().answer("example.com", {"127.0.0.1"}).answer("other.example", {"127.0.0.1"}));
    }

    Loop loop;
    support::CertificateFolder folder;
    support::Authority root{folder};
    support::CertificateFiles files = root.issue();
    net::TlsServerContext server{net::TlsServerOptions(files.chain, files.key)};
    std::uint16_t port = 0;
    Phase reached = Phase::kResolve;
    Kind kind = Kind::kTimeout;
};

TEST_F(ConnectorTls, ConnectsByNameAndByAddress) {
    EXPECT_EQ(ask(trusting(), "example.com"), "to who?");
    EXPECT_EQ(reached, Phase::kTls);
    EXPECT_EQ(ask(trusting(), "127.0.0.1"), "to who?");
}

TEST_F(ConnectorTls, RefusesWhoIsNotTrusted) {
    const std::string problem = ask(trusting(), "other.example");
    const std::string address = "127.0.0.1:" + std::to_string(port);
    EXPECT_EQ(problem, "fetch https://other.example:" + std::to_string(port) + ": TLS with other.example (" + address +
                           "): the certificate is not accepted: it is not for other.example but for example.com");
    EXPECT_EQ(kind, Kind::kTls);
    EXPECT_EQ(reached, Phase::kTls);
    EXPECT_TRUE(ask(ConnectionOptions(), "127.0.0.1").ends_with("its issuer is not known (CN=leaf)"));
}

TEST_F(ConnectorTls, HandshakeHasItsDeadline) {
    Upstream silent(loop,
                    [](std::unique_ptr<net::Stream> stream) -> Task<void> { co_await read_until(*stream, "never"); });
    Connector connector(loop, trusting().tls_timeout(20ms));
    const Outcome outcome = loop.run_until(connect(connector, Origin("https", "example.com", silent.port())));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), Kind::kTimeout);
    EXPECT_EQ(outcome.error->phase(), Phase::kTls);
    EXPECT_TRUE(std::string(outcome.error->what()).ends_with(": the tls_timeout of 0.02 s passed"))
        << outcome.error->what();
    loop.run_until(silent.stop());
}

/// Hands on what comes from one stream to the other.
Task<void> pipe_through(net::Stream& from, net::Stream& to) {
    std::array<std::byte, 4096> buffer;
    while (const std::size_t size = co_await from.read_some(buffer)) co_await to.write(ConstBytes(buffer).first(size));
    to.shutdown_write();
}

/// An HTTP proxy that makes every tunnel to `port` of this machine.
Task<void> serve_connect(std::unique_ptr<net::Stream> stream, std::string& head, std::uint16_t port) {
    head = co_await read_until(*stream, "\r\n\r\n");
    net::Resolver resolver(stream->loop());
    const std::unique_ptr<net::Stream> target = co_await net::connect_tcp(resolver, "127.0.0.1", port);
    co_await stream->write(as_bytes("HTTP/1.1 200 OK\r\n\r\n"));
    co_await when_all(pipe_through(*stream, *target), pipe_through(*target, *stream));
}

TEST_F(ConnectorTls, ThroughAProxyWithoutAndWithTls) {
    for (const bool secure : {false, true}) {
        std::string head;
        Upstream proxy(loop, [&](std::unique_ptr<net::Stream> stream) -> Task<void> {
            if (secure) {
                std::unique_ptr<net::TlsStream> session = co_await net::tls_accept(std::move(stream), server);
                co_await serve_connect(std::move(session), head, port);
            } else {
                co_await serve_connect(std::move(stream), head, port);
            }
        });
        // The proxy is asked for the name: nothing here resolves it.
        const auto options = trusting().proxy((secure ? "https://me:pw@" : "http://me:pw@") + proxy.name());
        EXPECT_EQ(ask(options, "example.com"), "to who?");
        const std::string authority = "example.com:" + std::to_string(port);
        EXPECT_EQ(head, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority +
                            "\r\nUser-Agent: CaroPig/0.1\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n");
        EXPECT_EQ(proxy.connections, 1);
        EXPECT_EQ(ask(trusting().proxy("http://" + proxy.name()).no_proxy("example.com"), "example.com"), "to who?");
        EXPECT_EQ(proxy.connections, 1) << "it is to be reached directly";
        loop.run_until(proxy.stop());
    }
}

TEST_F(ConnectorTls, ProxyThatRefuses) {
    Upstream proxy(loop, [](std::unique_ptr<net::Stream> stream) -> Task<void> {
        co_await read_until(*stream, "\r\n\r\n");
        co_await stream->write(as_bytes("HTTP/1.1 403 No\r\n\r\n"));
    });
    const std::string problem = ask(trusting().proxy("http://me:secret@" + proxy.name()), "example.com");
    const std::string authority = "example.com:" + std::to_string(port);
    EXPECT_EQ(problem, "fetch https://" + authority + ": proxy " + proxy.name() + ", asked for " + authority +
                           ": it answered 403 Forbidden");
    EXPECT_EQ(kind, Kind::kProxy);
    EXPECT_EQ(reached, Phase::kProxy);
    loop.run_until(proxy.stop());
}

TEST_F(ConnectorTls, ProxyHasItsDeadline) {
    for (const std::string scheme : {"http://", "socks5h://"}) {
        Upstream silent(
            loop, [](std::unique_ptr<net::Stream> stream) -> Task<void> { co_await read_until(*stream, "never"); });
        const std::string problem = ask(trusting().proxy(scheme + silent.name()).proxy_timeout(20ms), "example.com");
        EXPECT_TRUE(problem.ends_with(": the proxy_timeout of 0.02 s passed")) << problem;
        EXPECT_EQ(kind, Kind::kTimeout);
        EXPECT_EQ(reached, Phase::kProxy);
        loop.run_until(silent.stop());
    }
}

TEST(Connector, HttpThroughAnHttpProxyIsAskedWithTheWholeUrl) {
    Loop loop;
    auto proxy = net::listen_tcp("127.0.0.1", 0);
    const std::string url = "http://me:pw@127.0.0.1:" + std::to_string(proxy->port());
    Connector connector(loop, ConnectionOptions().proxy(url));
    Phase phase = Phase::kResolve;
    const Connected connected = loop.run_until(connector.connect(Origin("http", "nosuch.invalid", 80), phase));
    EXPECT_TRUE(connected.absolute_target);
    EXPECT_EQ(connected.proxy_authorization, "Basic bWU6cHc=");
    EXPECT_EQ(connected.stream->peer(), proxy->address());
}

TEST(Connector, SocksProxyOfTheOptionsResolvesHereOrThere) {
    for (const bool there : {false, true}) {
        Loop loop;
        std::string asked;
        Upstream proxy(loop, [&asked](std::unique_ptr<net::Stream> stream) -> Task<void> {
            co_await read_until(*stream, std::string_view("\x05\x01\x00", 3));
            co_await stream->write(as_bytes(std::string_view("\x05\x00", 2)));
            asked = co_await read_until(*stream, std::string_view("\x00\x50", 2));
            co_await stream->write(as_bytes(std::string_view("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10)));
        });
        const auto options = ConnectionOptions()
                                 .proxy((there ? "socks5h://" : "socks5://") + proxy.name())
                                 .resolver(net::ResolverOptions().answer("a.test", {"192.0.2.9"}));
        Connector connector(loop, options);
        const Outcome outcome = loop.run_until(connect(connector, Origin("http", "a.test", 80)));
        EXPECT_TRUE(outcome.stream) << outcome.error->what();
        EXPECT_EQ(asked, there ? std::string("\x05\x01\x00\x03\x06"
                                             "a.test\x00\x50",
                                             13)
                               : std::string("\x05\x01\x00\x01\xc0\x00\x02\x09\x00\x50", 10));
        loop.run_until(proxy.stop());
    }
}

TEST(ConnectionOptions, RefusesWhatIsNoProxy) {
    EXPECT_THROW(ConnectionOptions().proxy("ftp://x"), std::invalid_argument);
    EXPECT_EQ(ConnectionOptions().proxy("http://x").proxy("").proxy(), "");
}

}  // namespace
}  // namespace caropig::client
