#include "client/connector.h"
#include "integration/tls/program.h"
#include "support/certificates.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/net/tls.h>

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using support::Program;
using testing::HasSubstr;

/// What came over a connection, and how it was made.
struct Answer {
    std::string text;
    std::string error;
    bool resumed = false;
    std::optional<net::TlsVersion> version;
};

/// Asks for "/", and reads to the end.
Task<Answer> get(Connector& connector, Origin origin) {
    Answer answer;
    try {
        FetchError::Phase phase = FetchError::Phase::kResolve;
        Connected connected = co_await connector.connect(origin, phase);
        if (const auto* session = dynamic_cast<net::TlsStream*>(connected.stream.get())) {
            answer.resumed = session->resumed();
            answer.version = session->version();
        }
        std::string head = "GET " + (connected.absolute_target ? origin.text() : std::string()) + "/ HTTP/1.0\r\n";
        if (!connected.proxy_authorization.empty()) {
            head += "Proxy-Authorization: " + connected.proxy_authorization + "\r\n";
        }
        head += "\r\n";
        co_await connected.stream->write(as_bytes(head));
        std::array<std::byte, 4096> buffer;
        while (const std::size_t size = co_await connected.stream->read_some(buffer)) {
            answer.text += as_text(ConstBytes(buffer).first(size));
        }
    } catch (const IoError& error) {
        answer.error = error.what();
    }
    co_return answer;
}

class Peers : public ::testing::Test {
protected:
    /// OpenSSL's server, which answers a request with a page about the session.
    std::unique_ptr<Program> serve(const std::vector<std::string>& more) {
        port = support::free_port();
        std::vector<std::string> arguments{
            "/usr/bin/openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-cert",
            files.chain,        "-key",     files.key};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return std::make_unique<Program>(arguments, port);
    }
    Answer ask(Connector& connector, const std::string& scheme = "https") {
        return loop.run_until(with_timeout(20s, get(connector, Origin(scheme, "example.com", port))));
    }
    ConnectionOptions trusting(const net::TlsClientOptions& more = {}) const {
        return ConnectionOptions()
            .tls(net::TlsClientOptions(more).roots_file(root.root_file()))
            .resolver(net::ResolverOptions().answer("example.com", {"127.0.0.1"}));
    }

    Loop loop;
    support::CertificateFolder folder;
    support::Authority root{folder};
    support::CertificateFiles files = root.issue();
    std::uint16_t port = 0;
};

TEST_F(Peers, EitherVersionAndResumption) {
    for (const bool newer : {true, false}) {
        const auto server = serve({"-www", newer ? "-tls1_3" : "-tls1_2"});
        Connector connector(loop, trusting());
        const Answer first = ask(connector);
        EXPECT_EQ(first.error, "");
        EXPECT_THAT(first.text, HasSubstr("200 ok"));
        EXPECT_EQ(first.version, newer ? net::TlsVersion::k1_3 : net::TlsVersion::k1_2);
        EXPECT_FALSE(first.resumed);
        const Answer second = ask(connector);
        EXPECT_EQ(second.error, "");
        EXPECT_TRUE(second.resumed);
        EXPECT_THAT(second.text, HasSubstr("Reused, TLSv1."));
    }
}

TEST_F(Peers, DowngradedProtocolIsRefused) {
    {
        const auto server = serve({"-www", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"});
        Connector connector(loop, trusting());
        EXPECT_THAT(ask(connector).error,
                    HasSubstr("the handshake failed: the peer refused it: tlsv1 alert protocol version"));
    }
    const auto server = serve({"-www", "-tls1_2"});
    Connector strict(loop, trusting(net::TlsClientOptions().minimum_version(net::TlsVersion::k1_3)));
    EXPECT_THAT(ask(strict).error, HasSubstr("the peer refused it: tlsv1 alert protocol version"));
    Connector connector(loop, trusting());
    EXPECT_THAT(ask(connector).text, HasSubstr("200 ok"));
}

TEST_F(Peers, ClientCertificateIsShown) {
    const support::CertificateFiles own = root.issue({.subject = "me", .names = "", .purpose = "clientAuth"});
    const auto server = serve({"-www", "-Verify", "1", "-CAfile", root.root_file(), "-verify_return_error"});
    Connector without(loop, trusting());
    EXPECT_NE(ask(without).error, "");
    Connector with(loop, trusting(net::TlsClientOptions().certificate_files(own.chain, own.key)));
    const Answer answer = ask(with);
    EXPECT_THAT(answer.text, HasSubstr("Subject: CN=me")) << answer.error;
}

TEST_F(Peers, NothingIsNegotiatedAnew) {
    const auto server = serve({"-tls1_2"});
    const auto talk = [&]() -> Task<std::string> {
        Connector connector(loop, trusting());
        FetchError::Phase phase = FetchError::Phase::kResolve;
        const Connected connected = co_await connector.connect(Origin("https", "example.com", port), phase);
        co_await connected.stream->write(as_bytes("hello\n"));
        server->type("hello\n");
        std::array<std::byte, 100> buffer;
        std::string text;
        while (!text.ends_with("hello\n")) {
            const std::size_t size = co_await connected.stream->read_some(buffer);
            if (size == 0) break;
            text += as_text(ConstBytes(buffer).first(size));
        }
        server->type("R\n");  // negotiates anew
        try {
            const std::size_t size = co_await connected.stream->read_some(buffer);
            text += size == 0 ? "end" : "more";
        } catch (const IoError& error) {
            text += error.code().message();
        }
        co_return text;
    };
    const std::string text = loop.run_until(with_timeout(20s, talk()));
    EXPECT_EQ(text, "hello\nProtocol error") << "the session ends instead";
}

TEST_F(Peers, ServerThatDiesIsNoEnd) {
    auto server = serve({"-quiet"});
    const auto talk = [&]() -> Task<std::string> {
        Connector connector(loop, trusting());
        FetchError::Phase phase = FetchError::Phase::kResolve;
        const Connected connected = co_await connector.connect(Origin("https", "example.com", port), phase);
        server->type("half");
        std::array<std::byte, 100> buffer;
        std::size_t size = co_await connected.stream->read_some(buffer);
        server->stop();
        try {
            size = co_await connected.stream->read_some(buffer);
        } catch (const IoError& error) {
            co_return error.code().message();
        }
        co_return "it went on with " + std::to_string(size) + " bytes";
    };
    EXPECT_EQ(loop.run_until(with_timeout(20s, talk())), "Software caused connection abort");
}

TEST_F(Peers, Tinyproxy) {
    const auto server = serve({"-www"});
    const std::uint16_t proxy_port = support::free_port();
    const std::string settings = folder.file("tinyproxy.conf");
    std::ofstream(settings) << "Port " << proxy_port << "\nListen 127.0.0.1\nTimeout 20\nMaxClients 10\n"
                            << "BasicAuth me s3cret\nConnectPort " << port << "\n";
    const Program proxy({"tinyproxy", "-d", "-c", settings}, proxy_port);
    const std::string address = "127.0.0.1:" + std::to_string(proxy_port);

    // It does not know our names: the address is what it is asked for.
    const auto ask_address = [&](const ConnectionOptions& options, const std::string& scheme) {
        Connector connector(loop, options);
        return loop.run_until(with_timeout(20s, get(connector, Origin(scheme, "127.0.0.1", port))));
    };
    const Answer tunnelled = ask_address(trusting().proxy("http://me:s3cret@" + address), "https");
    EXPECT_THAT(tunnelled.text, HasSubstr("200 ok")) << tunnelled.error;
    EXPECT_THAT(ask_address(trusting().proxy("http://me:wrong@" + address), "https").error,
                HasSubstr(": it answered 401 Unauthorized"));
    port = support::free_port();
    const Program plain({"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory",
                         folder.file("."), std::to_string(port)},
                        port);
    const Answer passed_on = ask_address(trusting().proxy("http://me:s3cret@" + address), "http");
    EXPECT_THAT(passed_on.text, HasSubstr("tinyproxy.conf")) << passed_on.error;
    EXPECT_THAT(ask_address(trusting().proxy("http://me:wrong@" + address), "http").text, HasSubstr(" 401 "));
}

TEST_F(Peers, Microsocks) {
    const auto server = serve({"-www"});
    const std::uint16_t proxy_port = support::free_port();
    const Program proxy({"microsocks", "-i", "127.0.0.1", "-p", std::to_string(proxy_port), "-u", "me", "-P", "s3cret"},
                        proxy_port);
    const std::string address = "127.0.0.1:" + std::to_string(proxy_port);
    Connector here(loop, trusting().proxy("socks5://me:s3cret@" + address));
    const Answer answer = ask(here);
    EXPECT_THAT(answer.text, HasSubstr("200 ok")) << answer.error;
    Connector wrong(loop, trusting().proxy("socks5://me:wrong@" + address));
    EXPECT_THAT(ask(wrong).error, HasSubstr(": it did not accept user and password"));
    Connector anonymous(loop, trusting().proxy("socks5://" + address));
    EXPECT_THAT(ask(anonymous).error, HasSubstr(": it wants to know who asks"));
    port = support::free_port();
    EXPECT_THAT(ask(here).error, HasSubstr(": the connection was refused"));
}

}  // namespace
}  // namespace caropig::client
