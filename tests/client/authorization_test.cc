#include "client/authorization.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

http::Headers asks(std::string_view challenge) {
    http::Headers fields;
    fields.add("WWW-Authenticate", challenge);
    return fields;
}

std::string parameter(const std::string& field, const std::string& name) {
    const std::size_t at = field.find(", " + name + "=");
    if (at == std::string::npos) return "none";
    const std::string rest = field.substr(at + name.size() + 3);
    if (rest.starts_with('"')) return rest.substr(1, rest.find('"', 1) - 1);
    return rest.substr(0, rest.find(','));
}

// RFC 7617 2 and 2.1, RFC 6750 2.1.
TEST(Authorization, OfBasicAndBearer) {
    EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(basic_authorization("test", "123\xc2\xa3"), "Basic dGVzdDoxMjPCow==");
    EXPECT_EQ(basic_authorization("", ""), "Basic Og==");
    EXPECT_EQ(basic_authorization("a", "b:c"), "Basic YTpiOmM=");
    EXPECT_EQ(bearer_authorization("mF_9.B5f-4.1JqM=="), "Bearer mF_9.B5f-4.1JqM==");
}

TEST(Authorization, RefusesWhatCantBeSent) {
    EXPECT_THROW(basic_authorization("a:b", "c"), std::invalid_argument);
    EXPECT_THROW(basic_authorization("a", "c\n"), std::invalid_argument);
    EXPECT_THROW(basic_authorization("a\x7f", "c"), std::invalid_argument);
    EXPECT_THROW(DigestAuth("a:b", "c"), std::invalid_argument);
    for (const char* token : {"", "=", "a b", "a\r\nb", "a=b", "\xc3\xa4"}) {
        EXPECT_THROW(bearer_authorization(token), std::invalid_argument) << token;
    }
}

constexpr std::string_view kOrigin = "http://www.example.org";
std::string rfc_nonce() { return "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"; }

// RFC 7616 3.9.1.
TEST(DigestAuth, AgreesWithTheExamplesOfTheRfc) {
    const auto challenge = [](std::string_view algorithm) {
        return "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=" + std::string(algorithm) +
               ", nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
               "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    };
    DigestAuth md5("Mufasa", "Circle of Life", &rfc_nonce);
    ASSERT_TRUE(md5.challenged(kOrigin, asks(challenge("MD5")), {}));
    EXPECT_EQ(md5.authorization(kOrigin, "GET", "/dir/index.html"),
              "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", "
              "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", algorithm=MD5, "
              "response=\"8ca523f5e9506fed4657c9700eebdbec\", qop=auth, nc=00000001, "
              "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
              "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
    DigestAuth sha("Mufasa", "Circle of Life", &rfc_nonce);
    // Both in one answer: the stronger one is taken, wherever it stands.
    http::Headers both = asks(challenge("MD5"));
    both.add("WWW-Authenticate", challenge("SHA-256"));
    both.add("WWW-Authenticate", challenge("MD5-sess"));
    both.add("WWW-Authenticate", "Basic realm=x");
    ASSERT_TRUE(sha.challenged(kOrigin, both, {}));
    const std::string field = sha.authorization(kOrigin, "GET", "/dir/index.html");
    EXPECT_EQ(parameter(field, "algorithm"), "SHA-256");
    EXPECT_EQ(parameter(field, "response"), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

// Made with Python's hashlib by the formulas of RFC 7616 3.4.
TEST(DigestAuth, MakesSessionsAndTheOldForm) {
    const auto field_of = [](std::string_view challenge) {
        DigestAuth digest("user", "pass", [] { return std::string("cn"); });
        EXPECT_TRUE(digest.challenged("o", asks(challenge), {})) << challenge;
        return digest.authorization("o", "POST", "/x?y");
    };
    EXPECT_EQ(parameter(field_of("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=MD5-sess"), "response"),
              "270d9b7bfd48f4c521ce3a266e8ea15b");
    EXPECT_EQ(parameter(field_of("Digest realm=\"r\", nonce=\"n\", qop=auth, algorithm=sha-256-SESS"), "response"),
              "3de71ef9d24ce2a7d4388bc24afd75c9d91708cd54482eef717cfaf415060c31");
    const std::string old = field_of("Digest realm=\"r\", nonce=\"n\"");
    EXPECT_EQ(parameter(old, "response"), "b2a2bbbcc2887cf3a3c443897c531eb4");
    EXPECT_EQ(parameter(old, "nc"), "none");
    EXPECT_EQ(parameter(old, "cnonce"), "none");
}

TEST(DigestAuth, CountsTheUsesOfANonce) {
    DigestAuth digest("u", "p");
    EXPECT_EQ(digest.authorization("o", "GET", "/"), "");
    ASSERT_TRUE(digest.challenged("o", asks("Digest realm=r, nonce=n, qop=auth"), {}));
    const std::string first = digest.authorization("o", "GET", "/");
    EXPECT_EQ(parameter(first, "nc"), "00000001");
    const std::string second = digest.authorization("o", "GET", "/");
    EXPECT_EQ(parameter(second, "nc"), "00000002");
    EXPECT_NE(parameter(first, "response"), parameter(second, "response"));
    EXPECT_EQ(digest.authorization("other", "GET", "/"), "");
}

TEST(DigestAuth, AsksAgainForAStaleNonceOnly) {
    DigestAuth digest("u", "p");
    ASSERT_TRUE(digest.challenged("o", asks("Digest realm=r, nonce=n, qop=auth"), {}));
    const std::string sent = digest.authorization("o", "GET", "/");
    ASSERT_TRUE(digest.challenged("o", asks("Digest realm=r, nonce=m, qop=auth, stale=TRUE"), sent));
    const std::string again = digest.authorization("o", "GET", "/");
    EXPECT_EQ(parameter(again, "nonce"), "m");
    EXPECT_EQ(parameter(again, "nc"), "00000001");
    EXPECT_FALSE(digest.challenged("o", asks("Digest realm=r, nonce=m, qop=auth, stale=true"), again));
    ASSERT_TRUE(digest.challenged("o", asks("Digest realm=r, nonce=n, qop=auth"), {}));
    EXPECT_FALSE(digest.challenged("o", asks("Digest realm=r, nonce=l, qop=auth"), sent));
    EXPECT_EQ(digest.authorization("o", "GET", "/"), "");
}

TEST(DigestAuth, HidesOrEncodesTheUser) {
    DigestAuth hidden("J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?", &rfc_nonce);
    ASSERT_TRUE(hidden.challenged("o",
                                  asks("Digest realm=\"api@example.org\", qop=auth, algorithm=SHA-512-256, nonce=x, "
                                       "userhash=true"),
                                  {}));
    const std::string field = hidden.authorization("o", "GET", "/");
    // RFC 7616 3.9.2, as corrected by erratum 4897.
    EXPECT_TRUE(
        field.starts_with("Digest username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\", "
                          "userhash=true, "))
        << field;
    DigestAuth plain("J\xc3\xa4s", "p");
    ASSERT_TRUE(plain.challenged("o", asks("Digest realm=r, nonce=n"), {}));
    EXPECT_TRUE(plain.authorization("o", "GET", "/").starts_with("Digest username*=UTF-8''J%C3%A4s, "));
}

TEST(DigestAuth, QuotesWhatTheServerSays) {
    DigestAuth digest("a\"b", "p");
    ASSERT_TRUE(digest.challenged("o", asks(R"(Digest realm="x\"y\\z", nonce="n\"", opaque="")"), {}));
    const std::string field = digest.authorization("o", "GET", "/");
    EXPECT_TRUE(field.starts_with(R"(Digest username="a\"b", realm="x\"y\\z", nonce="n\"", uri="/")")) << field;
    EXPECT_TRUE(field.ends_with(", opaque=\"\""));
}

TEST(DigestAuth, LeavesOtherChallengesAlone) {
    for (const char* challenge :
         {"Basic realm=x", "Digest realm=r", "Digest nonce=n", "Digest realm=r, nonce=n, qop=auth-int",
          "Digest realm=r, nonce=n, algorithm=SHA-1", "Digest realm=r, nonce=\"n", ""}) {
        EXPECT_FALSE(DigestAuth("u", "p").challenged("o", asks(challenge), {})) << challenge;
    }
}

}  // namespace
}  // namespace caropig::client
