#include "postgres_fixture.h"

#include <cstdlib>
#include <filesystem>

namespace caropig::db {
namespace {

using testing::HasSubstr;

/// Runs openssl, which is a failure that names the package where it is missing.
void openssl(const std::string& folder, const std::string& arguments) {
    std::string command = "cd " + folder + " && openssl " + arguments + " >>openssl.log 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << command << " (Debian package openssl)";
}

class PostgresTls : public PostgresTest {
protected:
    static void SetUpTestSuite() {
        folder_ = server().folder();
        for (const char* name : {"ca", "other_ca"}) {
            openssl(folder_, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=" + std::string(name) + " -keyout " +
                                 name + ".key -out " + name + ".pem");
        }
        openssl(folder_,
                "req -newkey rsa:2048 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout s.key "
                "-out s.csr");
        openssl(
            folder_,
            "x509 -req -in s.csr -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -out s.pem");
        server().use_tls(folder_ + "/s.pem", folder_ + "/s.key");
        server().restart();
    }

    static std::string url(const std::string& mode, const std::string& ca, const std::string& host) {
        return server().url("sslmode=" + mode + (ca.empty() ? "" : "&sslrootcert=" + folder_ + "/" + ca), host);
    }
    bool is_encrypted(Connection& connection) {
        return value(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") == Value(true);
    }

    static inline std::string folder_;
};

TEST_F(PostgresTls, VerifiesTheName) {
    // The address is found by our resolver, and the certificate is for the name all the same.
    auto connection = connect(url("verify-full", "ca.pem", "localhost"));
    EXPECT_TRUE(is_encrypted(*connection));
    expect_clean(*connection);
    Error error = refused(url("verify-full", "ca.pem", "127.0.0.1"));
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("does not match host name"));
    EXPECT_TRUE(is_encrypted(*connect(url("verify-ca", "ca.pem", "127.0.0.1"))));
}

TEST_F(PostgresTls, VerifiesTheAuthority) {
    Error error = refused(url("verify-full", "other_ca.pem", "localhost"));
    EXPECT_EQ(error.kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("certificate verify failed"));
    error = refused(url("verify-full", "nosuch.pem", "localhost"));
    EXPECT_THAT(error.what(), HasSubstr("does not exist"));
}

TEST_F(PostgresTls, IsUsedWhereItIsToBeHad) {
    EXPECT_TRUE(is_encrypted(*connect(server().url())));
    EXPECT_TRUE(is_encrypted(*connect(url("require", "", "127.0.0.1"))));
    EXPECT_FALSE(is_encrypted(*connect(url("disable", "", "127.0.0.1"))));
}

TEST_F(PostgresTls, CarriesLargeValuesBothWays) {
    auto connection = connect(url("verify-full", "ca.pem", "localhost"));
    std::string text(8 * 1024 * 1024, 'x');
    EXPECT_TRUE(value(*connection, "SELECT ?::text", {text}) == Value(text));
    Result result = run(*connection, "SELECT repeat('r', 999) FROM generate_series(1, 20000)");
    EXPECT_EQ(result.cells.size(), 20000u);
    expect_clean(*connection);
}

TEST_F(PostgresTls, StatementsAreStoppedToo) {
    auto connection = connect(url("verify-full", "ca.pem", "localhost"));
    auto is_running = [&] { return server().running("SELECT pg_sleep(33)%") == 1; };
    EXPECT_TRUE(loop_.run_until(cancel_when(query(*connection, "SELECT pg_sleep(33)"), is_running)));
    EXPECT_EQ(server().running("SELECT pg_sleep(33)%"), 0);
    expect_clean(*connection);
}

}  // namespace
}  // namespace caropig::db
