#include "certificates.h"
#include "listener.h"
#include "mariadb_fixture.h"
#include "support/raw_socket.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/socket.h>

namespace caropig::db {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Servers with certificates of one authority: one for the name localhost, one for the address 127.0.0.1, and one
/// for another name; and a second authority that has signed none of them.
class MariadbTls : public MariadbTest {
protected:
    static void SetUpTestSuite() {
        const std::filesystem::path folder = shared_server().folder() / "tls";
        authority_ = std::make_unique<support::CertificateAuthority>(folder);
        other_authority_ = std::make_unique<support::CertificateAuthority>(folder / "other");
        authority_->issue("localhost", "DNS:localhost");
        authority_->issue("address", "IP:127.0.0.1");
        authority_->issue("elsewhere", "DNS:db.example");
        authority_->issue("client", "DNS:client");
        named_ = start("localhost");
        numbered_ = start("address");
        elsewhere_ = start("elsewhere");
    }
    static void TearDownTestSuite() {
        named_.reset();
        numbered_.reset();
        elsewhere_.reset();
    }

    static std::unique_ptr<support::MariadbServer> start(const std::string& certificate) {
        return std::make_unique<support::MariadbServer>(std::vector<std::string>{
            "--ssl-ca=" + authority_->ca(), "--ssl-cert=" + authority_->certificate(certificate),
            "--ssl-key=" + authority_->key(certificate)});
    }

    DatabaseUrl url_of(const support::MariadbServer& server, const std::string& host, const std::string& mode,
                       const std::string& ca = {}) {
        DatabaseUrl url = this->url();
        url.host = host;
        url.port = server.port();
        url.options["ssl_mode"] = mode;
        if (!ca.empty()) url.options["ssl_ca"] = ca;
        return url;
    }
    std::optional<Error> connect_error(const DatabaseUrl& url) {
        auto driver = make_mysql_driver(loop_, url, options_);
        return error_of(driver->connect());
    }
    void expect_encrypted(const DatabaseUrl& url) {
        auto connection = connect(url);
        const Result status = query(*connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'");
        EXPECT_NE(status.cells.at(1), Value(std::string()));
        const std::string large(3'000'000, 'x');
        EXPECT_TRUE(one(*connection, "SELECT ?", {large}) == Value(large));
        wait(connection->ping());
    }
    void expect_refused(const DatabaseUrl& url, const std::string& why) {
        const auto error = connect_error(url);
        ASSERT_TRUE(error);
        EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
        EXPECT_THAT(error->what(), HasSubstr(why));
    }

    static inline std::unique_ptr<support::CertificateAuthority> authority_;
    static inline std::unique_ptr<support::CertificateAuthority> other_authority_;
    static inline std::unique_ptr<support::MariadbServer> named_;
    static inline std::unique_ptr<support::MariadbServer> numbered_;
    static inline std::unique_ptr<support::MariadbServer> elsewhere_;
};

TEST_F(MariadbTls, RequiredEncryptsWithAnybody) {
    expect_encrypted(url_of(*named_, "127.0.0.1", "required"));
    expect_encrypted(url_of(*elsewhere_, "localhost", "required"));
}

TEST_F(MariadbTls, RequiredIsNotHadFromAServerWithout) {
    expect_refused(url_of(shared_server(), "127.0.0.1", "required"), "SSL is required");
    expect_refused(url_of(shared_server(), "127.0.0.1", "verify_ca", authority_->ca()), "SSL is required");
    expect_refused(url_of(shared_server(), "localhost", "verify_identity", authority_->ca()), "SSL is required");
}

TEST_F(MariadbTls, VerifyCaAsksWhoSignedIt) {
    expect_encrypted(url_of(*named_, "127.0.0.1", "verify_ca", authority_->ca()));
    expect_encrypted(url_of(*elsewhere_, "localhost", "verify_ca", authority_->ca()));
    expect_refused(url_of(*named_, "127.0.0.1", "verify_ca", other_authority_->ca()), "TLS/SSL error");
}

TEST_F(MariadbTls, VerifyIdentityAsksForTheNameToo) {
    expect_encrypted(url_of(*named_, "localhost", "verify_identity", authority_->ca()));
    expect_refused(url_of(*named_, "127.0.0.1", "verify_identity", authority_->ca()), "Validation of SSL server");
    expect_refused(url_of(*elsewhere_, "localhost", "verify_identity", authority_->ca()), "Validation of SSL server");
    expect_refused(url_of(*named_, "localhost", "verify_identity", other_authority_->ca()), "TLS/SSL error");
}

/// The library is told to connect to 127.0.0.1, for which this certificate is; but the program asked for localhost.
TEST_F(MariadbTls, TheNameIsVerifiedAndNotTheAddressThatItHas) {
    expect_refused(url_of(*numbered_, "localhost", "verify_identity", authority_->ca()), "Validation of SSL server");
    expect_encrypted(url_of(*numbered_, "127.0.0.1", "verify_identity", authority_->ca()));
}

TEST_F(MariadbTls, TheMachinesOwnAuthoritiesWithoutACa) {
    expect_refused(url_of(*named_, "localhost", "verify_identity"), "TLS/SSL error");
}

TEST_F(MariadbTls, ClientCertificates) {
    auto admin = connect(url_of(*named_, "127.0.0.1", "required"));
    query(*admin, "CREATE OR REPLACE USER 'certified'@'%' IDENTIFIED BY 'secret' REQUIRE X509");
    DatabaseUrl url = url_of(*named_, "localhost", "verify_identity", authority_->ca());
    url.user = "certified";
    url.password = "secret";
    url.database.clear();
    EXPECT_EQ(connect_error(url)->server_code(), 1045);
    url.options["ssl_cert"] = authority_->certificate("client");
    url.options["ssl_key"] = authority_->key("client");
    expect_encrypted(url);
    url.options["ssl_key"] = "/nowhere/key";
    EXPECT_EQ(connect_error(url)->kind(), Error::Kind::kUnavailable);
}

TEST_F(MariadbTls, PasswordsOfAllKinds) {
    auto admin = connect(url_of(*named_, "127.0.0.1", "required"));
    query(*admin, "CREATE OR REPLACE USER 'native'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('secret')");
    for (const char* mode : {"disabled", "required", "verify_ca"}) {
        DatabaseUrl url = url_of(*named_, "127.0.0.1", mode, std::string(mode) == "verify_ca" ? authority_->ca() : "");
        url.user = "native";
        url.password = "secret";
        url.database.clear();
        EXPECT_EQ(one(*connect(url), "SELECT 1"), Value(std::int64_t{1})) << mode;
        url.password = "wrong";
        EXPECT_EQ(connect_error(url)->server_code(), 1045) << mode;
    }
}

TEST_F(MariadbTls, StatementsAreStopped) {
    options_.cancel_timeout = std::chrono::seconds(5);
    auto connection = connect(url_of(*named_, "localhost", "verify_identity", authority_->ca()));
    auto sleeping = [&]() -> Task<void> { co_await run(*connection, "SELECT SLEEP(30)"); };
    Task<void> limited = with_timeout(std::chrono::milliseconds(50), sleeping());
    EXPECT_THROW(loop_.run_until(std::move(limited)), TimeoutError);
    EXPECT_TRUE(connection->usable());
    EXPECT_EQ(one(*connection, "SELECT 7"), Value(std::int64_t{7}));
    auto other = connect(url_of(*named_, "127.0.0.1", "required"));
    EXPECT_EQ(running(*other, "SLEEP(30)"), 0);
    auto some = [&]() -> Task<void> {
        Cells cells;
        co_await connection->start("SELECT REPEAT('x', 20000) FROM seq_1_to_100000", {});
        co_await connection->fetch(cells, 3);
    };
    wait(some());  // and is closed in the middle of it
}

TEST_F(MariadbTls, AServerThatFallsSilentInTheHandshake) {
    named_->freeze();
    auto driver = make_mysql_driver(loop_, url_of(*named_, "localhost", "verify_identity", authority_->ca()), options_);
    Task<std::unique_ptr<Connection>> connecting = with_timeout(std::chrono::milliseconds(50), driver->connect());
    EXPECT_THROW(loop_.run_until(std::move(connecting)), TimeoutError);
    named_->thaw();
    EXPECT_EQ(one(*wait(driver->connect()), "SELECT 1"), Value(std::int64_t{1}));
}

constexpr std::uint32_t kClientSsl = 1u << 11;
constexpr std::uint32_t kClientPluginAuth = 1u << 19;

/// Stands between a client and a server, and takes capabilities out of the server's greeting, as somebody would who
/// wants to read or forge what they say.
class Meddler {
public:
    Meddler(std::uint16_t server_port, std::uint32_t hidden_capabilities)
        : thread_([this, server_port, hidden_capabilities] { serve(server_port, hidden_capabilities); }) {}
    Meddler(const Meddler&) = delete;
    Meddler& operator=(const Meddler&) = delete;
    ~Meddler() { wait(); }

    [[nodiscard]] std::uint16_t port() const { return listener_.port(); }
    /// What the client has sent, once it has gone.
    const std::string& heard() {
        wait();
        return heard_;
    }

private:
    void wait() {
        if (thread_.joinable()) thread_.join();
    }
    void serve(std::uint16_t server_port, std::uint32_t hidden) {
        support::RawSocket client = listener_.accept();
        support::RawSocket server = support::RawSocket::connect(server_port);
        std::string greeting = server.receive(4);
        greeting += server.receive(static_cast<unsigned char>(greeting.at(0)));
        // 4 bytes of header, the protocol, the version and a NUL, 4 bytes of thread, 8 of salt, a NUL; then the lower
        // half of the capabilities; after 3 bytes more the upper half.
        const std::size_t lower = greeting.find('\0', 5) + 1 + 4 + 8 + 1;
        for (std::size_t i = 0; i < 2; ++i) {
            greeting.at(lower + i) &= static_cast<char>(~(hidden >> (8 * i)));
            greeting.at(lower + 5 + i) &= static_cast<char>(~(hidden >> (16 + 8 * i)));
        }
        if ((hidden & kClientPluginAuth) != 0) {  // no plugin's name then, which stands behind the rest of the salt
            greeting.resize(lower + 5 + 2 + 1 + 10 + 13);
            greeting[0] = static_cast<char>(greeting.size() - 4);
        }
        client.send(greeting);
        std::thread back([&] { pass(server, client, nullptr); });
        pass(client, server, &heard_);
        back.join();
    }
    static void pass(const support::RawSocket& from, const support::RawSocket& to, std::string* heard) {
        std::array<char, 4096> buffer{};
        for (;;) {
            const ssize_t size = ::recv(from.fd(), buffer.data(), buffer.size(), 0);
            if (size <= 0) break;
            if (heard != nullptr) heard->append(buffer.data(), static_cast<std::size_t>(size));
            if (::send(to.fd(), buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) != size) break;
        }
        ::shutdown(to.fd(), SHUT_RDWR);
        ::shutdown(from.fd(), SHUT_RDWR);
    }

    support::Listener listener_;
    std::string heard_;
    std::thread thread_;
};

TEST_F(MariadbTls, AMeddlerWhoHidesTlsLearnsNothing) {
    for (const char* mode : {"required", "verify_ca", "verify_identity"}) {
        for (const std::uint32_t hidden : {kClientSsl, kClientSsl | kClientPluginAuth}) {
            Meddler meddler(named_->port(), hidden);
            const std::string ca = std::string(mode) == "required" ? "" : authority_->ca();
            DatabaseUrl url = url_of(*named_, "localhost", mode, ca);
            url.port = meddler.port();
            url.user = "somebody";
            url.password = "secret";
            expect_refused(url, "SSL is required");
            EXPECT_EQ(meddler.heard(), "");
        }
    }
}

TEST_F(MariadbTls, AMeddlerWhoKeepsThePluginFromBeingCalledGetsNowhere) {
    for (const char* mode : {"required", "verify_ca", "verify_identity"}) {
        Meddler meddler(numbered_->port(), kClientPluginAuth);
        const std::string ca = std::string(mode) == "required" ? "" : authority_->ca();
        DatabaseUrl url = url_of(*numbered_, "localhost", mode, ca);
        url.port = meddler.port();
        url.user = "somebody";
        url.password = "secret";
        const auto error = connect_error(url);
        ASSERT_TRUE(error) << mode;
        EXPECT_EQ(error->server_code(), 2026) << error->what();
        EXPECT_THAT(meddler.heard(), Not(HasSubstr("somebody")));
    }
}

TEST_F(MariadbTls, AMeddlerWhoOnlyListensMayStay) {
    Meddler meddler(named_->port(), 0);
    DatabaseUrl url = url_of(*named_, "localhost", "verify_identity", authority_->ca());
    url.port = meddler.port();
    EXPECT_EQ(one(*connect(url), "SELECT 'unheard'"), Value(std::string("unheard")));
    EXPECT_THAT(meddler.heard(), Not(HasSubstr("unheard")));
}

}  // namespace
}  // namespace caropig::db
