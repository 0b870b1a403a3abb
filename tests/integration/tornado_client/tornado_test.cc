// What Tornado's tests ask of a client that only Tornado answers so, or given bytes; docs/internals/
// tornado_client_tests.md says which case is which.

#include "integration/tornado_client/peers.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace caropig::support {

TornadoPeer& tornado() {
    static TornadoPeer peer;
    return peer;
}

namespace {

using namespace std::chrono_literals;
using client::FetchError;
using client::FetchRequest;
using client::Response;
using Kind = FetchError::Kind;
using testing::HasSubstr;
using testing::IsEmpty;

class Tornado : public TornadoTest {
public:
    [[nodiscard]] static std::string tls_url(std::string_view path, std::string_view host = "127.0.0.1") {
        return "https://" + std::string(host) + ":" + std::to_string(tornado().tls) + std::string(path);
    }
    void expect_failure(FetchRequest request, Kind kind) {
        const std::string target = request.url().target();
        const Outcome outcome = attempt(std::move(request));
        ASSERT_TRUE(outcome.error) << target;
        EXPECT_EQ(outcome.error->kind(), kind) << target << ": " << outcome.error->what();
        EXPECT_EQ(http->counts().open, 0U) << target;
    }
};

/// A name server that never answers.
class SilentNameServer {
public:
    SilentNameServer() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        ::bind(fd_, reinterpret_cast<sockaddr*>(&address_), size);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size);
    }
    SilentNameServer(const SilentNameServer&) = delete;
    SilentNameServer& operator=(const SilentNameServer&) = delete;
    ~SilentNameServer() { ::close(fd_); }
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }

private:
    sockaddr_in address_{};
    int fd_;
};

TEST_F(Tornado, TakesChunksAndTheEndAtOnce) { EXPECT_EQ(body_of(given_url("/all_at_once")), "12"); }

TEST_F(Tornado, DecodesGzipWhereAsked) {
    const Response plain = fetch(FetchRequest(tornado_url("/chunks")).header("Accept-Encoding", "gzip"));
    EXPECT_EQ(plain.headers().find("Content-Encoding"), "gzip");
    EXPECT_TRUE(plain.body().starts_with("\x1f\x8b"));
    const Response decoded = fetch(FetchRequest(tornado_url("/chunks")).decompress(true));
    EXPECT_EQ(decoded.headers().find("Content-Encoding"), std::nullopt);
    EXPECT_EQ(decoded.body(), "firstsecond");
}

// What follows the compressed data makes it another body than it says: ours refuses it.
TEST_F(Tornado, RefusesGzipWithMoreAfterIt) {
    expect_failure(FetchRequest(tornado_url("/bad_gzip")).decompress(true), Kind::kProtocol);
}

// RFC 9112 5.2 has a browser put a space there, and lets a gateway refuse it. This client is in gateways.
TEST_F(Tornado, RefusesAFoldedField) { expect_failure(given_url("/folded"), Kind::kProtocol); }

TEST_F(Tornado, GivesTheBytesOfAFieldAsTheyAre) {
    EXPECT_EQ(fetch(tornado_url("/set_field?name=X-Any&value=%E9")).headers().find("X-Any"), "\xe9");
}

TEST_F(Tornado, KnowsThatA304HasNoBody) {
    const Response response = fetch(tornado_url("/not_modified"));
    EXPECT_EQ(response.status(), 304);
    EXPECT_EQ(response.headers().find("Content-Length"), "42");
    EXPECT_EQ(response.body(), "");
    EXPECT_EQ(body_of(tornado_url("/hello")), "Hello world") << "the connection is still good";
}

TEST_F(Tornado, WaitsForANameAsLongAsAllowed) {
    const SilentNameServer server;
    client::ClientOptions options = client_options();
    options.connection.resolver(net::ResolverOptions().servers(server.address()));
    use(std::move(options));
    const Outcome outcome = attempt(FetchRequest("http://www.example.org/").connect_timeout(100ms).total_timeout(1h));
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), Kind::kTimeout);
    EXPECT_EQ(outcome.error->phase(), FetchError::Phase::kResolve);
}

TEST_F(Tornado, SpeaksIpv6) {
    if (tornado().ipv6 == 0) GTEST_SKIP() << "there is no ::1 here";
    EXPECT_EQ(body_of("http://[::1]:" + std::to_string(tornado().ipv6) + "/hello"), "Hello world");
}

// Tornado takes equal lengths for one; RFC 9110 8.6 leaves the choice.
TEST_F(Tornado, RefusesListsOfLengths) {
    for (const std::string list : {"2,2", "2,%202,2", "2,4", "2,%202,3"}) {
        expect_failure(given_url("/length/" + list), Kind::kProtocol);
    }
}

TEST_F(Tornado, SaysThatNobodyListens) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
    const Outcome outcome = attempt(at(ntohs(address.sin_port), "/"));
    ::close(fd);
    ASSERT_TRUE(outcome.error);
    EXPECT_EQ(outcome.error->kind(), Kind::kUnreachable);
    EXPECT_EQ(outcome.error->code(), std::errc::connection_refused);
    EXPECT_THAT(outcome.error->what(), HasSubstr("Connection refused"));
}

TEST_F(Tornado, ReadsABodyToTheEndOfTheConnection) { EXPECT_EQ(body_of(given_url("/until_close")), "hello"); }

// Tornado answers before it has read the body, so the producer is not asked.
TEST_F(Tornado, KeepsTheBodyWhereTheServerRefuses) {
    bool called = false;
    auto note = [&called](client::RequestBody& body) {
        called = true;
        return body.write("unwanted");
    };
    FetchRequest request(tornado_url("/refuse"));
    request.method("POST").body_from(note).expect_continue(kPatience);
    EXPECT_EQ(fetch(std::move(request)).status(), 403);
    EXPECT_FALSE(called);
}

TEST_F(Tornado, SkipsA100ThatNobodyAskedFor) { EXPECT_EQ(body_of(given_url("/continue")), "A"); }

TEST_F(Tornado, KnowsThatA204HasNoBody) {
    const Response response = fetch(given_url("/204"));
    EXPECT_EQ(response.status(), 204);
    EXPECT_EQ(response.body(), "");
}

// Tornado refuses it; by RFC 9112 6.3 the answer ends with its head, whatever the fields say.
TEST_F(Tornado, TakesA204ThatSaysALength) {
    const Response response = fetch(given_url("/204_with_length"));
    EXPECT_EQ(response.status(), 204);
    EXPECT_EQ(response.body(), "");
}

TEST_F(Tornado, RefusesChunksWithALength) { expect_failure(given_url("/chunked_with_length"), Kind::kProtocol); }

TEST_F(Tornado, TakesAddressesByHand) {
    EXPECT_EQ(body_of("http://example.com:" + std::to_string(tornado().plain) + "/hello"), "Hello world");
}

TEST_F(Tornado, VerifiesTheServer) {
    EXPECT_EQ(body_of(tls_url("/hello")), "Hello world");
    EXPECT_EQ(body_of(tls_url("/hello", "example.com")), "Hello world");
    use(client_options());
    expect_failure(tls_url("/hello", "localhost"), Kind::kTls);
    use({});
    expect_failure(tls_url("/hello"), Kind::kTls);
    EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(Tornado, VerifiesNobodyWhereAsked) {
    client::ClientOptions options;
    options.connection.tls(net::TlsClientOptions().dangerously_accept_any_certificate());
    use(options);
    EXPECT_EQ(body_of(tls_url("/hello")), "Hello world");
    // A context of its own, which other clients may share.
    options.connection.tls(net::TlsClientContext(net::TlsClientOptions().roots_file(tornado().root_file())));
    use(options);
    EXPECT_EQ(body_of(tls_url("/hello")), "Hello world");
}

}  // namespace
}  // namespace caropig::support
