#include "db/postgres_values.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;

constexpr PostgresType kBool = 16, kBytea = 17, kInt8 = 20, kInt4 = 23, kText = 25, kFloat8 = 701, kDate = 1082,
                       kTimestamp = 1114, kTimestamptz = 1184, kNumeric = 1700, kUuid = 2950, kJsonb = 3802;

constexpr std::chrono::sys_days kLeapDay = 2024y / 2 / 29;

struct Sent {
    std::string text;
    int format;
    friend bool operator==(const Sent&, const Sent&) = default;
};
void PrintTo(const Sent& sent, std::ostream* out) { *out << sent.text << " in format " << sent.format; }

Sent sent(const Value& value, PostgresType type) {
    PostgresArguments arguments(std::span(&value, 1), std::span(&type, 1));
    EXPECT_EQ(arguments.count(), 1);
    EXPECT_NE(arguments.values()[0], nullptr);
    return {std::string(arguments.text(0)), arguments.formats()[0]};
}

std::string refusal(const Value& value, PostgresType type) {
    try {
        sent(value, type);
    } catch (const PostgresArgumentError& error) {
        return error.what();
    }
    return "taken";
}

TEST(PostgresArguments, NumbersGoAsText) {
    EXPECT_EQ(sent(std::int64_t{-42}, kInt4), (Sent{"-42", 0}));
    EXPECT_EQ(sent(std::numeric_limits<std::int64_t>::min(), kInt8), (Sent{"-9223372036854775808", 0}));
    EXPECT_EQ(sent(std::int64_t{7}, kText), (Sent{"7", 0}));
    EXPECT_EQ(sent(std::numeric_limits<std::uint64_t>::max(), kNumeric), (Sent{"18446744073709551615", 0}));
    EXPECT_EQ(sent(1.0, kInt4), (Sent{"1", 0}));
    EXPECT_EQ(sent(0.1, kFloat8), (Sent{"0.1", 0}));
    EXPECT_EQ(sent(std::nan(""), kFloat8), (Sent{"NaN", 0}));
    EXPECT_EQ(sent(-std::numeric_limits<double>::infinity(), kFloat8), (Sent{"-Infinity", 0}));
    EXPECT_EQ(sent(Decimal{"12.50"}, kNumeric), (Sent{"12.50", 0}));
}

TEST(PostgresArguments, BooleansFitNumbersToo) {
    EXPECT_EQ(sent(true, kBool), (Sent{"true", 0}));
    EXPECT_EQ(sent(false, kInt4), (Sent{"0", 0}));
    EXPECT_EQ(sent(true, kNumeric), (Sent{"1", 0}));
}

TEST(PostgresArguments, NullIsNoText) {
    const Value null;
    const PostgresType type = kText;
    PostgresArguments arguments(std::span(&null, 1), std::span(&type, 1));
    EXPECT_EQ(arguments.values()[0], nullptr);
    EXPECT_EQ(arguments.text(0), "");
}

TEST(PostgresArguments, TextForByteaIsItsBytes) {
    EXPECT_EQ(sent(std::string("\\x00"), kBytea), (Sent{"\\x00", 1}));
    EXPECT_EQ(sent(std::string("a\0b", 3), kBytea), (Sent{std::string("a\0b", 3), 1}));
    EXPECT_EQ(sent(std::string("a'b"), kText), (Sent{"a'b", 0}));
}

TEST(PostgresArguments, BytesGoAsTheyAreOrAsHex) {
    Bytes bytes{{std::byte{0}, std::byte{0xAB}, std::byte{'\\'}}};
    EXPECT_EQ(sent(bytes, kBytea), (Sent{std::string("\0\xAB\\", 3), 1}));
    EXPECT_EQ(sent(bytes, kText), (Sent{std::string("\0\xAB\\", 3), 1}));
    EXPECT_EQ(sent(bytes, kUuid), (Sent{"\\x00ab5c", 0})) << "never taken for the type's own binary form";
    EXPECT_EQ(sent(Bytes{}, kBytea), (Sent{"", 1}));
}

TEST(PostgresArguments, DatesAreIso) {
    EXPECT_EQ(sent(Date(kLeapDay), kDate), (Sent{"2024-02-29", 0}));
    EXPECT_EQ(sent(Date(std::chrono::year(-43) / 3 / 15), kDate), (Sent{"0044-03-15 BC", 0}));
    EXPECT_EQ(sent(DateTime(kLeapDay + 12h + 30min + 5us), kTimestamp), (Sent{"2024-02-29 12:30:00.000005", 0}));
    EXPECT_EQ(sent(DateTime(kLeapDay + 12h), kTimestamptz), (Sent{"2024-02-29 12:00:00.000000+00", 0}));
    EXPECT_EQ(sent(DateTime(-1us), kTimestamp), (Sent{"1969-12-31 23:59:59.999999", 0}));
}

TEST(PostgresArguments, WhatHasNoFormIsRefusedByPosition) {
    EXPECT_EQ(refusal(std::string("a\0b", 3), kText),
              "argument 1 is text with a zero byte, which PostgreSQL can't hold");
    EXPECT_EQ(refusal(std::string("a\0b", 3), kJsonb),
              "argument 1 is text with a zero byte, which PostgreSQL can't hold");
    EXPECT_EQ(refusal(Decimal{std::string("1\0002", 3)}, kNumeric), "argument 1 is a decimal with a zero byte");
    EXPECT_EQ(refusal(2023y / 2 / 29, kDate), "argument 1 is a date that is none");
    EXPECT_EQ(refusal(DateTime::max(), kTimestamp), "argument 1 is a moment beyond the years that a date can have");
    EXPECT_EQ(refusal(DateTime::min(), kTimestamp), "argument 1 is a moment beyond the years that a date can have");
}

TEST(PostgresResults, HaveTheTypeOfTheColumn) {
    EXPECT_EQ(decode_postgres("t", kBool), Value(true));
    EXPECT_EQ(decode_postgres("f", kBool), Value(false));
    EXPECT_EQ(decode_postgres("-9223372036854775808", kInt8), Value(std::numeric_limits<std::int64_t>::min()));
    EXPECT_EQ(decode_postgres("0.1", kFloat8), Value(0.1));
    EXPECT_EQ(decode_postgres("-Infinity", kFloat8), Value(-std::numeric_limits<double>::infinity()));
    EXPECT_TRUE(std::isnan(std::get<double>(decode_postgres("NaN", kFloat8))));
    EXPECT_EQ(decode_postgres("12.50", kNumeric), Value(Decimal{"12.50"}));
    EXPECT_EQ(decode_postgres("NaN", kNumeric), Value(Decimal{"NaN"}));
    EXPECT_EQ(decode_postgres("{\"a\": 1}", kJsonb), Value(std::string("{\"a\": 1}")));
    EXPECT_EQ(decode_postgres("", kText), Value(std::string()));
}

TEST(PostgresResults, ByteaIsReadFromHex) {
    EXPECT_EQ(decode_postgres("\\x", kBytea), Value(Bytes{}));
    EXPECT_EQ(decode_postgres("\\x00ff5c", kBytea), Value(Bytes{{std::byte{0}, std::byte{0xFF}, std::byte{0x5C}}}));
    for (const char* other : {"\\x0", "\\x0g", "abc", ""}) {
        EXPECT_EQ(decode_postgres(other, kBytea), Value(std::string(other)));
    }
}

TEST(PostgresResults, DatesAndTimes) {
    EXPECT_EQ(decode_postgres("2024-02-29", kDate), Value(Date(kLeapDay)));
    EXPECT_EQ(decode_postgres("0044-03-15 BC", kDate), Value(Date(std::chrono::year(-43) / 3 / 15)));
    EXPECT_EQ(decode_postgres("12345-01-01", kDate), Value(Date(12345y / 1 / 1)));
    EXPECT_EQ(decode_postgres("2024-02-29 12:30:00", kTimestamp), Value(DateTime(kLeapDay + 12h + 30min)));
    EXPECT_EQ(decode_postgres("2024-02-29 00:00:00.5", kTimestamp), Value(DateTime(kLeapDay + 500ms)));
    EXPECT_EQ(decode_postgres("2024-02-29 00:00:00.000001", kTimestamp), Value(DateTime(kLeapDay + 1us)));
    EXPECT_EQ(decode_postgres("2024-02-29 12:00:00+00", kTimestamptz), Value(DateTime(kLeapDay + 12h)));
    EXPECT_EQ(decode_postgres("2024-02-29 12:00:00.25+05:30", kTimestamptz),
              Value(DateTime(kLeapDay + 6h + 30min + 250ms)));
    EXPECT_EQ(decode_postgres("2024-02-29 12:00:00-03:00:30", kTimestamptz), Value(DateTime(kLeapDay + 15h + 30s)));
    EXPECT_EQ(decode_postgres("0001-12-31 23:59:59.999999+00 BC", kTimestamptz),
              Value(DateTime(std::chrono::sys_days(1y / 1 / 1) - 1us)));
}

TEST(PostgresResults, WhatADateCantHoldStaysText) {
    for (const char* text : {"infinity", "-infinity", "99999-01-01", "29/02/2024", "2024-02-30", "2024-02-29x", ""}) {
        EXPECT_EQ(decode_postgres(text, kDate), Value(std::string(text)));
    }
    for (const char* text : {"infinity", "294276-12-31 23:59:59", "2024-02-29", "2024-02-29 12:00",
                             "2024-02-29 12:00:00+", "2024-02-29 12:00:00.", "2024-02-29 12:00:00 UTC"}) {
        EXPECT_EQ(decode_postgres(text, kTimestamp), Value(std::string(text)));
    }
}

}  // namespace
}  // namespace caropig::db
