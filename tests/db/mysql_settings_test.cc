#include "db/mysql_settings.h"

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::db {
namespace {

using testing::HasSubstr;
using testing::Not;
using Tls = MysqlSettings::Tls;

MysqlSettings read(const std::string& text) { return read_mysql_settings(parse_database_url(text)); }

std::string refusal(const std::string& text) {
    try {
        read(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

TEST(MysqlSettings, NamesTheServerWithoutUserAndPassword) {
    EXPECT_EQ(read("mysql://bob:secret@db.example:3307/shop").name, "mariadb db.example:3307/shop");
    EXPECT_EQ(read("mysql://bob@[::1]/shop").name, "mariadb [::1]:3306/shop");
    EXPECT_EQ(read("mysql://bob@127.0.0.1").name, "mariadb 127.0.0.1:3306");
    EXPECT_EQ(read("mariadb://bob@/shop?unix_socket=/run/db.sock").name, "mariadb /run/db.sock/shop");
}

TEST(MysqlSettings, TlsModes) {
    EXPECT_EQ(read("mysql://bob@h").tls, Tls::kDisabled);
    EXPECT_EQ(read("mysql://bob@h?ssl_mode=disabled").tls, Tls::kDisabled);
    EXPECT_EQ(read("mysql://bob@h?ssl_mode=required").tls, Tls::kRequired);
    EXPECT_EQ(read("mysql://bob@h?ssl_mode=verify_ca&ssl_ca=/ca.pem").tls, Tls::kVerifyCa);
    EXPECT_EQ(read("mysql://bob@h?ssl_mode=verify_identity").tls, Tls::kVerifyIdentity);
    EXPECT_EQ(read("mysql://bob@h?ssl_mode=required&ssl_cert=/c.pem&ssl_key=/k.pem").ssl_key, "/k.pem");
    EXPECT_EQ(refusal("mysql://bob@h?ssl_mode=preferred"),
              "mysql: ssl_mode must be disabled, required, verify_ca or verify_identity");
}

TEST(MysqlSettings, WhatWouldProtectLessThanItSeemsIsRefused) {
    EXPECT_THAT(refusal("mysql://bob@h?ssl_ca=/ca.pem"), HasSubstr("ssl_ca needs ssl_mode"));
    EXPECT_THAT(refusal("mysql://bob@h?ssl_mode=required&ssl_ca=/ca.pem"), HasSubstr("ssl_ca needs ssl_mode"));
    EXPECT_THAT(refusal("mysql://bob@h?ssl_mode=verify_ca"), HasSubstr("verify_ca needs ssl_ca"));
    EXPECT_THAT(refusal("mysql://bob@h?ssl_cert=/c.pem&ssl_key=/k.pem"), HasSubstr("need another ssl_mode"));
    EXPECT_THAT(refusal("mysql://bob@h?ssl_mode=required&ssl_cert=/c.pem"), HasSubstr("go together"));
    EXPECT_THAT(refusal("mysql://bob@/?unix_socket=/s&ssl_mode=required"), HasSubstr("not for a unix_socket"));
}

TEST(MysqlSettings, SaysWhatIsWrongWithoutThePassword) {
    EXPECT_EQ(refusal("mysql://bob:secret@h?compress=1"), "mysql: unknown option compress");
    EXPECT_EQ(refusal("mysql://bob:secret@h?ssl_ca="), "mysql: the option ssl_ca is empty");
    EXPECT_EQ(refusal("mysql://h/shop"), "mysql: the URL names no user");
    EXPECT_EQ(refusal("mysql://bob:secret@/?unix_socket=/" + std::string(107, 'a')),
              "mysql: the path unix_socket is too long");
    EXPECT_EQ(refusal("mysql://bob:secret@/?unix_socket=/" + std::string(106, 'a')), "");
}

}  // namespace
}  // namespace caropig::db
