#include <caropig/http/etag.h>

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

bool in_list(std::string_view list, std::string_view tag, ETagComparison how = ETagComparison::kWeak,
             bool exists = true) {
    std::array<HeaderView, 1> fields{{{"If-None-Match", list}}};
    return etag_list_matches(HeadersView(fields), "If-None-Match", parse_etag(tag), how, exists);
}

TEST(EntityTag, Reads) {
    EXPECT_EQ(parse_etag("\"abc\""), (EntityTag{"\"abc\"", false}));
    EXPECT_EQ(parse_etag("W/\"abc\""), (EntityTag{"\"abc\"", true}));
    EXPECT_EQ(parse_etag("\"\""), (EntityTag{"\"\"", false}));
    EXPECT_EQ(parse_etag("\"a,b\xc3\xa9\""), (EntityTag{"\"a,b\xc3\xa9\"", false}));
    for (std::string_view bad : {"", "abc", "\"abc", "abc\"", "w/\"abc\"", "W\"abc\"", "W/abc", "\"a\"b", "\"a\" ",
                                 "\"a\"\"b\"", "*", "\"\x01\""}) {
        EXPECT_EQ(parse_etag(bad), std::nullopt) << bad;
    }
}

TEST(EntityTag, Comparison) {  // the table of RFC 9110 8.8.3.2
    auto match = [](std::string_view a, std::string_view b, ETagComparison how) {
        return etags_match(parse_etag(a).value(), parse_etag(b).value(), how);
    };
    using enum ETagComparison;
    EXPECT_FALSE(match("W/\"1\"", "W/\"1\"", kStrong));
    EXPECT_TRUE(match("W/\"1\"", "W/\"1\"", kWeak));
    EXPECT_FALSE(match("W/\"1\"", "W/\"2\"", kStrong));
    EXPECT_FALSE(match("W/\"1\"", "W/\"2\"", kWeak));
    EXPECT_FALSE(match("W/\"1\"", "\"1\"", kStrong));
    EXPECT_TRUE(match("W/\"1\"", "\"1\"", kWeak));
    EXPECT_TRUE(match("\"1\"", "\"1\"", kStrong));
    EXPECT_TRUE(match("\"1\"", "\"1\"", kWeak));
}

TEST(EntityTag, Lists) {
    EXPECT_TRUE(in_list("\"a\"", "\"a\""));
    EXPECT_TRUE(in_list("\"x\", W/\"y\" ,\t\"a\"", "\"a\""));
    EXPECT_TRUE(in_list(",, \"a\",", "\"a\""));
    EXPECT_TRUE(in_list("\"a,b\", \"c\"", "\"c\"")) << "a comma within quotes separates nothing";
    EXPECT_FALSE(in_list("\"a,b\"", "\"a\""));
    EXPECT_FALSE(in_list("\"b\"", "\"a\""));
    EXPECT_FALSE(in_list("", "\"a\""));
    EXPECT_TRUE(in_list("*", "\"a\""));
    EXPECT_TRUE(in_list(" * ", "\"a\""));
    EXPECT_TRUE(in_list("*", "")) << "there is something, though it has no tag";
    EXPECT_FALSE(in_list("*", "", ETagComparison::kWeak, false));
    EXPECT_FALSE(in_list("*, \"b\"", "\"a\""));
    EXPECT_FALSE(in_list("nonsense, \"a\"", "\"a\"")) << "read up to the first mistake";
    EXPECT_FALSE(in_list("\"b\" \"a\"", "\"a\""));
    EXPECT_TRUE(in_list("\"a\", nonsense", "\"a\""));
    EXPECT_FALSE(in_list("W/\"a\"", "\"a\"", ETagComparison::kStrong));
    EXPECT_TRUE(in_list("W/\"a\", \"a\"", "\"a\"", ETagComparison::kStrong));
    EXPECT_FALSE(in_list(std::string(60'000, ','), "\"a\""));
}

TEST(EntityTag, ListsOfSeveralFields) {
    std::array<HeaderView, 3> fields{{{"If-Match", "\"a\""}, {"If-None-Match", "\"c\""}, {"if-match", "\"b\""}}};
    EXPECT_TRUE(etag_list_matches(HeadersView(fields), "If-Match", parse_etag("\"b\""), ETagComparison::kStrong));
    EXPECT_FALSE(etag_list_matches(HeadersView(fields), "If-Match", parse_etag("\"c\""), ETagComparison::kStrong));
}

}  // namespace
}  // namespace caropig::http
