#include "web/crypto.h"
#include <caropig/web/signed_cookie.h>

#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace caropig::web {
namespace {

constexpr std::int64_t kNow = 1700000000;
constexpr std::int64_t kDay = 86400;
const std::string kSecret = "0123456789abcdef0123456789abcdef";
const std::string kOther = "another secret of enough bytes";

std::optional<std::string> decode(std::string_view text, std::int64_t now = kNow,
                                  const SignedValueOptions& options = {}) {
    return decode_signed_value(CookieSecrets(kSecret), "user", text, now, options);
}

/// Signs as Tornado would sign these fields, whatever is wrong with them.
std::string sign(const std::string& fields) { return fields + crypto::hmac_sha256(kSecret, fields); }

// The signed values in this file were made by python3-tornado 6.2.
constexpr std::string_view kAlice =
    "2|1:0|10:1700000000|4:user|8:YWxpY2U=|c55ae60dbbc45a8b31c4708a9a51a8af6fb981f76e08aeec5842ffd1e2abee8a";
constexpr std::string_view kAliceInFormat1 = "YWxpY2U=|1700000000|1238c569245058bf1179f011c1b7cd6246d04531";

TEST(SignedCookie, IsTornadosToTheByte) {
    CookieSecrets secrets(kSecret);
    EXPECT_EQ(create_signed_value(secrets, "user", "alice", kNow), kAlice);
    EXPECT_EQ(create_signed_value(secrets, "user", std::string_view("\0\xff;\"", 4), kNow),
              "2|1:0|10:1700000000|4:user|8:AP87Ig==|832a25c851abb7444e13b77ea770df2951f757db35c0034627da84f67c7f049a");
    EXPECT_EQ(create_signed_value(secrets, "user", "", kNow),
              "2|1:0|10:1700000000|4:user|0:|77a72716c576de4fccbbafc1743887059af9ef7b13e7130c5b60e4a6c1b47ae2");
    EXPECT_EQ(create_signed_value(CookieSecrets({{1, kSecret}, {7, kOther}}, 7), "user", "alice", kNow),
              "2|1:7|10:1700000000|4:user|8:YWxpY2U=|91f2834b8b85d86ac616ac88caf024b2d7c0cad5ceff82f8a0961f6789a56a0a");
}

TEST(SignedCookie, ReadsBothOfTornadosFormats) {
    EXPECT_EQ(decode(kAlice), "alice");
    EXPECT_EQ(decode(kAliceInFormat1), "alice");
    EXPECT_EQ(decode(kAliceInFormat1, kNow, SignedValueOptions().min_version(2)), std::nullopt);
    EXPECT_EQ(decode(kAlice, kNow, SignedValueOptions().min_version(2)), "alice");
}

TEST(SignedCookie, CarriesAnyBytes) {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    CookieSecrets secrets(kSecret);
    for (std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3}, bytes.size()}) {
        std::string value = bytes.substr(0, size);
        EXPECT_EQ(decode(create_signed_value(secrets, "user", value, kNow)), value);
    }
}

TEST(SignedCookie, EveryByteIsProtected) {
    for (std::string_view text : {kAlice, kAliceInFormat1}) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            std::string changed(text);
            changed[i] = static_cast<char>(changed[i] ^ 1);
            EXPECT_EQ(decode(changed), std::nullopt) << changed;
            EXPECT_EQ(decode(text.substr(0, i)), std::nullopt) << text.substr(0, i);
        }
        EXPECT_EQ(decode(std::string(text) + "0"), std::nullopt);
    }
}

TEST(SignedCookie, IsForOneNameAndOneSecret) {
    for (std::string_view text : {kAlice, kAliceInFormat1}) {
        EXPECT_EQ(decode_signed_value(CookieSecrets(kSecret), "admin", text, kNow), std::nullopt);
        EXPECT_EQ(decode_signed_value(CookieSecrets(kOther), "user", text, kNow), std::nullopt);
    }
}

TEST(SignedCookie, EndsWithItsAge) {
    SignedValueOptions minute = SignedValueOptions().max_age(std::chrono::minutes(1));
    for (std::string_view text : {kAlice, kAliceInFormat1}) {
        EXPECT_EQ(decode(text, kNow + 31 * kDay), "alice");
        EXPECT_EQ(decode(text, kNow + 31 * kDay + 1), std::nullopt);
        EXPECT_EQ(decode(text, kNow + 60, minute), "alice");
        EXPECT_EQ(decode(text, kNow + 61, minute), std::nullopt);
        EXPECT_EQ(decode(text, kNow + 1000 * kDay, SignedValueOptions().max_age(std::chrono::seconds::max())), "alice");
    }
}

TEST(SignedCookie, IsNotFromTheFuture) {
    for (std::string_view text : {kAlice, kAliceInFormat1}) {
        EXPECT_EQ(decode(text, kNow - 31 * kDay), "alice") << "another machine's clock may be ahead";
        EXPECT_EQ(decode(text, kNow - 31 * kDay - 1), std::nullopt);
    }
    // Digits moved from the value to the time: what is signed in format 1 is the same, "userMTIz" and the time.
    EXPECT_EQ(decode("MTIz|1700000000|" + crypto::hmac_sha1(kSecret, "userMTIz1700000000")), "123");
    EXPECT_EQ(decode("MTI|z1700000000|" + crypto::hmac_sha1(kSecret, "userMTIz1700000000")), std::nullopt);
    EXPECT_EQ(decode("MTIz|01700000000|" + crypto::hmac_sha1(kSecret, "userMTIz01700000000")), std::nullopt);
}

TEST(SignedCookie, SecretsAreRotated) {
    std::string before = create_signed_value(CookieSecrets({{1, kSecret}}, 1), "user", "alice", kNow);
    CookieSecrets both({{1, kSecret}, {2, kOther}}, 2);
    EXPECT_EQ(decode_signed_value(both, "user", before, kNow), "alice") << "the old one still verifies";
    std::string after = create_signed_value(both, "user", "alice", kNow);
    EXPECT_EQ(signature_key_version(after), 2) << "the new one signs";
    EXPECT_EQ(decode_signed_value(CookieSecrets({{2, kOther}}, 2), "user", after, kNow), "alice");
    EXPECT_EQ(decode_signed_value(CookieSecrets({{2, kOther}}, 2), "user", before, kNow), std::nullopt);
    EXPECT_EQ(decode_signed_value(CookieSecrets(kOther), "user", after, kNow), "alice")
        << "a single secret verifies whatever the number says, as in Tornado";
    EXPECT_EQ(decode_signed_value(both, "user", kAliceInFormat1, kNow), std::nullopt)
        << "format 1 does not say which secret it was";
}

TEST(SignedCookie, KeyVersionIsRead) {
    EXPECT_EQ(signature_key_version(kAlice), 0);
    EXPECT_EQ(signature_key_version(kAliceInFormat1), std::nullopt);
    EXPECT_EQ(signature_key_version("2|1:x|"), std::nullopt);
    EXPECT_EQ(signature_key_version(""), std::nullopt);
}

TEST(SignedCookie, MalformedFieldsAreRefusedAlsoWhenSigned) {
    EXPECT_EQ(decode(sign("2|1:0|10:1700000000|4:user|4:YWI=|")), "ab") << "what is compared below is well-formed";
    for (const char* fields : {
             "2|01:0|10:1700000000|4:user|4:YWI=|",
             "2|2:00|10:1700000000|4:user|4:YWI=|",
             "2|2:+0|10:1700000000|4:user|4:YWI=|",
             "2|1:0|11:01700000000|4:user|4:YWI=|",
             "2|1:0|11:-1700000000|4:user|4:YWI=|",
             "2|1:0|20:17000000000000000000|4:user|4:YWI=|",
             "2|1:0|10:1700000000|4:user|3:YWI|",
             "2|1:0|10:1700000000|4:user|4:YW=I|",
             "2|1:0|10:1700000000|4:user|5:YWI=|",
             "2|1:0|10:1700000000|4:user|3:YWI=|",
             "2|1:0|10:1700000000|4:user|99999999999999999999:YWI=|",
             "2|1:0|10:1700000000|4:user|",
             "2|1:0|10:1700000000|4:user|4:YWI=|0:|",
             "2||||",
             "2|",
             "2|:|:|:|:|",
         }) {
        EXPECT_EQ(decode(sign(fields)), std::nullopt) << fields;
    }
    for (const char* text : {"", "|", "||", "|||", "2", "3|1:0|", "999|1|2", "a|b", "a|b|c", "YWI=|1700000000|"}) {
        EXPECT_EQ(decode(text), std::nullopt) << text;
    }
}

TEST(SignedCookie, FormatOneMayBeginWithFourDigits) {
    EXPECT_EQ(decode("1234|1700000000|" + crypto::hmac_sha1(kSecret, "user12341700000000")), "\xd7\x6d\xf8");
}

TEST(CookieSecrets, AreLongAndNumbered) {
    EXPECT_THROW(CookieSecrets(std::string{}), std::invalid_argument);
    EXPECT_THROW(CookieSecrets(std::string(15, 'a')), std::invalid_argument);
    EXPECT_NO_THROW(CookieSecrets(std::string(16, 'a')));
    EXPECT_THROW(CookieSecrets({{1, std::string(15, 'a')}}, 1), std::invalid_argument);
    EXPECT_THROW(CookieSecrets({{1, kSecret}}, 2), std::invalid_argument);
    EXPECT_THROW(CookieSecrets({{-1, kSecret}}, -1), std::invalid_argument);
    EXPECT_THROW(SignedValueOptions().min_version(0), std::invalid_argument);
    EXPECT_THROW(SignedValueOptions().min_version(3), std::invalid_argument);
}

}  // namespace
}  // namespace caropig::web
