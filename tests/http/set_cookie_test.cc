#include <caropig/http/date.h>
#include <caropig/http/set_cookie.h>

#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

TEST(SetCookie, ReadsNameAndValueAsBrowsersDo) {
    struct Row {
        const char* field;
        const char* name;
        const char* value;
    };
    for (const Row& row : {Row{"a=b", "a", "b"},
                           {" a = b ; x", "a", "b"},
                           {"a=b=c", "a", "b=c"},
                           {"a=\"b c\"", "a", "\"b c\""},
                           {"a=", "a", ""},
                           {"=b", "", "b"},
                           {"b", "", "b"},
                           {"a=b;", "a", "b"},
                           {"a;b=c", "", "a"}}) {
        const std::optional<SetCookie> cookie = parse_set_cookie(row.field);
        ASSERT_TRUE(cookie) << row.field;
        EXPECT_EQ(cookie->name, row.name) << row.field;
        EXPECT_EQ(cookie->value, row.value) << row.field;
    }
    for (const char* field : {"", "=", ";", " = ; Path=/", "a=b\x01", "a=b\r\n", "a\x7f=b"}) {
        EXPECT_FALSE(parse_set_cookie(field)) << field;
    }
}

TEST(SetCookie, HasALargestSize) {
    EXPECT_TRUE(parse_set_cookie("a=" + std::string(4095, 'x')));
    EXPECT_FALSE(parse_set_cookie("a=" + std::string(4096, 'x')));
    EXPECT_EQ(parse_set_cookie("a=b; Path=/" + std::string(1023, 'x'))->path.size(), 1024u);
    EXPECT_EQ(parse_set_cookie("a=b; Path=/" + std::string(1024, 'x'))->path, "");
}

TEST(SetCookie, ReadsAttributesWithoutCase) {
    const SetCookie cookie =
        parse_set_cookie("a=b; DOMAIN=.Example.com; path = /x; SECURE; httponly=1; samesite=STRICT; What=ever").value();
    EXPECT_EQ(cookie.domain, "example.com");
    EXPECT_EQ(cookie.path, "/x");
    EXPECT_TRUE(cookie.secure);
    EXPECT_TRUE(cookie.http_only);
    EXPECT_EQ(cookie.same_site, SameSite::kStrict);
}

TEST(SetCookie, TakesTheLastOfSeveral) {
    const SetCookie cookie = parse_set_cookie("a=b; Path=/x; Path=y; Domain=a; Domain=b; Max-Age=1; Max-Age=x").value();
    EXPECT_EQ(cookie.path, "");
    EXPECT_EQ(cookie.domain, "b");
    EXPECT_EQ(cookie.max_age, 1);
}

TEST(SetCookie, ReadsMaxAge) {
    const auto age = [](const std::string& text) { return parse_set_cookie("a=b; Max-Age=" + text)->max_age; };
    EXPECT_EQ(age("60"), 60);
    EXPECT_EQ(age("0"), 0);
    EXPECT_EQ(age("-5"), 0);
    EXPECT_EQ(age("99999999999999999999999"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(age("-99999999999999999999999"), 0);
    for (const char* text : {"", "-", "+1", "1.5", "1s", "x"}) EXPECT_FALSE(age(text)) << text;
}

TEST(SetCookie, ReadsDatesInAnyOrder) {
    const std::int64_t moment = parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").value();
    for (const char* text :
         {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
          "1994 6 november 8:49:37", "06-NOV-1994 08:49:37 +0100", "8:49:37 6 Nov 94", "6th Nov 1994AD 08:49:37.5"}) {
        EXPECT_EQ(parse_cookie_date(text), moment) << text;
    }
    EXPECT_EQ(parse_cookie_date("1 Jan 69 00:00:00"), parse_http_date("Tue, 01 Jan 2069 00:00:00 GMT"));
    EXPECT_EQ(parse_cookie_date("1 Jan 70 00:00:00"), 0);
    for (const char* text :
         {"", "Nov 1994 08:49:37", "06 1994 08:49:37", "06 Nov 08:49:37", "06 Nov 1994", "31 Feb 1994 08:49:37",
          "06 Nov 1600 08:49:37", "06 Nov 1994 24:49:37", "06 Nov 1994 08:60:37", "06 Nov 1994 08:49:60",
          "06 Nov 1994 008:49:37", "06 Nov 19940 08:49:37"}) {
        EXPECT_FALSE(parse_cookie_date(text)) << text;
    }
}

}  // namespace
}  // namespace caropig::http
