#include <caropig/http/cookie.h>

#include <array>
#include <chrono>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::http {

void PrintTo(const Cookie& cookie, std::ostream* out) { *out << cookie.name << " = " << cookie.value; }

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// --- Reading ------------------------------------------------------------------------------------------------------

struct ReadingCase {
    std::string name;
    std::string field;
    std::vector<Cookie> cookies;

    friend void PrintTo(const ReadingCase& each, std::ostream* out) { *out << each.name; }
};

class CookieReading : public testing::TestWithParam<ReadingCase> {};

TEST_P(CookieReading, IsTornados) { EXPECT_EQ(parse_cookies(GetParam().field), GetParam().cookies); }

// What python3-tornado 6.2 reads; where it keeps the last of several of one name, all are listed.
INSTANTIATE_TEST_SUITE_P(Cookie, CookieReading,
                         testing::ValuesIn(std::vector<ReadingCase>{
                             {"One", "a=b", {{"a", "b"}}},
                             {"Several", "a=b; c=d;e=f", {{"a", "b"}, {"c", "d"}, {"e", "f"}}},
                             {"SpacesAround", " a = b ;\ta=c\t", {{"a", "b"}, {"a", "c"}}},
                             {"EmptyPieces", ";; ;a=b;", {{"a", "b"}}},
                             {"EmptyValue", "a=;b", {{"a", ""}, {"", "b"}}},
                             {"EmptyName", "=b", {{"", "b"}}},
                             {"NothingAtAll", "", {}},
                             {"EqualsInTheValue", "a=b=c==", {{"a", "b=c=="}}},
                             {"Quoted", "a=\"b\"", {{"a", "b"}}},
                             {"QuotedEmpty", "a=\"\"", {{"a", ""}}},
                             {"QuotedInSpaces", "a = \"b\" ", {{"a", "b"}}},
                             {"OneQuote", "a=\"", {{"a", "\""}}},
                             {"QuoteThatDoesNotEnd", "a=\"b\\", {{"a", "\"b\\"}}},
                             {"TextBehindTheQuotes", "a=\"b\"c", {{"a", "\"b\"c"}}},
                             {"QuotesDoNotHideSemicolons", "a=\"x;y\"", {{"a", "\"x"}, {"", "y\""}}},
                             {"QuotedNamesStayQuoted", "\"a\"=\"b\"", {{"\"a\"", "b"}}},
                             {"EscapedQuote", R"(a="b\"c")", {{"a", "b\"c"}}},
                             {"EscapedBackslash", R"(a="\\")", {{"a", "\\"}}},
                             {"BackslashAtTheEnd", R"(a="\")", {{"a", "\\"}}},
                             {"Octal", R"(a="\101\073\012")", {{"a", "A;\n"}}},
                             {"OctalOfAByte",
                              R"(a="\3777")",
                              {{"a",
                                "\xff"
                                "7"}}},
                             {"OctalTooLarge", R"(a="\400")", {{"a", "400"}}},
                             {"OctalTooShort", R"(a="\12")", {{"a", "12"}}},
                             {"NotOctal", R"(a="\189")", {{"a", "189"}}},
                             {"EscapesNeedQuotes", R"(a=\101)", {{"a", R"(\101)"}}},
                             {"Utf8", "a=\xc3\xa0", {{"a", "\xc3\xa0"}}},
                         }),
                         [](const auto& info) { return info.param.name; });

TEST(Cookies, FindTakesTheLastOfThatName) {
    std::array<HeaderView, 3> fields{HeaderView{"Cookie", "a=1; b=2; a=\"3\""}, HeaderView{"X-Cookie", "a=4"},
                                     HeaderView{"cookie", "c=5; A=6"}};
    EXPECT_EQ(find_cookie(HeadersView(fields), "a"), "3");
    EXPECT_EQ(find_cookie(HeadersView(fields), "b"), "2");
    EXPECT_EQ(find_cookie(HeadersView(fields), "c"), "5") << "several fields are read as one";
    EXPECT_EQ(find_cookie(HeadersView(fields), "A"), "6") << "names have case";
    EXPECT_EQ(find_cookie(HeadersView(fields), "d"), std::nullopt);
    EXPECT_EQ(find_cookie(HeadersView(), "a"), std::nullopt);
}

TEST(Cookies, MoreThanTheLimitAreIgnored) {
    std::string field;
    for (std::size_t i = 1; i <= kMaxCookies; ++i) field += "c" + std::to_string(i) + "=1;";
    std::array<HeaderView, 2> fields{HeaderView{"Cookie", field}, HeaderView{"Cookie", "next=1"}};
    EXPECT_EQ(find_cookie(HeadersView(fields), "c" + std::to_string(kMaxCookies)), "1");
    EXPECT_EQ(find_cookie(HeadersView(fields), "next"), std::nullopt);
    field += "over=1";
    EXPECT_EQ(parse_cookies(field).size(), kMaxCookies);
}

// --- Setting ------------------------------------------------------------------------------------------------------

TEST(SetCookie, HasPathAndLaxUnlessToldOtherwise) {
    EXPECT_EQ(format_set_cookie("a", "b"), "a=b; Path=/; SameSite=Lax");
    EXPECT_EQ(format_set_cookie("a", "", CookieOptions().path("").same_site(SameSite::kUnset)), "a=");
}

TEST(SetCookie, HasEachAttribute) {
    CookieOptions options;
    options.expires(784111777).max_age(std::chrono::days(1)).domain("example.com").path("/a").secure().http_only();
    options.same_site(SameSite::kNone).partitioned();
    EXPECT_EQ(format_set_cookie("a", "b", options),
              "a=b; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Max-Age=86400; Domain=example.com; Path=/a; Secure; "
              "HttpOnly; SameSite=None; Partitioned");
    EXPECT_EQ(format_set_cookie("a", "b", CookieOptions().same_site(SameSite::kStrict)),
              "a=b; Path=/; SameSite=Strict");
}

TEST(SetCookie, ClearsWithTheSamePathAndDomain) {
    EXPECT_EQ(
        format_cleared_cookie("a", CookieOptions().path("/x").domain("example.com").max_age(std::chrono::days(1))),
        "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Domain=example.com; Path=/x; SameSite=Lax");
}

TEST(SetCookie, KeepsThePromisesOfPrefixes) {
    EXPECT_EQ(format_set_cookie("__Host-a", "b", CookieOptions().secure()), "__Host-a=b; Path=/; Secure; SameSite=Lax");
    EXPECT_EQ(format_set_cookie("__Secure-a", "b", CookieOptions().secure().path("/x").domain("example.com")),
              "__Secure-a=b; Domain=example.com; Path=/x; Secure; SameSite=Lax");
}

struct RefusedCase {
    std::string name;
    std::string cookie;
    std::string value;
    CookieOptions options;
    std::string why;

    friend void PrintTo(const RefusedCase& each, std::ostream* out) { *out << each.name; }
};

class RefusedCookies : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedCookies, AreNamed) {
    try {
        std::string set = format_set_cookie(GetParam().cookie, GetParam().value, GetParam().options);
        ADD_FAILURE() << set;
    } catch (const std::invalid_argument& error) {
        EXPECT_THAT(error.what(), HasSubstr("cookie \"" + GetParam().cookie + "\""));
        EXPECT_THAT(error.what(), HasSubstr(GetParam().why));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Cookie, RefusedCookies,
    testing::ValuesIn(std::vector<RefusedCase>{
        {"NoName", "", "b", {}, "no token"},
        {"NameWithSpace", "a b", "b", {}, "no token"},
        {"NameWithEquals", "a=b", "b", {}, "no token"},
        {"NameThatEndsTheLine", "a\r\nX", "b", {}, "no token"},
        {"Semicolon", "a", "b; Domain=evil", {}, "its value"},
        {"Space", "a", "b c", {}, "its value"},
        {"Comma", "a", "b,c", {}, "its value"},
        {"Quote", "a", "\"b\"", {}, "its value"},
        {"Backslash", "a", "b\\c", {}, "its value"},
        {"LineEnd", "a", "b\r\nX: y", {}, "its value"},
        {"Nul", "a", std::string("b\0", 2), {}, "its value"},
        {"Delete", "a", "b\x7f", {}, "its value"},
        {"BeyondAscii", "a", "\xc3\xa0", {}, "its value"},
        {"RelativePath", "a", "b", CookieOptions().path("x"), "does not begin"},
        {"PathWithSemicolon", "a", "b", CookieOptions().path("/; Domain=evil"), "its path"},
        {"PathWithSpace", "a", "b", CookieOptions().path("/a b"), "its path"},
        {"PathThatEndsTheLine", "a", "b", CookieOptions().path("/\r\nX: y"), "its path"},
        {"PathBeyondAscii", "a", "b", CookieOptions().path("/\xc3\xa0"), "its path"},
        {"LongPath", "a", "b", CookieOptions().path("/" + std::string(1024, 'a')), "1024 bytes"},
        {"DomainWithSemicolon", "a", "b", CookieOptions().domain("example.com; Path=/x"), "its domain"},
        {"DomainWithPort", "a", "b", CookieOptions().domain("example.com:80"), "its domain"},
        {"DomainOfADot", "a", "b", CookieOptions().domain("."), "its domain"},
        {"DomainWithTwoDots", "a", "b", CookieOptions().domain("example..com"), "its domain"},
        {"DomainWithDotAtItsEnd", "a", "b", CookieOptions().domain("example.com."), "its domain"},
        {"LongDomain", "a", "b", CookieOptions().domain(std::string(254, 'a')), "its domain"},
        {"SameSiteNoneInClear", "a", "b", CookieOptions().same_site(SameSite::kNone), "SameSite=None"},
        {"PartitionedInClear", "a", "b", CookieOptions().partitioned(), "Partitioned"},
        {"SecurePrefixInClear", "__Secure-a", "b", {}, "prefix needs Secure"},
        {"HostPrefixInClear", "__Host-a", "b", {}, "prefix needs Secure"},
        {"HostPrefixInOtherCase", "__hOST-a", "b", {}, "prefix needs Secure"},
        {"HostPrefixWithPath", "__Host-a", "b", CookieOptions().secure().path("/x"), "__Host- needs"},
        {"HostPrefixWithoutPath", "__Host-a", "b", CookieOptions().secure().path(""), "__Host- needs"},
        {"HostPrefixWithDomain", "__Host-a", "b", CookieOptions().secure().domain("example.com"), "__Host- needs"},
    }),
    [](const auto& info) { return info.param.name; });

TEST(SetCookie, IsAsLargeAsBrowsersTake) {
    EXPECT_NO_THROW(static_cast<void>(format_set_cookie("a", std::string(kMaxCookieBytes - 1, 'b'))));
    EXPECT_THROW(static_cast<void>(format_set_cookie("a", std::string(kMaxCookieBytes, 'b'))), std::invalid_argument);
    EXPECT_NO_THROW(static_cast<void>(format_set_cookie("a", "b", CookieOptions().path("/" + std::string(1023, 'a')))));
    EXPECT_NO_THROW(static_cast<void>(format_set_cookie("a", "b", CookieOptions().domain(std::string(253, 'a')))));
}

}  // namespace
}  // namespace caropig::http
