#include "db/postgres_settings.h"

#include "db/driver.h"
#include <caropig/testkit/test_loop.h>

#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::db {
namespace {

using testing::HasSubstr;

PostgresSettings settings_of(std::string_view url) { return read_postgres_settings(parse_database_url(url)); }

std::string parameter(const PostgresSettings& settings, std::string_view name) {
    std::string value = "(not given)";
    for (const auto& [key, given] : settings.parameters) {
        if (key == name) value = given;
    }
    return value;
}

std::string refusal(std::string_view url) {
    try {
        settings_of(url);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "taken";
}

TEST(PostgresSettings, NameTheServerWithoutUserAndPassword) {
    PostgresSettings settings = settings_of("postgres://ann:s3cret@db.example/shop");
    EXPECT_EQ(settings.name, "postgres db.example:5432/shop");
    EXPECT_EQ(settings.host, "db.example");
    EXPECT_EQ(settings.port, 5432);
    EXPECT_TRUE(settings.has_password);
    EXPECT_EQ(parameter(settings, "user"), "ann");
    EXPECT_EQ(parameter(settings, "password"), "s3cret");
    EXPECT_EQ(parameter(settings, "dbname"), "shop");
    EXPECT_EQ(settings_of("postgresql://ann@[::1]:5433").name, "postgres [::1]:5433/ann");
}

TEST(PostgresSettings, LeaveNothingToTheEnvironment) {
    PostgresSettings settings = settings_of("postgres://ann@db.example/shop");
    EXPECT_FALSE(settings.has_password);
    for (const auto& [name, value] : settings.parameters) EXPECT_NE(value, "") << name;
    for (const char* name : {"password", "passfile", "options", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl",
                             "sslcrldir", "gssencmode", "channel_binding", "target_session_attrs"}) {
        EXPECT_NE(parameter(settings, name), "(not given)") << name;
    }
}

TEST(PostgresSettings, UnixSocketIsAFolderOrAPath) {
    PostgresSettings settings = settings_of("postgres://ann@/shop?unix_socket=/run/postgresql");
    EXPECT_EQ(settings.socket_folder, "/run/postgresql");
    EXPECT_EQ(settings.port, 5432);
    EXPECT_EQ(settings.name, "postgres /run/postgresql:5432/shop");
    settings = settings_of("postgres://ann@/shop?unix_socket=/run/postgresql/.s.PGSQL.5433");
    EXPECT_EQ(settings.socket_folder, "/run/postgresql");
    EXPECT_EQ(settings.port, 5433);
    EXPECT_EQ(settings_of("postgres://ann@/shop?unix_socket=/.s.PGSQL.5433").socket_folder, "/");
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=run"), HasSubstr("absolute"));
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=/a,/b"), HasSubstr("comma"));
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=/run/.s.PGSQL.x"), HasSubstr("port"));
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=/run/.s.PGSQL.0"), HasSubstr("port"));
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=/run/.s.PGSQL.65536"), HasSubstr("port"));
}

TEST(PostgresSettings, TlsInLibpqsWords) {
    PostgresSettings settings =
        settings_of("postgres://ann@h/shop?sslmode=verify-full&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem");
    EXPECT_EQ(parameter(settings, "sslmode"), "verify-full");
    EXPECT_EQ(parameter(settings, "sslrootcert"), "/ca.pem");
    EXPECT_EQ(parameter(settings, "sslcert"), "/c.pem");
    EXPECT_EQ(parameter(settings, "sslkey"), "/k.pem");
    EXPECT_EQ(parameter(settings_of("postgres://ann@h/shop"), "sslmode"), "prefer");
    EXPECT_THAT(refusal("postgres://ann@h/shop?sslmode=yes"), HasSubstr("sslmode must be"));
    EXPECT_THAT(refusal("postgres://ann@h/shop?sslmode=verify-ca"), HasSubstr("needs sslrootcert"));
    EXPECT_THAT(refusal("postgres://ann@h/shop?sslcert=/c.pem"), HasSubstr("need each other"));
    EXPECT_THAT(refusal("postgres://ann@/shop?unix_socket=/run&sslmode=verify-full&sslrootcert=/ca.pem"),
                HasSubstr("no TLS over a unix_socket"));
}

TEST(PostgresSettings, RefuseWhatTheyDontKnow) {
    EXPECT_THAT(refusal("postgres://ann:s3cret@h/shop?ssl_mode=disable"), HasSubstr("unknown option ssl_mode"));
    EXPECT_THAT(refusal("postgres://ann@h/shop?host=evil"), HasSubstr("unknown option host"));
    EXPECT_THAT(refusal("postgres://ann@h/shop?sslmode="), HasSubstr("sslmode has no value"));
    EXPECT_THAT(refusal("postgres://h/shop"), HasSubstr("no user"));
    DatabaseUrl url = parse_database_url("postgres://ann@h/shop");
    url.host = "a,b";
    EXPECT_THROW(read_postgres_settings(url), std::invalid_argument);
}

TEST(PostgresDriver, IsMadeWithoutConnecting) {
    testkit::TestLoop loop;
    EXPECT_EQ(make_postgres_driver(loop, parse_database_url("postgres://ann:s3cret@h/shop"), {})->name(),
              "postgres h:5432/shop");
    EXPECT_THROW(make_postgres_driver(loop, parse_database_url("postgres://ann@h/shop?x=y"), {}),
                 std::invalid_argument);
}

}  // namespace
}  // namespace caropig::db
