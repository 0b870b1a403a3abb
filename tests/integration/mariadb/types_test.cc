#include "mariadb_fixture.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

Bytes bytes(std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {{begin, begin + text.size()}};
}

class MariadbTypes : public MariadbTest {
protected:
    /// What comes back of a value that was stored in a column of `type`, or of NULL.
    Value stored(const std::string& type, const Value& value) {
        query(*connection_, "CREATE OR REPLACE TEMPORARY TABLE stored (v " + type + ")");
        query(*connection_, "INSERT INTO stored VALUES (?)", {value});
        return one(*connection_, "SELECT v FROM stored");
    }
    void expect_round_trip(const std::string& type, const Value& value) {
        EXPECT_EQ(stored(type, value), value) << type;
        EXPECT_EQ(stored(type, Value()), Value()) << type;
    }

    std::unique_ptr<Connection> connection_ = connect();
};

TEST_F(MariadbTypes, SignedIntegers) {
    for (const char* type : {"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"}) {
        expect_round_trip(type, std::int64_t{-128});
        expect_round_trip(type, std::int64_t{127});
    }
    expect_round_trip("BIGINT", std::numeric_limits<std::int64_t>::min());
    expect_round_trip("BIGINT", std::numeric_limits<std::int64_t>::max());
}

TEST_F(MariadbTypes, UnsignedIntegers) {
    for (const char* type : {"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"}) {
        expect_round_trip(std::string(type) + " UNSIGNED", std::uint64_t{255});
    }
    expect_round_trip("INT UNSIGNED", std::uint64_t{4294967295u});
    expect_round_trip("BIGINT UNSIGNED", std::numeric_limits<std::uint64_t>::max());
    expect_round_trip("YEAR", std::uint64_t{2026});
    expect_round_trip("BIT(1)", std::uint64_t{1});
    expect_round_trip("BIT(13)", std::uint64_t{4097});
    expect_round_trip("BIT(64)", std::numeric_limits<std::uint64_t>::max());
}

TEST_F(MariadbTypes, TruthIsAnInteger) {
    EXPECT_EQ(stored("BOOLEAN", true), Value(std::int64_t{1}));
    EXPECT_EQ(stored("BOOLEAN", false), Value(std::int64_t{0}));
}

TEST_F(MariadbTypes, FloatingPoint) {
    for (const double value : {0.0, -1.5, 1e308, -2.2250738585072014e-308, 0.1}) expect_round_trip("DOUBLE", value);
    expect_round_trip("FLOAT", 0.5);
    EXPECT_EQ(stored("FLOAT", 0.1), Value(static_cast<double>(0.1f)));
}

TEST_F(MariadbTypes, Decimals) {
    expect_round_trip("DECIMAL(65,30)", Decimal{"12345678901234567890123456789012345.123456789012345678901234567890"});
    expect_round_trip("DECIMAL(10,2)", Decimal{"-12.50"});
    EXPECT_EQ(stored("DECIMAL(10,2)", Decimal{"+.5"}), Value(Decimal{"0.50"}));
    EXPECT_EQ(one(*connection_, "SELECT ? + ?", {Decimal{"0.1"}, Decimal{"0.2"}}), Value(Decimal{"0.3"}));
    for (const char* text : {"", "-", ".", "1e5", "1.2.3", "1; DROP TABLE t", "0x10", " 1", "NaN"}) {
        const auto error = error_of(run(*connection_, "SELECT ?", {Decimal{text}}));
        ASSERT_TRUE(error) << text;
        EXPECT_EQ(error->kind(), Error::Kind::kStatement);
        EXPECT_EQ(error->message(), "argument 1 is no decimal number");
        EXPECT_TRUE(connection_->usable());
    }
}

TEST_F(MariadbTypes, Text) {
    for (const char* type : {"VARCHAR(200)", "TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"}) {
        expect_round_trip(type, std::string());
        expect_round_trip(type, std::string("Grüße, \xF0\x9F\x90\x97 你好\n\\'\"\x1a"));
        expect_round_trip(type, std::string("a\0b", 3));
    }
    expect_round_trip("ENUM('one','two')", std::string("two"));
    expect_round_trip("SET('a','b','c')", std::string("a,c"));
    expect_round_trip("JSON", std::string(R"({"a": [1, 2.50, "x"]})"));
    expect_round_trip("CHAR(10)", std::string("padded"));
    EXPECT_EQ(one(*connection_, "SELECT @@character_set_client"), Value(std::string("utf8mb4")));
    EXPECT_EQ(one(*connection_, "SELECT @@character_set_results"), Value(std::string("utf8mb4")));
    EXPECT_EQ(one(*connection_, "SELECT CHAR_LENGTH(?)", {std::string("\xF0\x9F\x90\x97")}), Value(std::int64_t{1}));
}

TEST_F(MariadbTypes, BytesAreNoText) {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    for (const char* type : {"VARBINARY(300)", "BLOB", "MEDIUMBLOB", "LONGBLOB"}) {
        expect_round_trip(type, bytes(all));
        expect_round_trip(type, bytes(""));
    }
    expect_round_trip("BINARY(4)", bytes(std::string_view("\xff\0\x01z", 4)));
    expect_round_trip("UUID", std::string("123e4567-e89b-12d3-a456-426655440000"));
}

TEST_F(MariadbTypes, LargeCells) {
    for (const std::size_t size : {std::size_t{65535}, std::size_t{65536}, std::size_t{7} * 1024 * 1024}) {
        std::string text(size, 'x');
        text.replace(size / 2, 4, "mid!");
        text.back() = '.';
        const Result result = query(*connection_, "SELECT ?, LENGTH(?), 7", {text, bytes(text)});
        ASSERT_EQ(result.cells.size(), 3u);
        EXPECT_TRUE(result.cells[0] == Value(text)) << size;
        EXPECT_EQ(result.cells[2], Value(std::int64_t{7}));
    }
}

TEST_F(MariadbTypes, LargeResultOfManyPackets) {
    // More than the 16 MiB that one packet of the protocol takes.
    const Result result =
        query(*connection_, "SELECT CONCAT(REPEAT('a', 9000000), 'b'), CONCAT(REPEAT('c', 9000000), 'd')");
    ASSERT_EQ(result.cells.size(), 2u);
    EXPECT_TRUE(result.cells[0] == Value(std::string(9000000, 'a') + "b"));
    EXPECT_TRUE(result.cells[1] == Value(std::string(9000000, 'c') + "d"));
}

TEST_F(MariadbTypes, DatesAndTimes) {
    expect_round_trip("DATE", Date{2024y / 2 / 29});
    expect_round_trip("DATE", Date{1000y / 1 / 1});
    expect_round_trip("DATE", Date{9999y / 12 / 31});
    expect_round_trip("DATETIME(6)", DateTime(sys_days(2026y / 11 / 24)) + 23h + 59min + 58s + 123456us);
    expect_round_trip("DATETIME", DateTime(sys_days(1000y / 1 / 1)));
    expect_round_trip("TIMESTAMP(6)", DateTime(sys_days(2026y / 7 / 1)) + 1us);
    EXPECT_EQ(stored("DATETIME(3)", DateTime(sys_days(2026y / 7 / 1)) + 123456us),
              Value(DateTime(sys_days(2026y / 7 / 1)) + 123ms));
    EXPECT_EQ(stored("TIME(6)", std::string("-12:30:01.5")), Value(std::string("-12:30:01.500000")));
    EXPECT_EQ(stored("TIME", std::string("838:59:59")), Value(std::string("838:59:59")));
    EXPECT_EQ(stored("TIME", Value()), Value());
}

TEST_F(MariadbTypes, TheSessionIsInUtc) {
    EXPECT_EQ(one(*connection_, "SELECT FROM_UNIXTIME(0)"), Value(DateTime()));
    EXPECT_EQ(one(*connection_, "SELECT UNIX_TIMESTAMP(?)", {DateTime() + 1h}), Value(std::int64_t{3600}));
}

TEST_F(MariadbTypes, DatesThatAreNoneComeAsNull) {
    query(*connection_, "SET SESSION sql_mode = ''");
    EXPECT_EQ(one(*connection_, "SELECT CAST('0000-00-00' AS DATE)"), Value());
    EXPECT_EQ(stored("DATE", std::string("0000-00-00")), Value());
    EXPECT_EQ(stored("DATE", std::string("2024-05-00")), Value());
    EXPECT_EQ(stored("DATETIME", std::string("0000-00-00 00:00:00")), Value());
}

TEST_F(MariadbTypes, DatesThatTheServerCantTakeAreRefused) {
    for (const Value& value : {Value(Date{2023y / 2 / 29}), Value(Date{-1y / 1 / 1}), Value(Date{10000y / 1 / 1}),
                               Value(DateTime(sys_days(10000y / 1 / 1)))}) {
        const auto error = error_of(run(*connection_, "SELECT ?, ?", {Value(), value}));
        ASSERT_TRUE(error);
        EXPECT_EQ(error->message(), "argument 2 is no date of the years 0 to 9999");
    }
    EXPECT_EQ(stored("DATE", Date{9999y / 12 / 31}), Value(Date{9999y / 12 / 31}));
}

TEST_F(MariadbTypes, ColumnsWithoutAType) {
    EXPECT_EQ(one(*connection_, "SELECT NULL"), Value());
    EXPECT_EQ(one(*connection_, "SELECT ?", {Value()}), Value());
    EXPECT_EQ(one(*connection_, "SELECT ?", {std::numeric_limits<std::uint64_t>::max()}),
              Value(std::numeric_limits<std::uint64_t>::max()));
}

/// The same statement with arguments of other types each time.
TEST_F(MariadbTypes, ArgumentsMayChangeTheirType) {
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(one(*connection_, "SELECT ?", {std::int64_t{-1}}), Value(std::int64_t{-1}));
        EXPECT_EQ(one(*connection_, "SELECT ?", {std::string("text")}), Value(std::string("text")));
        EXPECT_EQ(one(*connection_, "SELECT ?", {0.25}), Value(0.25));
        EXPECT_EQ(one(*connection_, "SELECT ?", {bytes("b")}), Value(bytes("b")));
        EXPECT_EQ(one(*connection_, "SELECT ?", {Value()}), Value());
    }
}

TEST_F(MariadbTypes, HostileArgumentsStayData) {
    query(*connection_, "CREATE OR REPLACE TABLE victims (v LONGTEXT)");
    query(*connection_, "INSERT INTO victims VALUES ('intact')");
    const std::string corpus[] = {
        "'; DROP TABLE victims; --",
        "' OR '1'='1",
        "\\'; DROP TABLE victims; #",
        "\xbf\x27 OR 1=1 -- ",
        "/*!50000 DROP TABLE victims */",
        "?",
        "??",
        ":name",
        "%s%n",
        "x' UNION SELECT password FROM mysql.user -- ",
        "\x1a\x00\n\r\t\"'`\\",
        std::string("'\0'", 3),
        "0x27204f5220313d31",
        "LOAD_FILE('/etc/passwd')",
        std::string(100000, '\''),
    };
    for (const std::string& text : corpus) {
        const Bytes raw = bytes(text);
        EXPECT_EQ(one(*connection_, "SELECT ?", {raw}), Value(raw));
        EXPECT_EQ(one(*connection_,
                      "SELECT COUNT(*) FROM victims WHERE v = CONVERT(? USING utf8mb4) COLLATE utf8mb4_bin", {raw}),
                  Value(std::int64_t{0}));
        if (text.find('\xbf') != std::string::npos) continue;  // no UTF-8
        EXPECT_EQ(one(*connection_, "SELECT ?", {text}), Value(text));
        query(*connection_, "INSERT INTO victims VALUES (?)", {text});
        EXPECT_EQ(one(*connection_, "SELECT v FROM victims WHERE v = BINARY ?", {text}), Value(text));
        query(*connection_, "DELETE FROM victims WHERE v <> 'intact'");
        for (const char* number : {"SELECT 1 WHERE ? = -1", "SELECT 1 WHERE ABS(?) = -1"}) {
            EXPECT_EQ(query(*connection_, number, {text}).rows, 0u);
        }
    }
    EXPECT_EQ(one(*connection_, "SELECT v FROM victims"), Value(std::string("intact")));
    query(*connection_, "DROP TABLE victims");
}

}  // namespace
}  // namespace caropig::db
