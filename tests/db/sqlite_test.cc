#include "db/temporary_folder.h"
#include "support/captured_log.h"
#include "support/loop_until.h"
#include <caropig/async/when_all.h>
#include <caropig/async/when_any.h>
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

TEST_F(Sqlite, ATransactionThatSqliteHasUndoneIsDoomed) {
    loop_.run_until(database_.execute("CREATE TABLE once (id INTEGER PRIMARY KEY)"));
    loop_.run_until(database_.execute("INSERT INTO once VALUES (1)"));
    bool went_on = false;
    const auto body = [&](Transaction& transaction) -> Task<void> {
        co_await transaction.execute("INSERT INTO once VALUES (2)");
        try {
            co_await transaction.execute("INSERT OR ROLLBACK INTO once VALUES (1)");
        } catch (const Error&) {
            went_on = true;  // as one may after a constraint, where the rest stands
        }
        co_await transaction.execute("INSERT INTO once VALUES (3)");
    };
    EXPECT_THROW(loop_.run_until(database_.transaction(body)), Error);
    EXPECT_TRUE(went_on);
    const Rows rows = loop_.run_until(database_.query("SELECT id FROM once"));
    EXPECT_EQ(rows.size(), 1U);  // nothing of it, and nothing that was committed by itself
}

TEST_F(Sqlite, BatchesEndAtASizeToo) {
    const auto read = [&]() -> Task<void> {
        RowStream stream = co_await database_.stream(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT zeroblob(1000000) "
            "FROM n");
        std::size_t rows = 0;
        while (std::optional<Row> row = co_await stream.next()) ++rows;
        EXPECT_EQ(rows, 100U);
    };
    loop_.run_until(read());
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

TEST_F(Sqlite, TemporariesMayBeArguments) {
    const auto run = [](Database& database) -> Task<std::vector<std::string>> {
        const std::string long_text(100, 'x');
        const std::vector<std::byte> bytes(100);
        co_await database.execute("CREATE TABLE t (a TEXT, b BLOB, c TEXT)");
        co_await database.execute("INSERT INTO t VALUES (?, ?, ?)", std::string(long_text), Bytes(bytes),
                                  std::optional<std::string>(long_text + "y"));
        co_await database.execute("INSERT INTO t VALUES (?, ?, ?)", long_text + "z", nullptr, Decimal{long_text});
        std::vector<std::string> seen;
        for (Row row : co_await database.query("SELECT a, c FROM t WHERE a <> ? ORDER BY rowid", long_text + "q")) {
            seen.push_back(row.get<std::string>("a").substr(99) + row.get<std::string>("c").substr(99));
        }
        const std::string marks = "?, ?";
        const Rows rows = co_await database.query(Sql::composed("SELECT a FROM t WHERE a IN (" + marks + ")"),
                                                  std::string(long_text), long_text + "z");
        seen.push_back(std::to_string(rows.size()));
        RowStream stream = co_await database.stream("SELECT a FROM t WHERE a = ?", long_text + "z");
        std::optional<Row> row = co_await stream.next();
        seen.push_back(row->get<std::string>(0).substr(99));
        co_return seen;
    };
    EXPECT_THAT(loop_.run_until(run(database_)), ElementsAre("xxy", "xzx", "2", "xz"));
}

TEST_F(Sqlite, ATaskOwnsItsArgumentsAndAComposedText) {
    Task<Rows> task = [this] {
        const std::string name(100, 'n');
        const std::string text = "SELECT ? AS name, ? AS bytes /* made at run time */";
        return database_.query(Sql::composed(text), name, Bytes{std::vector<std::byte>(100)});
    }();
    const Rows rows = loop_.run_until(std::move(task));
    EXPECT_EQ(rows[0].get<std::string>("name"), std::string(100, 'n'));
    EXPECT_EQ(rows[0].get<Bytes>("bytes").data.size(), 100U);
}

const std::vector<std::string> kInjections{
    "'; DROP TABLE t; --",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "1; DELETE FROM t",
    "?",
    "?1",
    ":name",
    "$1",
    "%' --",
    "\\'; DROP TABLE t; --",
    "') UNION SELECT 1, sqlite_version() --",
    "/* */",
    "`t`",
    "NULL",
    std::string("a\0' OR 1=1 --", 13),
    "\xff\xfe'",
    "＇ OR 1=1",
    "x'00'",
    "\n--\n; DROP TABLE t",
};

TEST_F(Sqlite, DataStaysDataWhateverItSays) {
    loop_.run_until(database_.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)"));
    std::int64_t count = 0;
    const auto check = [&](auto argument, auto expected) {
        using Held = decltype(expected);
        const Outcome inserted = loop_.run_until(database_.execute("INSERT INTO t (v) VALUES (?)", argument));
        ++count;
        const Rows found = loop_.run_until(database_.query("SELECT v FROM t WHERE id = ?", *inserted.last_insert_id));
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].get<Held>("v"), expected);
        const Rows same = loop_.run_until(
            database_.query("SELECT id FROM t WHERE v = ? AND id = ?", argument, *inserted.last_insert_id));
        EXPECT_EQ(same.size(), 1U);
        const Rows all = loop_.run_until(database_.query("SELECT count(*) AS n FROM t"));
        EXPECT_EQ(all[0].get<std::int64_t>("n"), count);
    };
    for (const std::string& text : kInjections) {
        check(text, text);
        check(std::string_view(text), text);
        check(std::optional<std::string>(text), text);
        check(Value(text), text);
        check(Decimal{text}, text);
        Bytes bytes;
        for (const char c : text) bytes.data.push_back(static_cast<std::byte>(c));
        check(bytes, bytes);
    }
}

TEST_F(Sqlite, ConstraintsAreTheirOwnKindAndNameNoValue) {
    loop_.run_until(
        database_.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, "
                          "age INT CHECK (age > 0))"));
    loop_.run_until(database_.execute("CREATE TABLE c (p INT REFERENCES p (id))"));
    loop_.run_until(database_.execute("INSERT INTO p (name) VALUES (?)", "SECRET"));
    const auto unique = error_of(loop_, database_.execute("INSERT INTO p (name) VALUES (?)", "SECRET"));
    ASSERT_TRUE(unique);
    EXPECT_EQ(unique->kind(), Error::Kind::kConstraint);
    EXPECT_EQ(unique->server_code(), 2067);  // SQLITE_CONSTRAINT_UNIQUE
    EXPECT_THAT(unique->what(), HasSubstr("INSERT INTO p (name) VALUES (?): UNIQUE constraint failed: p.name"));
    EXPECT_THAT(unique->what(), Not(HasSubstr("SECRET")));
    for (auto* task : {"null", "check", "foreign"}) {
        const std::string which = task;
        const auto error =
            which == "null"    ? error_of(loop_, database_.execute("INSERT INTO p (name) VALUES (?)", nullptr))
            : which == "check" ? error_of(loop_, database_.execute("INSERT INTO p (name, age) VALUES ('a', ?)", -4711))
                               : error_of(loop_, database_.execute("INSERT INTO c VALUES (?)", 4711));
        ASSERT_TRUE(error) << which;
        EXPECT_EQ(error->kind(), Error::Kind::kConstraint) << which;
        EXPECT_THAT(error->what(), Not(HasSubstr("4711")));
    }
}

TEST_F(Sqlite, SaysWhatIsWrongWithAStatement) {
    const auto fault = [&](auto... arguments) { return error_of(loop_, database_.query(arguments...)); };
    const auto check = [](const std::optional<Error>& error, const std::string& what) {
        ASSERT_TRUE(error) << what;
        EXPECT_EQ(error->kind(), Error::Kind::kStatement);
        EXPECT_THAT(error->what(), HasSubstr(what));
    };
    loop_.run_until(database_.execute("CREATE TABLE t (a TEXT)"));
    check(fault(Sql("SELEC 1")), "SELEC 1: near \"SELEC\": syntax error");
    check(fault(Sql("SELECT b FROM t")), "SELECT b FROM t: no such column: b");
    check(fault(Sql("SELECT \"typo\" FROM t")), "no such column: typo");
    check(fault(Sql("SELECT a FROM nowhere")), "no such table: nowhere");
    check(fault(Sql("SELECT ?"), 1, 2), "the statement has 1 parameters, and 2 arguments were given");
    check(fault(Sql("SELECT ?")), "the statement has 1 parameters, and 0 arguments were given");
    check(fault(Sql("SELECT 1; SELECT 2")), "more than one statement");
    check(fault(Sql(" ; ")), "empty");
    check(fault(Sql("SELECT ?"), ~std::uint64_t{0}), "argument 1 is beyond what SQLite can hold");
    check(fault(Sql("SELECT ?, ?"), 1, std::chrono::year(10000) / 1 / 1), "argument 2 is beyond what SQLite can hold");
    check(fault(Sql("SELECT ?"), DateTime::max()), "argument 1 is beyond what SQLite can hold");
    EXPECT_EQ(loop_.run_until(database_.query("SELECT 1;")).size(), 1U);
    const auto idle = [](Database& database) -> Task<std::size_t> { co_return database.idle(); };
    EXPECT_EQ(loop_.run_until(idle(database_)), 1U);
}

TEST_F(Sqlite, NoArgumentStandsInAnErrorOrALogLine) {
    const support::CapturedLog log;
    std::vector<std::optional<Error>> errors;
    errors.push_back(error_of(loop_, database_.query("SELECT json(?)", "{SECRET")));
    errors.push_back(error_of(loop_, database_.query("SELECT json_extract('{}', ?)", "SECRET")));
    errors.push_back(error_of(loop_, database_.query("SELECT json_extract('{}', ?)", "'SECRET\"SECRET'")));
    errors.push_back(error_of(loop_, database_.query("SELECT abs(?)", std::numeric_limits<std::int64_t>::min())));
    loop_.run_until(database_.execute("CREATE VIRTUAL TABLE f USING fts5(a)"));
    errors.push_back(error_of(loop_, database_.query("SELECT a FROM f WHERE f MATCH ?", "SECRET: \"SECRET")));
    errors.push_back(error_of(loop_, database_.query("SELECT a FROM f WHERE f MATCH ?", "SECRET:x")));
    for (const auto& error : errors) {
        ASSERT_TRUE(error);
        EXPECT_THAT(error->what(), Not(HasSubstr("SECRET")));
        EXPECT_THAT(error->what(), Not(HasSubstr("9223372036854775808")));
        EXPECT_THAT(error->what(), HasSubstr("SELECT"));
    }
    EXPECT_THAT(log.lines(), IsEmpty());
}

Task<void> endless(Database& database) {
    co_await database.query("WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", 1);
}

TEST_F(Sqlite, AStatementIsStoppedWhenItsTaskIsCancelled) {
    const auto run = [](Database& database) -> Task<int> {
        co_await database.query("SELECT 1");  // so that connecting is not what is cancelled
        bool timed_out = false;
        try {
            co_await with_timeout(30ms, endless(database));
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        EXPECT_TRUE(timed_out);
        EXPECT_EQ(database.idle(), 1U);
        const Rows rows = co_await database.query("SELECT 5");
        co_return rows[0].get<int>(0);
    };
    EXPECT_EQ(loop_.run_until(run(database_)), 5);
}

// The request to stop may come before the statement has begun on its thread, while it is being prepared, or later.
TEST_F(Sqlite, AStatementIsStoppedWheneverTheCancellationComes) {
    const auto run = [](Database& database) -> Task<void> {
        for (int i = 0; i < 200; ++i) {
            auto cancel_at_once = [i]() -> Task<void> {
                for (int round = 0; round < i % 20; ++round) co_await yield();
            };
            auto first = co_await when_any(endless(database), cancel_at_once());
            EXPECT_EQ(first.index, 1U);
        }
        const Rows rows = co_await database.query("SELECT 5");
        EXPECT_EQ(rows.size(), 1U);
        EXPECT_LE(database.size(), 1U);
    };
    loop_.run_until(run(database_));
}

TEST_F(Sqlite, AStatementHasADeadline) {
    Database impatient(url(), PoolOptions().query_timeout(30ms));
    const auto error = error_of(loop_, endless(impatient));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kTimeout);
    EXPECT_THAT(error->what(), HasSubstr("stopped after the query_timeout of 30 ms"));
}

TEST_F(Sqlite, AnEndlessResultCanBeStreamedAndClosed) {
    const auto run = [](Database& database) -> Task<std::int64_t> {
        RowStream stream = co_await database.stream(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, zeroblob(10000) FROM n");
        std::int64_t last = 0;
        for (int i = 0; i < 1000; ++i) {
            std::optional<Row> row = co_await stream.next();
            last = row->get<std::int64_t>("i");
        }
        co_await stream.close();
        EXPECT_EQ(database.idle(), 1U);
        co_return last;
    };
    EXPECT_EQ(loop_.run_until(run(database_)), 1000);
}

TEST_F(Sqlite, WritersWaitForEachOther) {
    Database database(url("?threads=2"), PoolOptions().max_size(8));
    loop_.run_until(database.execute("CREATE TABLE counter (n INT)"));
    loop_.run_until(database.execute("INSERT INTO counter VALUES (0)"));
    const auto increment = [](Database& database) -> Task<void> {
        const auto body = [](Transaction& transaction) -> Task<void> {
            const Rows rows = co_await transaction.query("SELECT n FROM counter");
            co_await yield();
            co_await transaction.execute("UPDATE counter SET n = ?", rows[0].get<int>("n") + 1);
        };
        for (int i = 0; i < 5; ++i) {
            co_await database.transaction(body);
            co_await database.execute("UPDATE counter SET n = n + ?", 1);
        }
    };
    const auto all = [&]() -> Task<void> {
        std::vector<Task<void>> tasks;
        for (int i = 0; i < 8; ++i) tasks.push_back(increment(database));
        co_await when_all(std::move(tasks));
    };
    loop_.run_until(all());
    const Rows rows = loop_.run_until(database.query("SELECT n FROM counter"));
    EXPECT_EQ(rows[0].get<int>("n"), 80);
}

TEST_F(Sqlite, ALockThatIsNotHadIsAConflict) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    Database impatient(url("?busy_timeout=30"));
    const auto body = [&](Transaction& transaction) -> Task<std::optional<Error::Kind>> {
        co_await transaction.execute("INSERT INTO t VALUES (1)");
        std::optional<Error::Kind> kind;
        try {
            co_await impatient.execute("INSERT INTO t VALUES (2)");
        } catch (const Error& error) {
            kind = error.kind();
        }
        const Rows rows = co_await impatient.query("SELECT count(*) AS n FROM t");
        EXPECT_EQ(rows[0].get<int>("n"), 0);  // readers are not held up
        co_return kind;
    };
    EXPECT_EQ(loop_.run_until(database_.transaction(body)), Error::Kind::kConflict);
}

TEST_F(Sqlite, WaitingForALockCanBeCancelled) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    Database patient(url("?busy_timeout=600000"), PoolOptions().query_timeout(0s));
    const auto body = [&](Transaction& transaction) -> Task<bool> {
        co_await transaction.execute("INSERT INTO t VALUES (1)");
        bool timed_out = false;
        try {
            co_await with_timeout(30ms, patient.execute("INSERT INTO t VALUES (2)"));
        } catch (const TimeoutError&) {
            timed_out = true;
        }
        co_return timed_out;
    };
    EXPECT_TRUE(loop_.run_until(database_.transaction(body)));
}

TEST_F(Sqlite, TheFileIsForItsOwnerOnlyUnlessItExists) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    const auto mode_of = [](const std::string& file) {
        struct stat info{};
        EXPECT_EQ(::stat(file.c_str(), &info), 0) << file;
        return info.st_mode & 0777;
    };
    EXPECT_EQ(mode_of(folder_.file("test.db")), 0600U);
    EXPECT_EQ(mode_of(folder_.file("test.db-wal")), 0600U);
    std::ofstream(folder_.file("open.db")).flush();
    std::filesystem::permissions(folder_.file("open.db"), std::filesystem::perms(0644));
    Database open("sqlite:" + folder_.file("open.db"));
    loop_.run_until(open.execute("CREATE TABLE t (a INT)"));
    EXPECT_EQ(mode_of(folder_.file("open.db")), 0644U);
}

TEST_F(Sqlite, ConnectionsAreSetUpForConcurrencyAndIntegrity) {
    const Rows journal = loop_.run_until(database_.query("PRAGMA journal_mode"));
    EXPECT_EQ(journal[0].get<std::string>(0), "wal");
    const Rows keys = loop_.run_until(database_.query("PRAGMA foreign_keys"));
    EXPECT_EQ(keys[0].get<int>(0), 1);
    const Rows synchronous = loop_.run_until(database_.query("PRAGMA synchronous"));
    EXPECT_EQ(synchronous[0].get<int>(0), 2);
    Database quicker(url("?synchronous=normal"));
    const Rows normal = loop_.run_until(quicker.query("PRAGMA synchronous"));
    EXPECT_EQ(normal[0].get<int>(0), 1);
}

TEST_F(Sqlite, ModesOfOpening) {
    Database missing("sqlite:" + folder_.file("missing.db") + "?mode=rw");
    const auto error = error_of(loop_, missing.query("SELECT 1"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    EXPECT_EQ(std::string(error->what()), "sqlite " + folder_.file("missing.db") + ": unable to open database file");

    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    Database read_only(url("?mode=ro"));
    EXPECT_EQ(loop_.run_until(read_only.query("SELECT a FROM t")).size(), 0U);
    const auto refused = error_of(loop_, read_only.execute("INSERT INTO t VALUES (1)"));
    ASSERT_TRUE(refused);
    EXPECT_THAT(refused->what(), HasSubstr("readonly"));
}

TEST_F(Sqlite, RecoversWhenItsFolderAppears) {
    Database database("sqlite:" + folder_.file("later/test.db"), PoolOptions().reconnect_delay(0s));
    const auto error = error_of(loop_, database.query("SELECT 1"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    std::filesystem::create_directory(folder_.file("later"));
    EXPECT_EQ(loop_.run_until(database.query("SELECT 1")).size(), 1U);
}

TEST_F(Sqlite, WhatIsNoDatabaseIsSaid) {
    std::ofstream(folder_.file("text.db")) << std::string(4096, 'x');
    Database database("sqlite:" + folder_.file("text.db"));
    const auto error = error_of(loop_, database.query("SELECT 1"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kUnavailable);
    EXPECT_THAT(error->what(), HasSubstr("file is not a database"));
}

TEST_F(Sqlite, OptionsAreChecked) {
    const auto fault = [](const std::string& text) -> std::string {
        try {
            const Database database(text);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_THAT(fault("sqlite:a?colour=red"), HasSubstr("no option colour"));
    EXPECT_THAT(fault("sqlite:a?busy_timeout=x"), HasSubstr("busy_timeout must be a number from 0 to 600000"));
    EXPECT_THAT(fault("sqlite:a?busy_timeout=600001"), HasSubstr("busy_timeout"));
    EXPECT_EQ(fault("sqlite:a?busy_timeout=600000"), "accepted");
    EXPECT_THAT(fault("sqlite:a?threads=0"), HasSubstr("threads"));
    EXPECT_THAT(fault("sqlite:a?threads=65"), HasSubstr("threads"));
    EXPECT_EQ(fault("sqlite:a?threads=64"), "accepted");
    EXPECT_THAT(fault("sqlite:a?mode=memory"), HasSubstr("mode"));
    EXPECT_THAT(fault("sqlite:a?synchronous=1"), HasSubstr("synchronous"));
    EXPECT_THAT(fault("mysql://u@h/d?colour=red"), HasSubstr("colour"));
    EXPECT_THAT(fault("postgres://u@h/d?colour=red"), HasSubstr("colour"));
}

TEST_F(Sqlite, OneInMemoryIsSharedByAllConnectionsAndLoops) {
    Database memory("sqlite::memory:");
    Database other("sqlite::memory:");
    {
        Loop first;
        first.run_until(memory.execute("CREATE TABLE t (a INT)"));
        const auto two_connections = [&](Transaction& transaction) -> Task<std::size_t> {
            co_await transaction.query("SELECT a FROM t");
            co_await memory.query("SELECT a FROM t");
            co_return memory.size();
        };
        const auto options = TransactionOptions().read_only(true);
        EXPECT_EQ(first.run_until(memory.transaction(options, two_connections)), 2U);
    }
    Loop second;
    EXPECT_EQ(second.run_until(memory.query("SELECT a FROM t")).size(), 0U);
    EXPECT_TRUE(error_of(second, other.query("SELECT a FROM t")));
}

TEST_F(Sqlite, AChangedTableIsSeenByACachedStatement) {
    loop_.run_until(database_.execute("CREATE TABLE t (a INT)"));
    loop_.run_until(database_.execute("INSERT INTO t VALUES (1)"));
    EXPECT_THAT(loop_.run_until(database_.query("SELECT * FROM t")).columns(), ElementsAre("a"));
    loop_.run_until(database_.execute("ALTER TABLE t ADD COLUMN b INT DEFAULT 2"));
    const Rows rows = loop_.run_until(database_.query("SELECT * FROM t"));
    EXPECT_THAT(rows.columns(), ElementsAre("a", "b"));
    EXPECT_EQ(rows[0].get<int>("b"), 2);
}

TEST_F(Sqlite, TheStatementCacheMayBeSmallOrNone) {
    for (const std::size_t size : {0U, 1U, 2U}) {
        Database database(url(), PoolOptions().statement_cache(size));
        for (int round = 0; round < 3; ++round) {
            EXPECT_EQ(loop_.run_until(database.query("SELECT ? + 1", round)).size(), 1U);
            EXPECT_EQ(loop_.run_until(database.query("SELECT ? + 2", round)).size(), 1U);
            EXPECT_EQ(loop_.run_until(database.query("SELECT ? + 3", round)).size(), 1U);
        }
    }
}

}  // namespace
}  // namespace caropig::db
