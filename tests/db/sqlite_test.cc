#include "db/temporary_folder.h"
#include "support/captured_log.h"
#include "support/loop_until.h"
#include <caropig/async/when_all.h>
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>
#include <caropig/loop/with_timeout.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// What a task throws, or nothing.
template <class T>
std::optional<Error> error_of(Loop& loop, Task<T> task) {
    try {
        loop.run_until(std::move(task));
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

class Sqlite : public testing::Test {
protected:
    [[nodiscard]] std::string url(const std::string& options = "") const {
        return "sqlite:" + folder_.file("test.db") + options;
    }

    TemporaryFolder folder_;
    Loop loop_;
    Database database_{url()};
};

TEST_F(Sqlite, RowsComeBackByNameAndIndex) {
    loop_.run_until(database_.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INT)"));
    const Outcome first = loop_.run_until(database_.execute("INSERT INTO users (name, age) VALUES (?, ?)", "Ann", 31));
    const Outcome second =
        loop_.run_until(database_.execute("INSERT INTO users (name) VALUES (?)", std::string("Bob")));
    EXPECT_EQ(first.affected_rows, 1U);
    EXPECT_EQ(first.last_insert_id, 1U);
    EXPECT_EQ(second.last_insert_id, 2U);

    const Rows rows = loop_.run_until(database_.query("SELECT id, name, age FROM users ORDER BY id"));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_THAT(rows.columns(), ElementsAre("id", "name", "age"));
    EXPECT_EQ(rows[0].get<std::int64_t>("id"), 1);
    EXPECT_EQ(rows[0].get<std::string>(1), "Ann");
    EXPECT_EQ(rows[0].get<std::optional<int>>("age"), 31);
    EXPECT_EQ(rows[1].get<std::optional<int>>("age"), std::nullopt);
}

TEST_F(Sqlite, TheOutcomeSaysWhatWasDone) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    EXPECT_EQ(loop_.run_until(database_.execute("INSERT INTO t VALUES (1), (2), (3)")).affected_rows, 3U);
    const Outcome updated = loop_.run_until(database_.execute("UPDATE t SET a = a + 1 WHERE a > ?", 1));
    EXPECT_EQ(updated.affected_rows, 2U);
    EXPECT_EQ(updated.last_insert_id, std::nullopt);
    EXPECT_EQ(loop_.run_until(database_.execute("DELETE FROM t WHERE a = ?", 99)).affected_rows, 0U);
    EXPECT_EQ(loop_.run_until(database_.execute("SELECT a FROM t")).affected_rows, 0U);
    const Rows returned = loop_.run_until(database_.query("INSERT INTO t VALUES (7) RETURNING a"));
    EXPECT_EQ(returned[0].get<int>("a"), 7);
    EXPECT_EQ(returned.outcome().affected_rows, 1U);
    EXPECT_TRUE(loop_.run_until(database_.query("CREATE TABLE u (a)")).columns().empty());
}

TEST_F(Sqlite, EveryTypeMakesTheRoundTrip) {
    const Bytes bytes{{std::byte{0}, std::byte{0xff}, std::byte{'\''}}};
    const Date date = std::chrono::year(2026) / 2 / 28;
    const DateTime moment = std::chrono::sys_days(date) + 23h + 59min + 58s + 1us;
    const Rows rows = loop_.run_until(database_.query(
        "SELECT ? a, ? b, ? c, ? d, ? e, ? f, ? g, ? h, ? i, ? j, ? k, ? l", nullptr, true,
        std::numeric_limits<std::int64_t>::min(), std::uint64_t{1} << 62, 0.1, std::string_view("t\0x", 3), bytes,
        Decimal{"12.50"}, date, moment, std::optional<int>(), Bytes{}));
    const Row row = rows[0];
    EXPECT_EQ(row.get<std::optional<std::string>>("a"), std::nullopt);
    EXPECT_EQ(row.get<bool>("b"), true);
    EXPECT_EQ(row.get<std::int64_t>("c"), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(row.get<std::uint64_t>("d"), std::uint64_t{1} << 62);
    EXPECT_EQ(row.get<double>("e"), 0.1);
    EXPECT_EQ(row.get<std::string>("f"), std::string_view("t\0x", 3));
    EXPECT_EQ(row.get<Bytes>("g"), bytes);
    EXPECT_EQ(row.get<Decimal>("h"), Decimal{"12.50"});
    EXPECT_EQ(row.get<Date>("i"), date);
    EXPECT_EQ(row.get<DateTime>("j"), moment);
    EXPECT_EQ(row.get<std::optional<int>>("k"), std::nullopt);
    EXPECT_EQ(row.get<Bytes>("l"), Bytes{});
}

TEST_F(Sqlite, StreamsRowByRow) {
    const auto sum = [](Database& database) -> Task<std::int64_t> {
        std::int64_t total = 0;
        RowStream stream = co_await database.stream(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n", 10000);
        while (std::optional<Row> row = co_await stream.next()) total += row->get<std::int64_t>("i");
        EXPECT_EQ(database.idle(), 1U);
        EXPECT_FALSE((co_await stream.next()).has_value());
        co_return total;
    };
    EXPECT_EQ(loop_.run_until(sum(database_)), 50005000);
}

TEST_F(Sqlite, TransactionsCommitOrRollBack) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    const auto add = [](Transaction& transaction) -> Task<int> {
        co_await transaction.execute("INSERT INTO t VALUES (?)", 1);
        co_return 5;
    };
    EXPECT_EQ(loop_.run_until(database_.transaction(add)), 5);
    const auto fail = [](Transaction& transaction) -> Task<void> {
        co_await transaction.execute("INSERT INTO t VALUES (?)", 2);
        throw std::runtime_error("no");
    };
    EXPECT_THROW(loop_.run_until(database_.transaction(fail)), std::runtime_error);
    const Rows rows = loop_.run_until(database_.query("SELECT count(*) AS n FROM t"));
    EXPECT_EQ(rows[0].get<int>("n"), 1);
}

}  // namespace
}  // namespace caropig::db
