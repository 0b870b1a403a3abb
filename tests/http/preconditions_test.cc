#include <caropig/http/date.h>
#include <caropig/http/preconditions.h>

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

constexpr std::string_view kBefore = "Sun, 09 Sep 2001 01:46:39 GMT";
constexpr std::string_view kModified = "Sun, 09 Sep 2001 01:46:40 GMT";
constexpr std::string_view kAfter = "Sun, 09 Sep 2001 01:46:41 GMT";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr Validators kCurrent{"\"now\"", kSecond};

struct Row {
    std::vector<HeaderView> fields;
    Precondition for_get;
    Precondition for_put;
};

TEST(Preconditions, Table) {
    using enum Precondition;
    const std::vector<Row> rows{
        {{}, kPassed, kPassed},
        // If-Match, by strong comparison.
        {{{"If-Match", "\"now\""}}, kPassed, kPassed},
        {{{"If-Match", "\"x\", \"now\""}}, kPassed, kPassed},
        {{{"If-Match", "*"}}, kPassed, kPassed},
        {{{"If-Match", "\"x\""}}, kFailed, kFailed},
        {{{"If-Match", "W/\"now\""}}, kFailed, kFailed},
        {{{"If-Match", "nonsense"}}, kFailed, kFailed},
        {{{"If-Match", ""}}, kFailed, kFailed},
        // If-Unmodified-Since, unless there is If-Match.
        {{{"If-Unmodified-Since", kModified}}, kPassed, kPassed},
        {{{"If-Unmodified-Since", kAfter}}, kPassed, kPassed},
        {{{"If-Unmodified-Since", kBefore}}, kFailed, kFailed},
        {{{"If-Unmodified-Since", "yesterday"}}, kPassed, kPassed},
        {{{"If-Match", "\"now\""}, {"If-Unmodified-Since", kBefore}}, kPassed, kPassed},
        {{{"If-Match", "\"x\""}, {"If-Unmodified-Since", kAfter}}, kFailed, kFailed},
        // If-None-Match, by weak comparison.
        {{{"If-None-Match", "\"now\""}}, kNotModified, kFailed},
        {{{"If-None-Match", "W/\"now\""}}, kNotModified, kFailed},
        {{{"If-None-Match", "*"}}, kNotModified, kFailed},
        {{{"If-None-Match", "\"x\""}}, kPassed, kPassed},
        {{{"If-None-Match", "nonsense"}}, kPassed, kPassed},
        // If-Modified-Since, unless there is If-None-Match; GET and HEAD only.
        {{{"If-Modified-Since", kModified}}, kNotModified, kPassed},
        {{{"If-Modified-Since", kAfter}}, kNotModified, kPassed},
        {{{"If-Modified-Since", kBefore}}, kPassed, kPassed},
        {{{"If-Modified-Since", "tomorrow"}}, kPassed, kPassed},
        {{{"If-None-Match", "\"x\""}, {"If-Modified-Since", kAfter}}, kPassed, kPassed},
        {{{"If-None-Match", "\"now\""}, {"If-Modified-Since", kBefore}}, kNotModified, kFailed},
        // The order: the first two before the last two.
        {{{"If-None-Match", "\"now\""}, {"If-Match", "\"x\""}}, kFailed, kFailed},
        {{{"If-None-Match", "\"now\""}, {"If-Match", "\"now\""}}, kNotModified, kFailed},
        {{{"If-Modified-Since", kModified}, {"If-Unmodified-Since", kBefore}}, kFailed, kFailed},
        {{{"If-Modified-Since", kModified}, {"If-Unmodified-Since", kModified}}, kNotModified, kPassed},
    };
    for (const Row& row : rows) {
        std::string what;
        for (const HeaderView& each : row.fields) what += std::string(each.name) + ": " + std::string(each.value) + " ";
        HeadersView fields(row.fields);
        EXPECT_EQ(check_preconditions(Method::kGet, fields, kCurrent), row.for_get) << what;
        EXPECT_EQ(check_preconditions(Method::kHead, fields, kCurrent), row.for_get) << what;
        EXPECT_EQ(check_preconditions(Method::kPut, fields, kCurrent), row.for_put) << what;
    }
}

TEST(Preconditions, WithoutValidatorsOnlyTheStarSaysAnything) {
    auto check = [](std::string_view name, std::string_view value) {
        std::array<HeaderView, 1> fields{{{name, value}}};
        return check_preconditions(Method::kGet, HeadersView(fields), {});
    };
    EXPECT_EQ(check("If-Match", "\"a\""), Precondition::kFailed);
    EXPECT_EQ(check("If-Match", "*"), Precondition::kPassed);
    EXPECT_EQ(check("If-None-Match", "\"a\""), Precondition::kPassed);
    EXPECT_EQ(check("If-None-Match", "*"), Precondition::kNotModified);
    EXPECT_EQ(check("If-Modified-Since", kAfter), Precondition::kPassed);
    EXPECT_EQ(check("If-Unmodified-Since", kBefore), Precondition::kPassed);
}

TEST(Preconditions, IfRange) {
    auto wanted = [](std::string_view condition, const Validators& current = kCurrent, std::int64_t now = kSecond + 1) {
        std::array<HeaderView, 2> fields{{{"Range", "bytes=0-1"}, {"If-Range", condition}}};
        return range_is_wanted(Method::kGet, HeadersView(fields), current, now);
    };
    EXPECT_TRUE(wanted("\"now\""));
    EXPECT_FALSE(wanted("\"x\""));
    EXPECT_FALSE(wanted("W/\"now\"")) << "the comparison is strong";
    EXPECT_FALSE(wanted("\"now\"", {"W/\"now\"", kSecond}));
    EXPECT_FALSE(wanted("\"now\"", {"", kSecond}));
    EXPECT_FALSE(wanted("*"));
    EXPECT_FALSE(wanted("\"now\", \"x\"")) << "one tag, not a list";
    EXPECT_TRUE(wanted(kModified));
    EXPECT_FALSE(wanted(kAfter)) << "the date is compared exactly";
    EXPECT_FALSE(wanted(kBefore));
    EXPECT_FALSE(wanted(kModified, kCurrent, kSecond)) << "the second has not passed: it may change again";
    EXPECT_FALSE(wanted(kModified, {"\"now\"", std::nullopt}));
    EXPECT_FALSE(wanted("nonsense"));
}

TEST(Preconditions, RangeIsForGetOnly) {
    std::array<HeaderView, 1> fields{{{"Range", "bytes=0-1"}}};
    EXPECT_TRUE(range_is_wanted(Method::kGet, HeadersView(fields), kCurrent, kSecond + 1));
    EXPECT_FALSE(range_is_wanted(Method::kHead, HeadersView(fields), kCurrent, kSecond + 1));
    EXPECT_FALSE(range_is_wanted(Method::kGet, {}, kCurrent, kSecond + 1));
}

}  // namespace
}  // namespace caropig::http
