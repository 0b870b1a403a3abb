#include "net/tls_pair.h"
#include "support/certificates.h"
#include <caropig/net/tls.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using support::Authority;

class Tls : public TlsTest {};

TEST_F(Tls, AcceptsGoodCertificate) {
    const auto [client, server] = shake_hands(TlsClientContext(trusting()), server_with(root.issue()));
    ASSERT_TRUE(client.stream) << client.error;
    ASSERT_TRUE(server.stream) << server.error;
    EXPECT_EQ(client.stream->version(), TlsVersion::k1_3);
    EXPECT_EQ(client.stream->protocol(), "http/1.1");
    EXPECT_EQ(server.stream->protocol(), "http/1.1");
    EXPECT_EQ(client.stream->peer(), "pipe");
    EXPECT_FALSE(client.stream->resumed());
}

TEST_F(Tls, VerifiesNames) {
    const CertificateFiles files =
        root.issue({.names = "DNS:example.com,DNS:*.wild.example,IP:127.0.0.1,IP:2001:db8::1"});
    for (const char* host :
         {"example.com", "EXAMPLE.com", "example.com.", "a.wild.example", "127.0.0.1", "2001:db8::1"}) {
        EXPECT_EQ(refusal(trusting(), files, host), "accepted") << host;
    }
    for (const char* host : {"other.example", "www.example.com", "wild.example", "a.b.wild.example", "127.0.0.2"}) {
        EXPECT_EQ(refusal(trusting(), files, host),
                  "it is not for " + std::string(host) + " but for example.com, *.wild.example");
    }
}

TEST_F(Tls, CommonNameIsNoName) {
    EXPECT_EQ(refusal(trusting(), root.issue({.subject = "example.com", .names = ""})), "it is not for example.com");
}

TEST_F(Tls, NamesOfAPeerMakeNoLinesInALog) {
    const CertificateFiles files =
        root.issue({.subject = "evil\nline", .names = "DNS:a.example", .from_days = -5, .to_days = -2});
    EXPECT_EQ(refusal(trusting(), files, "a.example"), "it has expired (CN=evil\\0Aline)");
}

TEST_F(Tls, RefusesExpired) {
    EXPECT_EQ(refusal(trusting(), root.issue({.from_days = -5, .to_days = -1})), "it has expired (CN=leaf)");
}

TEST_F(Tls, RefusesNotYetValid) {
    EXPECT_EQ(refusal(trusting(), root.issue({.from_days = 2})), "it is not valid yet (CN=leaf)");
}

TEST_F(Tls, RefusesSelfSigned) { EXPECT_EQ(refusal(trusting(), root.self_signed()), "it is self-signed (CN=leaf)"); }

TEST_F(Tls, RefusesUnknownRoot) {
    const Authority other(folder, "other");
    EXPECT_EQ(refusal(trusting(), other.issue()), "its issuer is not known (CN=leaf)");
    EXPECT_EQ(refusal(trusting().roots_file(other.root_file()), other.issue()), "accepted");
}

TEST_F(Tls, TrustsTheSystemsRootsOnlyUnlessToldOtherwise) {
    EXPECT_EQ(refusal(TlsClientOptions(), root.issue()), "its issuer is not known (CN=leaf)");
}

TEST_F(Tls, RefusesWrongPurpose) {
    EXPECT_EQ(refusal(trusting(), root.issue({.purpose = "clientAuth"})), "it is for another purpose (CN=leaf)");
}

TEST_F(Tls, RefusesDistrustedRoot) {
    std::ifstream file(root.root_file());
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(refusal(trusting().distrust_pem(pem), root.issue()), "in its chain, it is distrusted (CN=root)");
}

TEST_F(Tls, RefusesRevokedRoot) {
    EXPECT_EQ(refusal(trusting().revocation_lists_file(root.revocation_list(true)), root.issue()),
              "in its chain, it is revoked (CN=root)");
    EXPECT_EQ(refusal(trusting().revocation_lists_file(root.revocation_list(false)), root.issue()), "accepted");
    const Authority other(folder, "other");
    EXPECT_EQ(refusal(trusting().revocation_lists_file(other.revocation_list(false)), root.issue()),
              "there is no revocation list of its issuer (CN=leaf)");
}

TEST_F(Tls, AcceptsAnythingOnlyWhereThatIsSaid) {
    const CertificateFiles bad = root.self_signed({.from_days = -5, .to_days = -1});
    EXPECT_EQ(refusal(TlsClientOptions().dangerously_accept_any_certificate(), bad, "other.example"), "accepted");
}

TEST_F(Tls, ServerIsToldWhyItWasRefused) {
    const auto [client, server] = shake_hands(TlsClientContext(trusting()), server_with(root.self_signed()));
    EXPECT_EQ(server.kind, TlsError::Kind::kHandshake);
    EXPECT_EQ(server.error, "TLS with pipe: the handshake failed: the peer refused it: tlsv1 alert unknown ca");
}

TEST_F(Tls, ClientCertificate) {
    const CertificateFiles files = root.issue();
    const TlsServerContext server(TlsServerOptions(files.chain, files.key).client_roots_file(root.root_file()));
    const CertificateFiles own = root.issue({.subject = "me", .names = "", .purpose = "clientAuth"});
    const auto [client, accepted] =
        shake_hands(TlsClientContext(trusting().certificate_files(own.chain, own.key)), server);
    EXPECT_TRUE(client.stream) << client.error;
    EXPECT_TRUE(accepted.stream) << accepted.error;

    const CertificateFiles wrong = root.issue({.subject = "srv", .names = "", .purpose = "serverAuth"});
    const auto [unaware, refused] =
        shake_hands(TlsClientContext(trusting().certificate_files(wrong.chain, wrong.key)), server);
    EXPECT_EQ(refused.kind, TlsError::Kind::kCertificate);
    EXPECT_EQ(refused.error, "TLS with pipe: the certificate is not accepted: it is for another purpose (CN=srv)");
}

// In TLS 1.3 a client learns with its first read only that the server wanted a certificate.
TEST_F(Tls, ClientWithoutTheCertificateThatTheServerWants) {
    const CertificateFiles files = root.issue();
    const TlsServerContext server(TlsServerOptions(files.chain, files.key).client_roots_file(root.root_file()));
    const auto [client, refused] = shake_hands(TlsClientContext(trusting()), server);
    EXPECT_EQ(refused.error, "TLS with pipe: the handshake failed: peer did not return a certificate");
    ASSERT_TRUE(client.stream) << client.error;
    auto reading = loop.start(read_all(*client.stream));
    ASSERT_TRUE(reading.done());
    EXPECT_EQ(reading.result().error, EPROTO);
    EXPECT_EQ(client.stream->failure(), "the peer refused it: tlsv13 alert certificate required");
}

TEST_F(Tls, Protocols) {
    const CertificateFiles files = root.issue();
    const TlsServerContext h2(TlsServerOptions(files.chain, files.key).protocols({"h2"}));
    const auto refused = shake_hands(TlsClientContext(trusting()), h2);
    EXPECT_EQ(
        refused.first.error,
        "TLS with example.com (pipe): the handshake failed: the peer refused it: tlsv1 alert no application protocol");
    const auto silent = shake_hands(TlsClientContext(trusting().protocols({})), h2);
    ASSERT_TRUE(silent.first.stream) << silent.first.error;
    EXPECT_EQ(silent.first.stream->protocol(), "");
    const auto chosen = shake_hands(TlsClientContext(trusting().protocols({"http/1.1", "h2"})), h2);
    ASSERT_TRUE(chosen.first.stream) << chosen.first.error;
    EXPECT_EQ(chosen.first.stream->protocol(), "h2");
}

TEST_F(Tls, PeerWithoutTls) {
    auto [here, there] = memory_pipe(loop);
    auto connecting = loop.start(outcome_of(tls_connect(std::move(here), TlsClientContext(trusting()), "example.com")));
    auto writing = loop.start(there->write(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n")));
    loop.run_ready();
    ASSERT_TRUE(connecting.done());
    const TlsOutcome outcome = connecting.result();
    EXPECT_EQ(outcome.kind, TlsError::Kind::kHandshake);
    EXPECT_EQ(outcome.error,
              "TLS with example.com (pipe): the handshake failed: the peer speaks no TLS (wrong version number)");
}

TEST_F(Tls, PeerThatClosesInTheHandshake) {
    auto [here, there] = memory_pipe(loop);
    auto connecting = loop.start(outcome_of(tls_connect(std::move(here), TlsClientContext(trusting()), "example.com")));
    there.reset();
    loop.run_ready();
    ASSERT_TRUE(connecting.done());
    EXPECT_EQ(connecting.result().error,
              "TLS with example.com (pipe): the peer closed the connection in the handshake");
}

TEST_F(Tls, ResumesSessions) {
    const TlsServerContext server = server_with(root.issue({.names = "DNS:example.com,DNS:b.example"}));
    const TlsClientContext client(trusting());
    const auto connect = [&](const std::string& host) {
        auto sides = shake_hands(client, server, host);
        EXPECT_TRUE(sides.first.stream) << sides.first.error;
        const bool resumed = sides.first.stream->resumed();
        // The tickets come with the first bytes.
        sides.second.stream.reset();
        auto reading = loop.start(read_all(*sides.first.stream));
        EXPECT_EQ(reading.result().error, 0);
        return resumed;
    };
    EXPECT_FALSE(connect("example.com"));
    EXPECT_TRUE(connect("example.com"));
    EXPECT_TRUE(connect("example.com"));
    EXPECT_FALSE(connect("b.example")) << "a session of another host";
    EXPECT_TRUE(connect("b.example"));
}

TEST_F(Tls, OffersATicketOnce) {
    const TlsServerContext server = server_with(root.issue());
    const TlsClientContext client(trusting());
    {
        auto sides = shake_hands(client, server);
        sides.second.stream.reset();
        auto reading = loop.start(read_all(*sides.first.stream));
        EXPECT_EQ(reading.result().error, 0);
    }
    // A server gives two. Three connections begin before one of them is made.
    std::vector<testkit::Started<TlsOutcome>> connecting;
    std::vector<std::unique_ptr<Stream>> others;
    for (int i = 0; i < 3; ++i) {
        auto [here, there] = memory_pipe(loop);
        connecting.push_back(loop.start(outcome_of(tls_connect(std::move(here), client, "example.com"))));
        others.push_back(std::move(there));
    }
    std::vector<bool> resumed;
    for (int i = 0; i < 3; ++i) {
        auto accepting = loop.start(outcome_of(tls_accept(std::move(others[static_cast<std::size_t>(i)]), server)));
        loop.run_ready();
        resumed.push_back(connecting[static_cast<std::size_t>(i)].result().stream->resumed());
        loop.run_ready();
    }
    EXPECT_EQ(resumed, (std::vector<bool>{true, true, false}));
}

TEST_F(Tls, ResumesWhatEndedWithoutGoodBye) {
    const TlsServerContext server = server_with(root.issue());
    const TlsClientContext client(trusting());
    for (const bool resumes : {false, true}) {
        auto sides = shake_hands(client, server);
        EXPECT_EQ(sides.first.stream->resumed(), resumes);
        {
            auto reading = loop.start(read_all(*sides.first.stream));  // the tickets
            loop.run_ready();
            reading.cancel();
            loop.run_ready();
            EXPECT_THROW(reading.result(), Cancelled);
        }
        const std::string text(1'000'000, 'x');
        auto writing = loop.start(sides.first.stream->write(as_bytes(text)));
        writing.cancel();
        loop.run_ready();
        EXPECT_THROW(writing.result(), Cancelled);
        sides.first.stream.reset();
        if (!resumes) continue;
        // Of the two tickets the later one is the session's own.
        EXPECT_TRUE(shake_hands(client, server).first.stream->resumed());
    }
}

TEST_F(Tls, ResumesNothingUnlessWanted) {
    const TlsServerContext server = server_with(root.issue());
    const TlsClientContext client(trusting().max_resumable_servers(0));
    for (int i = 0; i < 2; ++i) {
        auto sides = shake_hands(client, server);
        ASSERT_TRUE(sides.first.stream);
        EXPECT_FALSE(sides.first.stream->resumed());
        sides.second.stream.reset();
        auto reading = loop.start(read_all(*sides.first.stream));
    }
}

TEST_F(Tls, SaysWhatIsWrongWithFiles) {
    const auto complaint = [](auto make) -> std::string {
        try {
            make();
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "none";
    };
    const CertificateFiles one = root.issue();
    const CertificateFiles two = root.issue();
    EXPECT_EQ(complaint([] { TlsClientContext(TlsClientOptions().roots_file("/nosuch.pem")); }),
              "roots_file /nosuch.pem: No such file or directory");
    EXPECT_EQ(complaint([] { TlsClientContext(TlsClientOptions().roots_pem("hello")); }),
              "roots_pem: there is no certificate in it");
    EXPECT_EQ(complaint([] {
                  TlsClientContext(
                      TlsClientOptions().roots_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
              }),
              "roots_pem: certificate 1 of it is damaged");
    EXPECT_EQ(complaint([&] { TlsServerContext(TlsServerOptions(one.chain, two.key)); }),
              two.key + ": it is not the key of the certificate in " + one.chain);
    EXPECT_EQ(complaint([&] { TlsServerContext(TlsServerOptions(one.chain, one.chain)); }),
              one.chain + ": there is no key in it, or it has a passphrase");
    EXPECT_EQ(complaint([&] { TlsClientContext(TlsClientOptions().protocols({""})); }),
              "protocols: a name has 1 to 255 bytes");
}

}  // namespace
}  // namespace caropig::net
