#include <caropig/db/described.h>
#include <caropig/db/row.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Rows one_row(std::vector<std::string> columns, std::vector<Value> cells) {
    return {std::make_shared<const std::vector<std::string>>(std::move(columns)), std::move(cells), {}};
}

/// What a cell that holds `value` gives as a T: the value, or what the ColumnError says.
template <class T>
std::optional<T> as(Value value) {
    const Rows rows = one_row({"c"}, {std::move(value)});
    try {
        return rows[0].get<T>("c");
    } catch (const ColumnError&) {
        return std::nullopt;
    }
}

template <class T>
std::string fault_of(Value value) {
    const Rows rows = one_row({"c"}, {std::move(value)});
    try {
        (void)rows[0].get<T>("c");
    } catch (const ColumnError& error) {
        return error.what();
    }
    return "none";
}

const Date kDate = std::chrono::year(2026) / 3 / 1;
const DateTime kMoment = std::chrono::sys_days(kDate) + 12h + 30min;

TEST(Row, BoolIsABoolOrZeroOrOne) {
    EXPECT_EQ(as<bool>(true), true);
    EXPECT_EQ(as<bool>(std::int64_t{0}), false);
    EXPECT_EQ(as<bool>(std::uint64_t{1}), true);
    EXPECT_EQ(as<bool>(std::int64_t{2}), std::nullopt);
    EXPECT_EQ(as<bool>(std::int64_t{-1}), std::nullopt);
    EXPECT_EQ(as<bool>(std::string("1")), std::nullopt);
    EXPECT_EQ(as<bool>(Decimal{"1"}), std::nullopt);
}

TEST(Row, IntegersAreCheckedForTheirRange) {
    EXPECT_EQ(as<std::int8_t>(std::int64_t{127}), 127);
    EXPECT_EQ(as<std::int8_t>(std::int64_t{128}), std::nullopt);
    EXPECT_EQ(as<std::int8_t>(std::int64_t{-128}), -128);
    EXPECT_EQ(as<std::int8_t>(std::int64_t{-129}), std::nullopt);
    EXPECT_EQ(as<std::uint16_t>(std::int64_t{65535}), 65535);
    EXPECT_EQ(as<std::uint16_t>(std::int64_t{65536}), std::nullopt);
    EXPECT_EQ(as<std::uint16_t>(std::int64_t{-1}), std::nullopt);
    EXPECT_EQ(as<std::int64_t>(std::uint64_t{1} << 63), std::nullopt);
    EXPECT_EQ(as<std::uint64_t>(std::numeric_limits<std::uint64_t>::max()), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(as<std::int64_t>(std::numeric_limits<std::int64_t>::min()), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(as<int>(true), 1);
    EXPECT_EQ(as<int>(Decimal{"12"}), 12);
    EXPECT_EQ(as<int>(Decimal{"-12.00"}), -12);
    EXPECT_EQ(as<int>(Decimal{"12.50"}), std::nullopt);
    EXPECT_EQ(as<std::int64_t>(Decimal{"9223372036854775808"}), std::nullopt);
    EXPECT_EQ(as<std::uint64_t>(Decimal{"9223372036854775808"}), std::uint64_t{1} << 63);
    EXPECT_EQ(as<int>(1.0), std::nullopt);
    EXPECT_EQ(as<int>(std::string("1")), std::nullopt);
}

TEST(Row, DoubleLosesNothing) {
    EXPECT_EQ(as<double>(0.1), 0.1);
    EXPECT_EQ(as<double>(std::int64_t{1} << 53), 9007199254740992.0);
    EXPECT_EQ(as<double>((std::int64_t{1} << 53) + 1), std::nullopt);
    EXPECT_EQ(as<double>(std::numeric_limits<std::int64_t>::min()), std::nullopt);
    EXPECT_EQ(as<double>(Decimal{"12.5"}), 12.5);
    EXPECT_EQ(as<double>(Decimal{"NaN?"}), std::nullopt);
    EXPECT_EQ(as<float>(0.5), 0.5F);
    EXPECT_EQ(as<double>(true), std::nullopt);
}

TEST(Row, TextAndBytesAreNotMixedUp) {
    EXPECT_EQ(as<std::string>(std::string("a")), "a");
    EXPECT_EQ(as<std::string_view>(Decimal{"1.50"}).has_value(), true);
    EXPECT_EQ(as<std::string>(Decimal{"1.50"}), "1.50");
    EXPECT_EQ(as<std::string>(Bytes{}), std::nullopt);
    EXPECT_EQ(as<std::string>(std::int64_t{1}), std::nullopt);
    EXPECT_EQ(as<Bytes>(Bytes{{std::byte{1}}}), Bytes{{std::byte{1}}});
    EXPECT_EQ(as<Bytes>(std::string("a")), std::nullopt);
}

TEST(Row, DecimalKeepsItsDigits) {
    EXPECT_EQ(as<Decimal>(Decimal{"1.10"}), Decimal{"1.10"});
    EXPECT_EQ(as<Decimal>(std::int64_t{-7}), Decimal{"-7"});
    EXPECT_EQ(as<Decimal>(std::numeric_limits<std::uint64_t>::max()), Decimal{"18446744073709551615"});
    EXPECT_EQ(as<Decimal>(12.5), Decimal{"12.5"});
    EXPECT_EQ(as<Decimal>(1e22), Decimal{"10000000000000000000000"});
    EXPECT_EQ(as<Decimal>(std::numeric_limits<double>::max()).has_value(), true);
    EXPECT_EQ(as<Decimal>(std::numeric_limits<double>::infinity()), std::nullopt);
    for (const char* good : {"1", "-1.5", "+0.5", ".5", "1."}) EXPECT_EQ(as<Decimal>(std::string(good)), Decimal{good});
    for (const char* bad : {"", "-", ".", "1e5", "1,5", "NaN", "1.5.5", " 1"}) {
        EXPECT_EQ(as<Decimal>(std::string(bad)), std::nullopt) << bad;
    }
}

TEST(Row, DatesMayBeText) {
    EXPECT_EQ(as<Date>(kDate), kDate);
    EXPECT_EQ(as<Date>(std::string("2026-03-01")), kDate);
    for (const char* bad : {"2026-02-29", "2026-3-1", "2026-03-01 ", "2026-03-01 12:30", "20260301", ""}) {
        EXPECT_EQ(as<Date>(std::string(bad)), std::nullopt) << bad;
    }
    EXPECT_EQ(as<Date>(kMoment), std::nullopt);

    EXPECT_EQ(as<DateTime>(kMoment), kMoment);
    EXPECT_EQ(as<DateTime>(kDate), std::chrono::sys_days(kDate));
    for (const char* good : {"2026-03-01 12:30", "2026-03-01 12:30:00", "2026-03-01T12:30:00Z",
                             "2026-03-01 12:30:00.000000+00:00", "2026-03-01 12:30:00.0"}) {
        EXPECT_EQ(as<DateTime>(std::string(good)), kMoment) << good;
    }
    EXPECT_EQ(as<DateTime>(std::string("2026-03-01 12:30:00.5")), kMoment + 500ms);
    EXPECT_EQ(as<DateTime>(std::string("2026-03-01 12:30:00.1234567")), kMoment + 123456us);
    EXPECT_EQ(as<DateTime>(std::string("2026-03-01")), std::chrono::sys_days(kDate));
    for (const char* bad : {"2026-03-01 24:00", "2026-03-01 12:60", "2026-03-01 12:30:60", "2026-03-01 12:30:00.",
                            "2026-03-01 12", "2026-03-01 12:30+01:00", "2026-03-01  12:30", "12:30"}) {
        EXPECT_EQ(as<DateTime>(std::string(bad)), std::nullopt) << bad;
    }
}

TEST(Row, NullNeedsAnOptional) {
    EXPECT_EQ(fault_of<int>({}),
              "column 'c' is NULL, but a signed 32-bit integer was asked for: ask for a std::optional of it");
    const Rows rows = one_row({"c"}, {Value()});
    EXPECT_EQ(rows[0].get<std::optional<int>>("c"), std::nullopt);
    EXPECT_EQ(as<std::optional<int>>(std::int64_t{5}), std::optional<int>(5));
    EXPECT_THAT(fault_of<std::optional<int>>(std::string("x")), HasSubstr("holds text"));
    EXPECT_EQ(rows[0].get<Value>("c"), Value());
}

TEST(Row, ErrorsNameTheColumnAndTheTypesButNotTheValue) {
    EXPECT_EQ(fault_of<std::int64_t>(std::string("SECRET")),
              "column 'c' holds text, but a signed 64-bit integer was asked for");
    EXPECT_EQ(fault_of<std::uint8_t>(std::int64_t{4711}),
              "column 'c' holds an integer that can't be had as an unsigned 8-bit integer");
    EXPECT_EQ(fault_of<Date>(std::string("SECRET")), "column 'c' holds text that can't be had as a date");
    EXPECT_THAT(fault_of<DateTime>(std::string("SECRET")), Not(HasSubstr("SECRET")));
    EXPECT_THAT(fault_of<Decimal>(std::string("SECRET")), Not(HasSubstr("SECRET")));
    EXPECT_THAT(fault_of<bool>(std::int64_t{4711}), Not(HasSubstr("4711")));
    EXPECT_THAT(fault_of<int>(Decimal{"47.11"}), Not(HasSubstr("47.11")));
}

TEST(Row, AMissingColumnIsNamed) {
    const Rows rows = one_row({"id", "name"}, {std::int64_t{1}, std::string("a")});
    const auto fault = [](auto ask) -> std::string {
        try {
            ask();
        } catch (const ColumnError& error) {
            return error.what();
        }
        return "none";
    };
    EXPECT_EQ(fault([&] { (void)rows[0].get<int>("nme"); }), "the result has no column 'nme', it has: id, name");
    EXPECT_EQ(fault([&] { (void)rows[0].get<int>(2); }), "the result has no column 2, it has 2, counted from 0");
    EXPECT_EQ(rows[0].get<std::string>(1), "a");
}

TEST(Row, AnAmbiguousColumnIsAnError) {
    const Rows rows = one_row({"id", "id"}, {std::int64_t{1}, std::int64_t{2}});
    EXPECT_THROW((void)rows[0].get<int>("id"), ColumnError);
    EXPECT_EQ(rows[0].get<int>(1), 2);
}

TEST(Rows, KnowTheirSizeAndAreWalkedThrough) {
    const Rows rows = one_row({"a", "b"}, {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{4}});
    EXPECT_EQ(rows.size(), 2U);
    std::vector<int> seen;
    for (Row row : rows) seen.push_back(row.get<int>("b"));
    EXPECT_THAT(seen, ElementsAre(2, 4));
    EXPECT_THROW((void)rows[2], std::out_of_range);
    const Rows none;
    EXPECT_TRUE(none.empty());
    EXPECT_TRUE(none.columns().empty());
    EXPECT_EQ(none.begin(), none.end());
}

struct Named {
    std::string name;
};
BOOST_DESCRIBE_STRUCT(Named, (), (name))

struct User : Named {
    std::int64_t id = 0;
    std::optional<std::string> email;
    bool admin = false;
};
BOOST_DESCRIBE_STRUCT(User, (Named), (id, email, admin))

TEST(Rows, BecomeDescribedStructs) {
    const Rows rows = one_row({"admin", "id", "name", "email", "unused"},
                              {std::int64_t{1}, std::int64_t{7}, std::string("Ann"), Value(), Value(),  //
                               std::int64_t{0}, std::int64_t{8}, std::string("Bob"), std::string("b@x"), Value()});
    const std::vector<User> users = rows.as<User>();
    ASSERT_EQ(users.size(), 2U);
    EXPECT_EQ(users[0].name, "Ann");
    EXPECT_EQ(users[0].id, 7);
    EXPECT_EQ(users[0].email, std::nullopt);
    EXPECT_TRUE(users[0].admin);
    EXPECT_EQ(users[1].email, "b@x");
    EXPECT_EQ(rows[1].as<User>().name, "Bob");
    EXPECT_TRUE(Rows().as<User>().empty());
}

TEST(Rows, AMemberWithoutAColumnIsAnErrorThatNamesIt) {
    const Rows rows = one_row({"id", "name", "admin"}, {std::int64_t{7}, std::string("Ann"), true});
    try {
        (void)rows.as<User>();
        ADD_FAILURE();
    } catch (const ColumnError& error) {
        EXPECT_THAT(error.what(), HasSubstr("'email'"));
    }
}

}  // namespace
}  // namespace caropig::db
