#include "certificates.h"
#include "mariadb_fixture.h"

#include <filesystem>
#include <memory>
#include <string>

#include <gmock/gmock.h>

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
    EXPECT_EQ(running(*connection, "SLEEP(30)"), 0);
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

}  // namespace
}  // namespace caropig::db
