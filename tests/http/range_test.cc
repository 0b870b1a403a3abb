#include <caropig/http/range.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::http {
namespace {

using ::testing::ElementsAre;
using Kind = RangeSelection::Kind;

TEST(Range, OneRange) {
    struct Row {
        std::string_view field;
        std::uint64_t size;
        Kind kind;
        ByteRange range;
    };
    constexpr Row kRows[] = {
        {"bytes=0-0", 100, Kind::kPartial, {0, 0}},
        {"bytes=0-98", 100, Kind::kPartial, {0, 98}},
        {"bytes=1-", 100, Kind::kPartial, {1, 99}},
        {"bytes=99-", 100, Kind::kPartial, {99, 99}},
        {"bytes=99-1000", 100, Kind::kPartial, {99, 99}},
        {"bytes=50-99999999999999999999999", 100, Kind::kPartial, {50, 99}},
        {"bytes=-1", 100, Kind::kPartial, {99, 99}},
        {"bytes=-99", 100, Kind::kPartial, {1, 99}},
        {"Bytes = 1-2", 100, Kind::kPartial, {1, 2}},
        {"bytes=,, 1-2 ,", 100, Kind::kPartial, {1, 2}},
        // The whole is no part.
        {"bytes=0-", 100, Kind::kWhole, {}},
        {"bytes=0-99", 100, Kind::kWhole, {}},
        {"bytes=0-100", 100, Kind::kWhole, {}},
        {"bytes=-100", 100, Kind::kWhole, {}},
        {"bytes=-18446744073709551616", 100, Kind::kWhole, {}},
        // Behind the end.
        {"bytes=100-", 100, Kind::kUnsatisfiable, {}},
        {"bytes=100-200", 100, Kind::kUnsatisfiable, {}},
        {"bytes=99999999999999999999-", 100, Kind::kUnsatisfiable, {}},
        {"bytes=-0", 100, Kind::kUnsatisfiable, {}},
        {"bytes=0-", 0, Kind::kUnsatisfiable, {}},
        {"bytes=-5", 0, Kind::kUnsatisfiable, {}},
        // Not understood.
        {"", 100, Kind::kWhole, {}},
        {"bytes", 100, Kind::kWhole, {}},
        {"bytes=", 100, Kind::kWhole, {}},
        {"bytes=,", 100, Kind::kWhole, {}},
        {"bytes=-", 100, Kind::kWhole, {}},
        {"bytes=5", 100, Kind::kWhole, {}},
        {"bytes=5-3", 100, Kind::kWhole, {}},
        {"bytes=a-b", 100, Kind::kWhole, {}},
        {"bytes=1-2x", 100, Kind::kWhole, {}},
        {"bytes=+1-2", 100, Kind::kWhole, {}},
        {"bytes=1 - 2", 100, Kind::kWhole, {}},
        {"bytes=--1", 100, Kind::kWhole, {}},
        {"bytes=0x1-2", 100, Kind::kWhole, {}},
        {"bytes:1-2", 100, Kind::kWhole, {}},
        {"items=1-2", 100, Kind::kWhole, {}},
        {"bytes 1-2/100", 100, Kind::kWhole, {}},
    };
    for (const Row& row : kRows) {
        RangeSelection selection = select_ranges(row.field, row.size);
        EXPECT_EQ(selection.kind, row.kind) << row.field;
        if (row.kind == Kind::kPartial) {
            EXPECT_THAT(selection.ranges, ElementsAre(row.range)) << row.field;
        } else {
            EXPECT_TRUE(selection.ranges.empty()) << row.field;
        }
    }
}

TEST(Range, SeveralRanges) {
    RangeSelection several = select_ranges("bytes=90-, 0-1,-2", 100);
    EXPECT_EQ(several.kind, Kind::kPartial);
    EXPECT_THAT(several.ranges, ElementsAre(ByteRange{90, 99}, ByteRange{0, 1}, ByteRange{98, 99}));
    EXPECT_THAT(select_ranges("bytes=100-,5-6,200-300", 100).ranges, ElementsAre(ByteRange{5, 6}));
    EXPECT_EQ(select_ranges("bytes=100-,101-", 100).kind, Kind::kUnsatisfiable);
    EXPECT_EQ(select_ranges("bytes=0-1,x", 100).kind, Kind::kWhole) << "one mistake spoils all";
    EXPECT_EQ(select_ranges("bytes=100-,5-3", 100).kind, Kind::kWhole);
}

TEST(Range, NeverAsksForMoreThanThereIs) {
    EXPECT_EQ(select_ranges("bytes=0-49,50-99", 100).kind, Kind::kPartial);
    EXPECT_EQ(select_ranges("bytes=0-50,50-99", 100).kind, Kind::kWhole);
    EXPECT_EQ(select_ranges("bytes=0-,0-", 100).kind, Kind::kWhole);
    EXPECT_EQ(select_ranges("bytes=1-,1-", 100).kind, Kind::kWhole);
    EXPECT_EQ(select_ranges("bytes=0-0,-18446744073709551615", UINT64_MAX).kind, Kind::kWhole) << "no overflow";
}

TEST(Range, NumberIsLimited) {
    std::string field = "bytes=";
    for (std::size_t i = 0; i < kMaxRanges; ++i) field += std::to_string(2 * i) + "-" + std::to_string(2 * i) + ",";
    EXPECT_EQ(select_ranges(field, 1000).ranges.size(), kMaxRanges);
    EXPECT_EQ(select_ranges(field + "500-500", 1000).kind, Kind::kWhole);
    EXPECT_EQ(select_ranges(field + "5000-", 1000).kind, Kind::kWhole) << "those that are dropped count too";
}

TEST(Range, ContentRange) {
    EXPECT_EQ(content_range({0, 99}, 1000), "bytes 0-99/1000");
    EXPECT_EQ(content_range_unsatisfied(1000), "bytes */1000");
}

}  // namespace
}  // namespace caropig::http
