#include "db/database_url.h"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using testing::HasSubstr;
using testing::Not;
using Kind = DatabaseUrl::Kind;

std::string fault_of(const std::string& text) {
    try {
        parse_database_url(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST(DatabaseUrl, SqliteNamesAFile) {
    EXPECT_EQ(parse_database_url("sqlite:app.db").kind, Kind::kSqlite);
    EXPECT_EQ(parse_database_url("sqlite:app.db").database, "app.db");
    EXPECT_EQ(parse_database_url("sqlite:/var/lib/app.db").database, "/var/lib/app.db");
    EXPECT_EQ(parse_database_url("sqlite:a%20b%3F.db?busy_timeout=100").database, "a b?.db");
    EXPECT_EQ(parse_database_url("sqlite:a.db?busy_timeout=100").options.at("busy_timeout"), "100");
    EXPECT_EQ(parse_database_url("sqlite::memory:").database, ":memory:");
    EXPECT_EQ(parse_database_url("sqlite:a.db").port, 0);
}

TEST(DatabaseUrl, AServerHasAllParts) {
    const DatabaseUrl url = parse_database_url(
        "mysql://shop:p%40%2F%3a%3Fw@db.example.com:3307/or%2Fders?ssl_mode=verify_identity&ssl_ca=/a%26b");
    EXPECT_EQ(url.kind, Kind::kMysql);
    EXPECT_EQ(url.user, "shop");
    EXPECT_EQ(url.password, "p@/:?w");
    EXPECT_EQ(url.host, "db.example.com");
    EXPECT_EQ(url.port, 3307);
    EXPECT_EQ(url.database, "or/ders");
    EXPECT_EQ(url.options.at("ssl_mode"), "verify_identity");
    EXPECT_EQ(url.options.at("ssl_ca"), "/a&b");
}

TEST(DatabaseUrl, EachSchemeHasItsPort) {
    EXPECT_EQ(parse_database_url("mysql://h/d").port, 3306);
    EXPECT_EQ(parse_database_url("mariadb://h/d").port, 3306);
    EXPECT_EQ(parse_database_url("mariadb://h/d").kind, Kind::kMysql);
    EXPECT_EQ(parse_database_url("postgres://h/d").port, 5432);
    EXPECT_EQ(parse_database_url("postgresql://h/d").kind, Kind::kPostgres);
}

TEST(DatabaseUrl, PartsMayBeMissing) {
    const DatabaseUrl url = parse_database_url("postgres://h");
    EXPECT_EQ(url.user, "");
    EXPECT_EQ(url.password, "");
    EXPECT_EQ(url.database, "");
    EXPECT_EQ(parse_database_url("postgres://u@h/").user, "u");
    EXPECT_EQ(parse_database_url("postgres://u:a:b@h/").password, "a:b");
}

TEST(DatabaseUrl, Ipv6StandsInBrackets) {
    EXPECT_EQ(parse_database_url("mysql://u@[::1]:3310/d").host, "::1");
    EXPECT_EQ(parse_database_url("mysql://u@[::1]:3310/d").port, 3310);
    EXPECT_EQ(parse_database_url("mysql://u@[::1]/d").port, 3306);
    EXPECT_THAT(fault_of("mysql://u@[::1/d"), HasSubstr("']'"));
    EXPECT_THAT(fault_of("mysql://u@[:::1]/d"), HasSubstr("IPv6"));
    EXPECT_THAT(fault_of("mysql://u@[127.0.0.1]/d"), HasSubstr("IPv6"));
    EXPECT_THAT(fault_of("mysql://u@::1/d"), HasSubstr("port"));
}

TEST(DatabaseUrl, AUnixSocketTakesTheHostsPlace) {
    const DatabaseUrl url = parse_database_url("mysql://user@/name?unix_socket=/run/mysqld/mysqld.sock");
    EXPECT_EQ(url.host, "");
    EXPECT_EQ(url.options.at("unix_socket"), "/run/mysqld/mysqld.sock");
    EXPECT_EQ(parse_database_url("mysql:///name?unix_socket=/s").database, "name");
    EXPECT_THAT(fault_of("mysql://user@/name"), HasSubstr("neither a host nor a unix_socket"));
    EXPECT_THAT(fault_of("mysql://user@h/name?unix_socket=/s"), HasSubstr("both"));
}

TEST(DatabaseUrl, SaysWhatIsWrong) {
    EXPECT_THAT(fault_of(""), HasSubstr("must begin with"));
    EXPECT_THAT(fault_of("app.db"), HasSubstr("must begin with"));
    EXPECT_THAT(fault_of("oracle://h/d"), HasSubstr("must begin with"));
    EXPECT_THAT(fault_of("SQLITE:x"), HasSubstr("must begin with"));
    EXPECT_THAT(fault_of("sqlite:"), HasSubstr("no file"));
    EXPECT_THAT(fault_of("sqlite:///a.db"), HasSubstr("without '//'"));
    EXPECT_THAT(fault_of("sqlite:a b"), HasSubstr("space"));
    EXPECT_THAT(fault_of("sqlite:a\nb"), HasSubstr("control"));
    EXPECT_THAT(fault_of("sqlite:a%0"), HasSubstr("hexadecimal"));
    EXPECT_THAT(fault_of("sqlite:a%g0"), HasSubstr("hexadecimal"));
    EXPECT_THAT(fault_of("sqlite:a%00b"), HasSubstr("%00"));
    EXPECT_THAT(fault_of("sqlite:a#b"), HasSubstr("%23"));
    EXPECT_THAT(fault_of("mysql:h/d"), HasSubstr("'//'"));
    EXPECT_THAT(fault_of("mysql://h:/d"), HasSubstr("port"));
    EXPECT_THAT(fault_of("mysql://h:0/d"), HasSubstr("port"));
    EXPECT_THAT(fault_of("mysql://h:65536/d"), HasSubstr("port"));
    EXPECT_THAT(fault_of("mysql://h:65535/d"), HasSubstr("accepted"));
    EXPECT_THAT(fault_of("mysql://h:+1/d"), HasSubstr("port"));
    EXPECT_THAT(fault_of("mysql://h,i/d"), HasSubstr("host"));
    EXPECT_THAT(fault_of("mysql://h/a/b"), HasSubstr("%2F"));
    EXPECT_THAT(fault_of("mysql://h/d?a=1&a=2"), HasSubstr("twice"));
    EXPECT_THAT(fault_of("mysql://h/d?=2"), HasSubstr("name"));
    EXPECT_THAT(fault_of("mysql://h/d?a&&b=1"), HasSubstr("accepted"));
}

// A password whose special characters were not encoded is the usual mistake: what is said then must not hold it.
TEST(DatabaseUrl, NeverSaysThePassword) {
    for (const char special : std::string("@/?#:%[] \n=&")) {
        for (const char* place : {"@h:1/d", "@h/d?x=1", "@[::1]/d", "@/d?unix_socket=/s"}) {
            for (const std::string& password :
                 {std::string("SECRET") + special + "SECRET", std::string("1") + special + "SECRET=SECRET"}) {
                const std::string url = "mysql://u:" + password + place;
                EXPECT_THAT(fault_of(url), Not(HasSubstr("SECRET"))) << url;
                if (special == ':' || special == '[' || special == ']' || special == '=' || special == '&') continue;
                EXPECT_NE(fault_of(url), "accepted") << url;
            }
        }
    }
}

}  // namespace
}  // namespace caropig::db
