#include <caropig/http/date.h>
#include <caropig/http/headers.h>
#include <caropig/http/method.h>
#include <caropig/http/status.h>
#include <caropig/http/url.h>

#include <array>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Method, RoundTripsAndIsCaseSensitive) {
    for (const char* name : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}) {
        EXPECT_NE(parse_method(name), Method::kOther) << name;
        EXPECT_EQ(to_string(parse_method(name)), name);
    }
    for (const char* name : {"get", "GETS", "", "PROPFIND", "OTHER"})
        EXPECT_EQ(parse_method(name), Method::kOther) << name;
}

TEST(Status, KnowsRegisteredPhrases) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(404), "Not Found");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(299), "Unknown");
    EXPECT_EQ(reason_phrase(-1), "Unknown");
}

TEST(Chars, ClassesMatchTheGrammar) {
    EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
    EXPECT_FALSE(is_token(""));
    for (int c = 0; c < 256; ++c) {
        const char byte = static_cast<char>(c);
        EXPECT_EQ(is_field_char(byte), c == '\t' || (c >= 0x20 && c != 0x7f)) << c;
        if (c <= 0x20 || c >= 0x7f) {
            EXPECT_FALSE(is_token_char(byte)) << c;
            EXPECT_FALSE(is_target_char(byte)) << c;
            EXPECT_FALSE(is_host_char(byte)) << c;
        }
    }
    for (const char c : std::string("\"(),/:;<=>?@[\\]{}")) EXPECT_FALSE(is_token_char(c)) << c;
    for (const char c : std::string("#\"<>\\?% ")) EXPECT_FALSE(is_target_char(c)) << c;
}

TEST(HeadersView, FindsWithoutCaseAndInOrder) {
    const std::array<HeaderView, 3> fields = {{{"A", "1"}, {"b", "2"}, {"a", "3"}}};
    const HeadersView view{fields};
    EXPECT_EQ(view.find("a"), "1");
    EXPECT_EQ(view.find("B"), "2");
    EXPECT_EQ(view.find("c"), std::nullopt);
    EXPECT_THAT(view.get_all("a"), ElementsAre("1", "3"));
}

TEST(HeadersView, FindsTokensInListsOverSeveralLines) {
    const std::array<HeaderView, 3> fields = {
        {{"Connection", "close\t ,  x-one"}, {"Vary", "upgrade"}, {"connection", ",Upgrade,, keep-alive;q=1"}}};
    const HeadersView view{fields};
    EXPECT_TRUE(view.has_token("connection", "CLOSE"));
    EXPECT_TRUE(view.has_token("connection", "x-one"));
    EXPECT_TRUE(view.has_token("connection", "upgrade"));
    EXPECT_FALSE(view.has_token("connection", "keep-alive"));
    EXPECT_FALSE(view.has_token("connection", "x"));
}

TEST(Headers, KeepsOrderAndWireForm) {
    Headers headers;
    EXPECT_TRUE(headers.empty());
    EXPECT_TRUE(headers.begin() == headers.end());
    headers.add("Set-Cookie", "a=1");
    headers.add("X", "  padded\t");
    headers.add("set-cookie", "b=2");
    headers.add("Empty", "");
    EXPECT_EQ(headers.wire(), "Set-Cookie: a=1\r\nX: padded\r\nset-cookie: b=2\r\nEmpty: \r\n");
    EXPECT_THAT(headers.get_all("SET-COOKIE"), ElementsAre("a=1", "b=2"));
    std::vector<std::string> names;
    for (const HeaderView& field : headers) names.emplace_back(field.name);
    EXPECT_THAT(names, ElementsAre("Set-Cookie", "X", "set-cookie", "Empty"));
    EXPECT_EQ(headers.find("empty"), "");
    EXPECT_EQ(headers.remove("SET-cookie"), 2U);
    EXPECT_EQ(headers.wire(), "X: padded\r\nEmpty: \r\n");
    headers.set("x", "new");
    EXPECT_EQ(headers.wire(), "Empty: \r\nx: new\r\n");
}

TEST(Headers, TakesViewsIntoItself) {
    Headers headers;
    headers.add("First", "value");
    for (int i = 0; i < 20; ++i) headers.add("Copy", *headers.find("first"));
    headers.set((*headers.begin()).name, headers.get_all("copy").back());
    EXPECT_EQ(headers.find("first"), "value");
    EXPECT_EQ(headers.remove((*headers.begin()).name), 20U);
    EXPECT_EQ(headers.wire(), "First: value\r\n");
}

TEST(Headers, RefusesInjectionAndNamesTheField) {
    Headers headers;
    for (const std::string& value : {std::string("a\r\nX: y"), std::string("a\n"), std::string("a\rb"),
                                     std::string("a\0b", 3), std::string("\x01"), std::string("\x7f")}) {
        try {
            headers.add("X-Field", value);
            ADD_FAILURE() << "accepted";
        } catch (const std::invalid_argument& error) {
            EXPECT_THAT(error.what(), HasSubstr("X-Field"));
        }
        EXPECT_THROW(headers.set("X-Field", value), std::invalid_argument);
    }
    for (const char* name : {"", "a b", "a:", "a\r\n", "\xc3\xa9"}) {
        EXPECT_THROW(headers.add(name, "v"), std::invalid_argument) << name;
    }
    EXPECT_TRUE(headers.empty());
    headers.add("X", "tab\tand \xe6\x88\x90");
    EXPECT_EQ(headers.find("x"), "tab\tand \xe6\x88\x90");
}

TEST(Headers, CopiesReceivedFields) {
    const std::array<HeaderView, 2> fields = {{{"A", "1"}, {"B", ""}}};
    EXPECT_EQ(Headers::copy_of(HeadersView{fields}).wire(), "A: 1\r\nB: \r\n");
}

TEST(Url, SplitsIntoParts) {
    const auto url = parse_url("HTTPS://user:pw@Example.COM:8443/a/b%20c?x=1&y=?#frag");
    ASSERT_TRUE(url) << url.error();
    EXPECT_EQ(url->scheme, "https");
    EXPECT_EQ(url->userinfo, "user:pw");
    EXPECT_EQ(url->host, "example.com");
    EXPECT_EQ(url->port, 8443);
    EXPECT_EQ(url->path, "/a/b%20c");
    EXPECT_EQ(url->query, "x=1&y=?");
    EXPECT_EQ(url->fragment, "frag");
    EXPECT_EQ(url->origin(), "https://example.com:8443");
    EXPECT_EQ(url->target(), "/a/b%20c?x=1&y=?");
}

TEST(Url, FillsInDefaults) {
    const auto bare = parse_url("http://a");
    ASSERT_TRUE(bare) << bare.error();
    EXPECT_EQ(bare->port, 80);
    EXPECT_EQ(bare->target(), "/");
    EXPECT_EQ(bare->authority(), "a");
    EXPECT_EQ(parse_url("https://a:443")->authority(), "a");
    EXPECT_EQ(parse_url("http://a:")->port, 80);
    EXPECT_EQ(parse_url("http://a?q")->target(), "/?q");
    EXPECT_EQ(parse_url("http://a#f")->path, "/");
    EXPECT_EQ(parse_url("http://[::1]:8080/")->host, "::1");
    EXPECT_EQ(parse_url("http://[::1]:8080/")->authority(), "[::1]:8080");
}

TEST(Url, ReadsIpv6Literals) {
    for (const char* host :
         {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2::7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4"}) {
        EXPECT_TRUE(parse_url("http://[" + std::string(host) + "]/")) << host;
    }
    for (const char* host : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
                             "12345::", "g::", "1:", "::1:", "::1.2.3", "::1.2.3.256", "::01.2.3.4", "1.2.3.4",
                             "::1%eth0", "1:2:3:4:5:6:7::8"}) {
        EXPECT_FALSE(parse_url("http://[" + std::string(host) + "]/")) << host;
    }
}

TEST(Url, RefusesWithOneLine) {
    for (const char* text : {"",
                             "/path",
                             "a.example/",
                             "ftp://a/",
                             "http:/a",
                             "http://",
                             "http:///x",
                             "http://:80/",
                             "http://a:0/",
                             "http://a:65536/",
                             "http://a:80x/",
                             "http://a:-1/",
                             "http://a:000080/",
                             "http://a b/",
                             "http://a/\r\nX: y",
                             "http://a/\x7f",
                             "http://a/ b",
                             "http://a/%zz",
                             "http://a/%1",
                             "http://a/?%",
                             "http://a/\xc3\xa9",
                             "http://[::1",
                             "http://[::1]x/",
                             "http://a\\b/",
                             "http://a/\\..",
                             "http://a@b@c/",
                             "http://a<b/",
                             "http://%zz/"}) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_FALSE(url.error().empty());
        EXPECT_EQ(url.error().find('\n'), std::string::npos);
    }
}

TEST(Percent, DecodesAndEncodes) {
    EXPECT_EQ(percent_decode("a%20b%2B+%00"), std::string("a b++\0", 6));
    EXPECT_EQ(query_decode("a+b%2b"), "a b+");
    for (const char* text : {"%", "%1", "%g0", "%0g", "a%"}) EXPECT_EQ(percent_decode(text), std::nullopt) << text;
    EXPECT_EQ(percent_encode("a/b ~\xe6"), "a%2Fb%20~%E6");
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    EXPECT_EQ(percent_decode(percent_encode(all)), all);
}

TEST(Query, SplitsIntoPairs) {
    const auto parameters = parse_query("a=1&b=%E6%88%90+x&&c&d==&a=2&=v");
    ASSERT_TRUE(parameters) << parameters.error();
    const QueryParameters expected = {{"a", "1"}, {"b", "\xe6\x88\x90 x"}, {"c", ""}, {"d", "="}, {"a", "2"},
                                      {"", "v"}};
    EXPECT_EQ(*parameters, expected);
    EXPECT_TRUE(parse_query("")->empty());
    EXPECT_THAT(parse_query("a=%4").error(), HasSubstr("percent"));
    EXPECT_THAT(parse_query("a=%FF").error(), HasSubstr("UTF-8"));
}

TEST(Utf8, AcceptsOnlyWellFormed) {
    for (const char* text : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
                             "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        EXPECT_TRUE(is_utf8(text));
    }
    for (const char* text : {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe6\x88",
                             "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe6\x88z"}) {
        EXPECT_FALSE(is_utf8(text));
    }
}

TEST(Date, FormatsImfFixdate) {
    EXPECT_EQ(format_http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(format_http_date(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
    EXPECT_EQ(format_http_date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    EXPECT_EQ(format_http_date(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    EXPECT_EQ(format_http_date(INT64_MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(Date, ParsesTheThreeForms) {
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
    EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), 784975777);
    for (std::int64_t when = -86400LL * 800; when < 86400LL * 40000; when += 86400 * 13 + 3671) {
        EXPECT_EQ(parse_http_date(format_http_date(when)), when);
    }
}

TEST(Date, RefusesOtherText) {
    for (const char* text :
         {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
          "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
          "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT",
          "Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 19940 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "1994-11-06", "-1"}) {
        EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace caropig::http
