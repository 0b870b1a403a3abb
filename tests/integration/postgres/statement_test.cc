#include "postgres_fixture.h"
#include "support/captured_log.h"

#include <cmath>
#include <limits>

namespace caropig::db {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PostgresStatement : public PostgresTest {
protected:
    void SetUp() override { connection_ = connect(); }

    Result run(std::string sql, std::vector<Value> arguments = {}) {
        return PostgresTest::run(*connection_, std::move(sql), std::move(arguments));
    }
    Value value(std::string sql, std::vector<Value> arguments = {}) {
        return PostgresTest::value(*connection_, std::move(sql), std::move(arguments));
    }
    Error failed(std::string sql, std::vector<Value> arguments = {}) {
        return PostgresTest::failed(*connection_, std::move(sql), std::move(arguments));
    }
    void expect_clean() { PostgresTest::expect_clean(*connection_); }

    std::unique_ptr<Connection> connection_;
};

Bytes bytes_of(std::string_view text) {
    Bytes bytes;
    for (char c : text) bytes.data.push_back(static_cast<std::byte>(c));
    return bytes;
}

TEST_F(PostgresStatement, ValuesComeBackAsTheyWent) {
    constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
    const DateTime moment = std::chrono::sys_days(2024y / 2 / 29) + 23h + 59min + 59s + 999999us;
    const std::vector<std::pair<std::string, Value>> cases{
        {"boolean", true},
        {"boolean", false},
        {"smallint", std::int64_t{-32768}},
        {"integer", std::int64_t{2147483647}},
        {"bigint", kLeast},
        {"real", 0.5},
        {"double precision", 0.1},
        {"double precision", std::numeric_limits<double>::denorm_min()},
        {"double precision", -std::numeric_limits<double>::infinity()},
        {"numeric", Decimal{"123456789012345678901234567890.0000000001"}},
        {"text", "Grüße, \xF0\x9F\x90\x97"},
        {"text", ""},
        {"varchar(5)", "'\";--"},
        {"char(3)", "abc"},
        {"name", "n"},
        {"uuid", "00112233-4455-6677-8899-aabbccddeeff"},
        {"json", "{\"a\":[1,2]}"},
        {"jsonb", "{\"a\": [1, 2]}"},
        {"inet", "192.0.2.1"},
        {"interval", "1 day"},
        {"integer[]", "{1,2,NULL}"},
        {"bytea", bytes_of(std::string_view("\0\\x41'\xFF", 7))},
        {"bytea", Bytes{}},
        {"date", Date(2024y / 2 / 29)},
        {"date", Date(std::chrono::year(-43) / 3 / 15)},
        {"timestamp", moment},
        {"timestamptz", moment},
        {"timestamptz", DateTime(-1us)},
        {"text", Value()},
        {"integer", Value()},
        {"bytea", Value()},
    };
    for (const auto& [type, sent] : cases) {
        EXPECT_EQ(value("SELECT ?::" + type, {sent}), sent) << type;
        EXPECT_EQ(value("SELECT $1::" + type, {sent}), sent) << type << ", PostgreSQL's own notation";
    }
    EXPECT_TRUE(std::isnan(std::get<double>(value("SELECT ?::float8", {std::nan("")}))));
}

TEST_F(PostgresStatement, ArgumentsFitTheParametersType) {
    EXPECT_EQ(value("SELECT ?::text", {std::int64_t{42}}), Value("42"));
    EXPECT_EQ(value("SELECT ?", {std::int64_t{42}}), Value("42")) << "what nothing tells the type of is text";
    EXPECT_EQ(value("SELECT ?::int + 1", {"41"}), Value(std::int64_t{42}));
    EXPECT_EQ(value("SELECT ?::int", {true}), Value(std::int64_t{1}));
    EXPECT_EQ(value("SELECT ?::boolean", {std::int64_t{1}}), Value(true));
    EXPECT_EQ(value("SELECT ?::numeric", {std::uint64_t{18446744073709551615u}}),
              Value(Decimal{"18446744073709551615"}));
    EXPECT_EQ(value("SELECT ?::numeric", {std::int64_t{1}}), Value(Decimal{"1"}));
    EXPECT_EQ(value("SELECT ?::bytea", {"\\x41"}), Value(bytes_of("\\x41"))) << "text for a bytea is its bytes";
    EXPECT_EQ(value("SELECT ?::text", {bytes_of("abc")}), Value("abc"));
    EXPECT_EQ(value("SELECT ?::date", {DateTime(std::chrono::sys_days(2024y / 2 / 29) + 5h)}),
              Value(Date(2024y / 2 / 29)));
    EXPECT_EQ(value("SELECT ?::timestamp", {Date(2024y / 2 / 29)}),
              Value(DateTime(std::chrono::sys_days(2024y / 2 / 29))));
    Error error = failed("SELECT ?::smallint", {std::int64_t{40000}});
    EXPECT_EQ(error.sql_state(), "22003");
    error = failed("SELECT ?::int", {bytes_of("\0\0\0\1")});
    EXPECT_EQ(error.sql_state(), "22P02") << "bytes are never taken for a number's own form";
    expect_clean();
}

TEST_F(PostgresStatement, WhatADateCantHoldIsText) {
    EXPECT_EQ(value("SELECT 'infinity'::timestamptz"), Value("infinity"));
    EXPECT_EQ(value("SELECT '-infinity'::date"), Value("-infinity"));
    EXPECT_EQ(value("SELECT '294276-12-31 00:00:00'::timestamp"), Value("294276-12-31 00:00:00"));
}

TEST_F(PostgresStatement, TimesOfAnotherZoneAreUtc) {
    run("SET TimeZone = 'Asia/Kolkata'");
    const DateTime noon = std::chrono::sys_days(2024y / 1 / 1) + 12h;
    EXPECT_EQ(value("SELECT ?::timestamptz", {noon}), Value(noon));
    EXPECT_EQ(value("SELECT ?::timestamptz::text", {noon}), Value("2024-01-01 17:30:00+05:30"));
}

TEST_F(PostgresStatement, ColumnsRowsAndOutcome) {
    Result result = run("SELECT 1 AS one, 'two' AS \"Two\" WHERE false");
    EXPECT_THAT(result.columns, ElementsAre("one", "Two"));
    EXPECT_THAT(result.cells, IsEmpty());
    result = run("SELECT i, i * 2 FROM generate_series(1, 3) AS s(i)");
    EXPECT_THAT(result.columns, ElementsAre("i", "?column?"));
    EXPECT_EQ(result.cells.size(), 6u);
    run("CREATE TEMPORARY TABLE t (id serial, name text)");
    result = run("INSERT INTO t (name) VALUES (?), (?)", {"a", "b"});
    EXPECT_EQ(result.outcome.affected_rows, 2u);
    EXPECT_FALSE(result.outcome.last_insert_id.has_value());
    EXPECT_THAT(result.columns, IsEmpty());
    EXPECT_EQ(value("INSERT INTO t (name) VALUES ('c') RETURNING id"), Value(std::int64_t{3}));
    EXPECT_EQ(run("UPDATE t SET name = name || '!'").outcome.affected_rows, 3u);
    EXPECT_EQ(run("DELETE FROM t WHERE false").outcome.affected_rows, 0u);
    EXPECT_EQ(run("").outcome.affected_rows, 0u);
    EXPECT_EQ(run("-- nothing").outcome.affected_rows, 0u);
    expect_clean();
}

TEST_F(PostgresStatement, OperatorsWithAQuestionMark) {
    EXPECT_EQ(value("SELECT '{\"a\": 1}'::jsonb ?? ?", {"a"}), Value(true));
    EXPECT_EQ(value("SELECT '{\"a\": 1}'::jsonb ??| ARRAY[?, 'c']", {"b"}), Value(false));
}

TEST_F(PostgresStatement, LargeTextAndBytes) {
    std::string text(8 * 1024 * 1024, 'x');
    for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 26);
    Bytes bytes = bytes_of(text);
    for (std::size_t i = 0; i < bytes.data.size(); i += 3) bytes.data[i] = std::byte{0};
    Result result = run("SELECT ?::text, ?::bytea", {text, bytes});
    ASSERT_EQ(result.cells.size(), 2u);
    EXPECT_TRUE(result.cells[0] == Value(text));
    EXPECT_TRUE(result.cells[1] == Value(bytes));
    expect_clean();
}

TEST_F(PostgresStatement, RowsComeAFewAtATime) {
    const std::string sql = "SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) AS s(i)";
    std::vector<Value> cells;
    loop_.run_until(connection_->start(sql, {}));
    EXPECT_FALSE(connection_->usable());
    std::size_t rows = 0;
    while (std::size_t count = loop_.run_until(connection_->fetch(cells, 50))) {
        ASSERT_LE(count, 50u);
        ASSERT_EQ(cells.size(), count * 2);
        rows += count;
        ASSERT_EQ(cells[cells.size() - 2], Value(static_cast<std::int64_t>(rows)));
        cells.clear();
    }
    EXPECT_EQ(rows, 20000u);
    EXPECT_EQ(connection_->outcome().affected_rows, 20000u);
    expect_clean();
}

TEST_F(PostgresStatement, DataStaysData) {
    const std::vector<std::string> corpus{"' OR '1'='1",
                                          "'; DROP TABLE victims; --",
                                          "\\'; DROP TABLE victims; --",
                                          "$1",
                                          "?",
                                          "$$; DROP TABLE victims; $$",
                                          "/*",
                                          "*/",
                                          "E'\\''",
                                          "\\x41",
                                          "%' OR 1=1 --",
                                          "NULL",
                                          "\"",
                                          "''",
                                          "\\",
                                          "\xEF\xBC\x87 OR 1=1",
                                          "a\nb\r\n\t",
                                          "{1,2}",
                                          "\xC2\xBF\x27",
                                          "); DELETE FROM victims; --",
                                          "0x27",
                                          "1;2"};
    run("CREATE TEMPORARY TABLE victims (id int, t text, v varchar(100), j jsonb, b bytea)");
    std::int64_t id = 0;
    for (const std::string& hostile : corpus) {
        Result result = run("INSERT INTO victims VALUES (?, ?, ?, to_jsonb(?::text), ?) RETURNING t, v, j ->> 0, b",
                            {++id, hostile, hostile, hostile, hostile});
        EXPECT_THAT(result.cells,
                    ElementsAre(Value(hostile), Value(hostile), Value(hostile), Value(bytes_of(hostile))));
        EXPECT_EQ(value("SELECT count(*) FROM victims WHERE t = ? AND b = ?", {hostile, bytes_of(hostile)}),
                  Value(std::int64_t{1}));
        // Where another type is wanted, it is refused, not run.
        for (const char* type : {"int", "numeric", "date", "timestamptz", "uuid", "boolean"}) {
            EXPECT_EQ(failed("SELECT ?::" + std::string(type), {hostile}).sql_state().substr(0, 2), "22")
                << type << ": " << hostile;
        }
        EXPECT_EQ(failed("SELECT ?::numeric", {Decimal{hostile}}).sql_state(), "22P02") << hostile;
    }
    EXPECT_EQ(value("SELECT count(*) FROM victims"), Value(static_cast<std::int64_t>(corpus.size())));
}

TEST_F(PostgresStatement, TextWithAZeroByteIsRefusedBeforeItIsSent) {
    Error error = failed("SELECT ?::int, ?::text", {std::int64_t{1}, std::string("a\0b", 3)});
    EXPECT_EQ(error.kind(), Error::Kind::kStatement);
    EXPECT_THAT(error.what(), HasSubstr("argument 2 is text with a zero byte"));
    EXPECT_EQ(failed("SELECT ?::text", {"\xFF"}).sql_state(), "22021") << "no UTF-8";
    expect_clean();
}

TEST_F(PostgresStatement, ManyArguments) {
    auto statement = [](std::size_t count) {
        std::string sql = "SELECT sum(n) FROM unnest(ARRAY[?::int";
        for (std::size_t i = 1; i < count; ++i) sql += ",?";
        return sql + "]) AS s(n)";
    };
    // libpq 15.18 takes the description of more than 7,499 for a broken message.
    EXPECT_EQ(value(statement(7000), std::vector<Value>(7000, Value(std::int64_t{1}))), Value(std::int64_t{7000}));
    Error error = failed(statement(65536), std::vector<Value>(65536, Value(std::int64_t{1})));
    EXPECT_EQ(error.message(), "it takes 65536 arguments, more than 65535");
    expect_clean();
}

TEST_F(PostgresStatement, WrongNumberOfArguments) {
    EXPECT_THAT(failed("SELECT ?::int", {}).what(), HasSubstr("it takes 1 arguments, and 0 were given"));
    EXPECT_THAT(failed("SELECT 1", {"x"}).what(), HasSubstr("it takes 0 arguments, and 1 were given"));
    EXPECT_THAT(failed("SELECT ?::int + $1", {"x"}).what(), HasSubstr("both ? and $1"));
    expect_clean();
}

TEST_F(PostgresStatement, WrongSql) {
    Error error = failed("SELEC ?", {"s3cret"});
    EXPECT_EQ(error.kind(), Error::Kind::kStatement);
    EXPECT_EQ(error.sql_state(), "42601");
    EXPECT_EQ(error.statement(), "SELEC ?");
    EXPECT_THAT(error.what(), HasSubstr("SELEC ?: syntax error"));
    EXPECT_EQ(failed("SELECT nme FROM pg_class").message(), "column \"nme\" does not exist");
    EXPECT_EQ(failed("SELECT 1; SELECT 2").sql_state(), "42601");
    expect_clean();
}

TEST_F(PostgresStatement, ErrorsHoldNoArguments) {
    for (const char* type : {"int", "date", "uuid", "json", "numeric", "bytea", "inet", "timestamptz"}) {
        Error error = failed("SELECT ('0' || ?::text)::" + std::string(type), {"s3cret\\value"});
        EXPECT_THAT(error.what(), Not(HasSubstr("s3cret"))) << type;
    }
    run("CREATE FUNCTION pg_temp.complain(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % "
        "here', t; "
        "END $$");
    Error error = failed("SELECT pg_temp.complain(?)", {"s3cret"});
    EXPECT_THAT(error.what(), HasSubstr("SELECT pg_temp.complain(?): no … here (P0001)"));
    EXPECT_EQ(error.message(), "no s3cret here") << "for the program, word for word";
    // After the first rows, too.
    EXPECT_THAT(
        failed("SELECT CASE WHEN i < 5000 THEN i ELSE pg_temp.complain(?) END FROM generate_series(1, 5000) s(i)",
               {"s3cret"})
            .what(),
        HasSubstr(": no … here"));
    expect_clean();
}

TEST_F(PostgresStatement, Constraints) {
    run("CREATE TEMPORARY TABLE t (id int PRIMARY KEY, name text NOT NULL CHECK (name <> ''))");
    run("INSERT INTO t VALUES (1, 'a')");
    const std::vector<std::pair<std::string, std::string>> cases{
        {"INSERT INTO t VALUES (1, 'b')", "23505"},
        {"INSERT INTO t VALUES (2, NULL)", "23502"},
        {"INSERT INTO t VALUES (3, '')", "23514"},
    };
    for (const auto& [sql, state] : cases) {
        Error error = failed(sql);
        EXPECT_EQ(error.kind(), Error::Kind::kConstraint) << sql;
        EXPECT_EQ(error.sql_state(), state);
        EXPECT_THAT(error.what(), Not(HasSubstr("=(1)"))) << "no DETAIL";
    }
    expect_clean();
}

TEST_F(PostgresStatement, FailureAtTheCommitOfAStatementIsItsOwn) {
    run("CREATE TEMPORARY TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    EXPECT_EQ(failed("INSERT INTO t VALUES (1), (1)").kind(), Error::Kind::kConstraint);
    EXPECT_EQ(failed("INSERT INTO t VALUES (1), (1) RETURNING id").kind(), Error::Kind::kConstraint);
    EXPECT_EQ(value("SELECT count(*) FROM t"), Value(std::int64_t{0}));
    expect_clean();
}

TEST_F(PostgresStatement, TransactionsAreKnown) {
    run("CREATE TEMPORARY TABLE t (id int)");
    EXPECT_FALSE(connection_->in_transaction());
    run("BEGIN");
    EXPECT_TRUE(connection_->in_transaction());
    run("INSERT INTO t VALUES (1)");
    EXPECT_EQ(failed("SELECT 1/0").sql_state(), "22012");
    EXPECT_TRUE(connection_->in_transaction()) << "failed, but open";
    EXPECT_EQ(failed("SELECT 1").sql_state(), "25P02");
    run("ROLLBACK");
    EXPECT_FALSE(connection_->in_transaction());
    EXPECT_EQ(value("SELECT count(*) FROM t"), Value(std::int64_t{0}));
}

TEST_F(PostgresStatement, ConflictsMayBeTriedAgain) {
    run("DROP TABLE IF EXISTS stock");
    run("CREATE TABLE stock (id int PRIMARY KEY, n int)");
    run("INSERT INTO stock VALUES (1, 10), (2, 10)");
    auto other = connect();
    for (Connection* one : {connection_.get(), other.get()}) {
        PostgresTest::run(*one, "BEGIN ISOLATION LEVEL REPEATABLE READ");
        PostgresTest::run(*one, "SELECT * FROM stock");
    }
    run("UPDATE stock SET n = n - 1 WHERE id = 1");
    run("COMMIT");
    Error error = PostgresTest::failed(*other, "UPDATE stock SET n = n - 1 WHERE id = 1");
    EXPECT_EQ(error.kind(), Error::Kind::kConflict);
    EXPECT_EQ(error.sql_state(), "40001");
    PostgresTest::run(*other, "ROLLBACK");

    run("BEGIN");
    run("SELECT * FROM stock WHERE id = 1 FOR UPDATE");
    error = PostgresTest::failed(*other, "SELECT * FROM stock WHERE id = 1 FOR UPDATE NOWAIT");
    EXPECT_EQ(error.kind(), Error::Kind::kConflict);
    EXPECT_EQ(error.sql_state(), "55P03");

    PostgresTest::run(*other, "BEGIN");
    PostgresTest::run(*other, "SELECT * FROM stock WHERE id = 2 FOR UPDATE");
    auto both = [&]() -> Task<void> {
        Task<Result> one = query(*connection_, "SELECT * FROM stock WHERE id = 2 FOR UPDATE");
        Task<Result> two = query(*other, "SELECT * FROM stock WHERE id = 1 FOR UPDATE");
        co_await when_all(std::move(one), std::move(two));
    };
    error = error_of([&] { loop_.run_until(both()); });
    EXPECT_EQ(error.kind(), Error::Kind::kConflict);
    EXPECT_EQ(error.sql_state(), "40P01");
}

TEST_F(PostgresStatement, PreparedOnesAreKeptUpToTheLimit) {
    options_.statement_cache = 3;
    auto connection = connect();
    auto prepared = [&](Connection& of) {
        return std::get<std::int64_t>(PostgresTest::value(of, "SELECT count(*) FROM pg_prepared_statements"));
    };
    EXPECT_EQ(prepared(*connection), 1);
    for (int i = 0; i < 10; ++i) {
        PostgresTest::run(*connection, "SELECT " + std::to_string(i));
        EXPECT_LE(prepared(*connection), 3);
    }
    EXPECT_EQ(prepared(*connection), 3) << "what was used last is kept";
    // In a transaction that has failed nothing can be deallocated; ROLLBACK goes through all the same, and what is
    // left over goes later.
    PostgresTest::run(*connection, "BEGIN");
    PostgresTest::failed(*connection, "SELECT 1/0");
    PostgresTest::run(*connection, "ROLLBACK");
    PostgresTest::run(*connection, "SELECT 'a'");
    EXPECT_LE(prepared(*connection), 3);

    // Others may have deallocated it before.
    PostgresTest::run(*connection, "DEALLOCATE ALL");
    for (int i = 0; i < 10; ++i) PostgresTest::run(*connection, "SELECT -" + std::to_string(i));
    EXPECT_LE(prepared(*connection), 3);

    options_.statement_cache = 0;
    auto without = connect();
    PostgresTest::run(*without, "SELECT 'a'");
    EXPECT_EQ(prepared(*without), 0);
    PostgresTest::expect_clean(*without);

    options_.statement_cache = 1;
    auto with_long_texts = connect();
    const std::string filler(16 * 1024, ' ');
    PostgresTest::run(*with_long_texts, "SELECT 1" + filler);
    EXPECT_EQ(prepared(*with_long_texts), 1) << "the one that asks";
    PostgresTest::run(*with_long_texts, ("SELECT 1" + filler).substr(0, 16 * 1024));
    EXPECT_EQ(prepared(*with_long_texts), 1);
}

TEST_F(PostgresStatement, IsPreparedAnewWhenTheServerWantsIt) {
    run("CREATE TEMPORARY TABLE t (a int)");
    run("INSERT INTO t VALUES (1)");
    EXPECT_THAT(run("SELECT * FROM t").columns, ElementsAre("a"));
    run("ALTER TABLE t ADD b text DEFAULT 'x'");
    Result result = run("SELECT * FROM t");
    EXPECT_THAT(result.columns, ElementsAre("a", "b"));
    EXPECT_THAT(result.cells, ElementsAre(Value(std::int64_t{1}), Value("x")));
    run("DEALLOCATE ALL");
    EXPECT_THAT(run("SELECT * FROM t").columns, ElementsAre("a", "b"));

    // In a transaction the failure has ended what came before: that is not ours to run again. The next time is fine.
    run("BEGIN");
    run("ALTER TABLE t DROP b");
    EXPECT_EQ(failed("SELECT * FROM t").sql_state(), "0A000");
    run("ROLLBACK");
    run("ALTER TABLE t DROP b");
    EXPECT_THAT(run("SELECT * FROM t").columns, ElementsAre("a"));
    expect_clean();
}

TEST_F(PostgresStatement, CopyIsRefused) {
    for (const char* sql : {"COPY t FROM STDIN", "COPY t TO STDOUT", "COPY (SELECT 1) TO STDOUT"}) {
        connection_ = connect();
        run("CREATE TEMPORARY TABLE t (a int)");
        run("INSERT INTO t SELECT generate_series(1, 200000)");
        Error error = failed(sql);
        EXPECT_EQ(error.kind(), Error::Kind::kStatement) << sql;
        EXPECT_THAT(error.what(), HasSubstr("COPY to or from the client is not supported")) << sql;
        EXPECT_FALSE(connection_->usable()) << sql;
    }
}

TEST_F(PostgresStatement, NotificationsAreIgnored) {
    run("LISTEN news");
    auto other = connect();
    for (int i = 0; i < 1000; ++i) PostgresTest::run(*other, "SELECT pg_notify('news', ?)", {std::int64_t{i}});
    expect_clean();
    run("NOTIFY news, 'own'");
    expect_clean();
}

TEST_F(PostgresStatement, NoticesAreLoggedWithoutArguments) {
    support::CapturedLog log;
    log::set_level(log::Level::kDebug);
    run("CREATE FUNCTION pg_temp.tell(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'heed %', t; "
        "RETURN 1; "
        "END $$");
    run("SELECT pg_temp.tell(?)", {"s3cret"});
    log::set_level(log::Level::kInfo);
    std::string all;
    for (const std::string& line : log.lines()) all += line + "\n";
    EXPECT_THAT(all, HasSubstr("/shop: heed … (01000)"));
    EXPECT_THAT(all, Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace caropig::db
