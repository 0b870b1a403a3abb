#include "mariadb_fixture.h"

#include <string>

#include <gmock/gmock.h>

namespace caropig::db {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class MariadbStatement : public MariadbTest {};

TEST_F(MariadbStatement, GivesColumnsAndRows) {
    auto connection = connect();
    const Result result =
        query(*connection, "SELECT 1 AS a, 'x' AS b UNION ALL SELECT ?, ?", {std::int64_t{2}, std::string("y")});
    EXPECT_THAT(result.columns, ElementsAre("a", "b"));
    EXPECT_EQ(result.rows, 2u);
    EXPECT_THAT(result.cells, ElementsAre(Value(std::int64_t{1}), Value(std::string("x")), Value(std::int64_t{2}),
                                          Value(std::string("y"))));
    EXPECT_TRUE(connection->usable());
}

TEST_F(MariadbStatement, TellsWhatItHasDone) {
    auto connection = connect();
    EXPECT_TRUE(
        query(*connection, "CREATE TEMPORARY TABLE done (id INT AUTO_INCREMENT PRIMARY KEY, n INT)").columns.empty());
    Result inserted = query(*connection, "INSERT INTO done (n) VALUES (?), (?)", {std::int64_t{1}, std::int64_t{2}});
    EXPECT_EQ(inserted.outcome.affected_rows, 2u);
    EXPECT_EQ(inserted.outcome.last_insert_id, 1u);
    Result updated = query(*connection, "UPDATE done SET n = n + 1 WHERE n = ?", {std::int64_t{2}});
    EXPECT_EQ(updated.outcome.affected_rows, 1u);
    EXPECT_EQ(updated.outcome.last_insert_id, std::nullopt);
}

TEST_F(MariadbStatement, WrongSqlNamesTheStatement) {
    auto connection = connect();
    const auto error = error_of(
        run(*connection, "SELECT nme FROM information_schema.tables WHERE table_name = ?", {std::string("secret")}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kStatement);
    EXPECT_EQ(error->sql_state(), "42S22");
    EXPECT_EQ(error->server_code(), 1054);
    EXPECT_EQ(error->statement(), "SELECT nme FROM information_schema.tables WHERE table_name = ?");
    EXPECT_EQ(std::string(error->what()),
              "mariadb 127.0.0.1:" + std::to_string(shared_server().port()) +
                  "/test: SELECT nme FROM information_schema.tables WHERE table_name = ?: Unknown column 'nme' in "
                  "'SELECT' (42S22)");
    EXPECT_EQ(one(*connection, "SELECT 1"), Value(std::int64_t{1})) << "the connection is as good as before";
}

TEST_F(MariadbStatement, ConstraintsHaveAKindOfTheirOwn) {
    auto connection = connect();
    query(*connection, "CREATE OR REPLACE TABLE parents (id INT PRIMARY KEY) ENGINE=InnoDB");
    query(*connection,
          "CREATE OR REPLACE TABLE constrained (id VARCHAR(50) PRIMARY KEY, n INT NOT NULL CHECK (n > 0), parent INT, "
          "FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB");
    const std::string insert = "INSERT INTO constrained VALUES (?, ?, ?)";
    query(*connection, insert, {std::string("alice"), std::int64_t{1}, Value()});
    const auto code_of = [&](Cells arguments) {
        const auto error = error_of(run(*connection, insert, std::move(arguments)));
        EXPECT_TRUE(error);
        if (!error) return 0;
        EXPECT_EQ(error->kind(), Error::Kind::kConstraint) << error->what();
        EXPECT_THAT(error->what(), Not(HasSubstr("alice")));
        return error->server_code();
    };
    EXPECT_EQ(code_of({std::string("alice"), std::int64_t{1}, Value()}), 1062);
    EXPECT_EQ(code_of({std::string("bob"), Value(), Value()}), 1048);
    EXPECT_EQ(code_of({std::string("bob"), std::int64_t{0}, Value()}), 4025);
    EXPECT_EQ(code_of({std::string("bob"), std::int64_t{1}, std::int64_t{7}}), 1452);
    query(*connection, "DROP TABLE constrained");
    query(*connection, "DROP TABLE parents");
}

TEST_F(MariadbStatement, ErrorsDontShowArguments) {
    auto connection = connect();
    query(*connection, "CREATE TEMPORARY TABLE typed (n INT, d DATE, name VARCHAR(50) UNIQUE)");
    query(*connection, "INSERT INTO typed (name) VALUES (?)", {std::string("it's a secret")});
    for (const char* sql :
         {"INSERT INTO typed (n) VALUES (?)", "INSERT INTO typed (d) VALUES (?)", "INSERT INTO typed (name) VALUES (?)",
          "SELECT CAST(? AS INT) FROM typed HAVING n = ST_GeomFromText(?)"}) {
        const auto error = error_of(run(*connection, sql, {std::string("it's a secret")}));
        ASSERT_TRUE(error) << sql;
        EXPECT_THAT(error->what(), Not(HasSubstr("secret"))) << error->what();
    }
    const auto error =
        error_of(run(*connection, "INSERT INTO typed (name) VALUES (?)", {std::string("it's a secret")}));
    EXPECT_EQ(error->message(), "Duplicate entry 'it's a secret' for key 'name'") << "for programs";
}

TEST_F(MariadbStatement, TheNumberOfArgumentsMustFit) {
    auto connection = connect();
    const auto error = error_of(run(*connection, "SELECT ?, ?", {std::int64_t{1}}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->message(), "the statement takes 2 arguments, and got 1");
    EXPECT_EQ(error_of(run(*connection, "SELECT 1", {std::int64_t{1}}))->kind(), Error::Kind::kStatement);
    EXPECT_EQ(error_of(run(*connection, "BEGIN", {std::int64_t{1}}))->kind(), Error::Kind::kStatement);
    EXPECT_EQ(one(*connection, "SELECT ?", {std::int64_t{1}}), Value(std::int64_t{1}));
}

TEST_F(MariadbStatement, ManyArguments) {
    auto connection = connect();
    constexpr std::int64_t kCount = 5000;
    std::string sql = "SELECT 7 IN (?";
    Cells arguments(1, Value(std::int64_t{0}));
    for (std::int64_t i = 1; i < kCount; ++i) {
        sql += ", ?";
        arguments.emplace_back(i == kCount - 1 ? std::int64_t{7} : i + 10);
    }
    EXPECT_EQ(one(*connection, sql + ")", std::move(arguments)), Value(std::int64_t{1}));
}

TEST_F(MariadbStatement, OnlyOneStatementAtATime) {
    auto connection = connect();
    EXPECT_EQ(error_of(run(*connection, "SELECT 1; SELECT 2"))->server_code(), 1064);
    EXPECT_EQ(error_of(run(*connection, "BEGIN; DROP TABLE users"))->server_code(), 1064) << "as text, too";
}

TEST_F(MariadbStatement, TransactionsAreKnown) {
    auto connection = connect();
    EXPECT_FALSE(connection->in_transaction());
    for (const char* begin : {"BEGIN", " start transaction"}) {
        query(*connection, begin);
        EXPECT_TRUE(connection->in_transaction());
        query(*connection, "SAVEPOINT here");
        query(*connection, "ROLLBACK TO here");
        query(*connection, "rollback");
        EXPECT_FALSE(connection->in_transaction());
    }
}

TEST_F(MariadbStatement, LocksThatAreNotHadAreAConflict) {
    auto first = connect();
    auto second = connect();
    query(*first, "CREATE OR REPLACE TABLE fought (id INT PRIMARY KEY) ENGINE=InnoDB");
    query(*first, "INSERT INTO fought VALUES (1)");
    query(*first, "BEGIN");
    query(*first, "UPDATE fought SET id = 2");
    query(*second, "SET innodb_lock_wait_timeout = 0");
    const auto error = error_of(run(*second, "UPDATE fought SET id = 3"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kConflict);
    query(*first, "ROLLBACK");
    query(*first, "DROP TABLE fought");
}

TEST_F(MariadbStatement, TheServersOwnTimeLimitIsATimeout) {
    auto connection = connect();
    const auto error = error_of(
        run(*connection,
            "SET STATEMENT max_statement_time = 0.01 FOR SELECT COUNT(*) FROM seq_1_to_10000000 a, seq_1_to_1000 b"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kTimeout) << error->what();
    EXPECT_TRUE(connection->usable());
}

TEST_F(MariadbStatement, ColumnsMayChangeBetweenTwoExecutions) {
    auto connection = connect();
    auto other = connect();
    query(*other, "CREATE OR REPLACE TABLE changing (a INT)");
    query(*other, "INSERT INTO changing VALUES (1)");
    EXPECT_THAT(query(*connection, "SELECT * FROM changing").columns, ElementsAre("a"));
    query(*other, "ALTER TABLE changing ADD COLUMN b VARCHAR(10) DEFAULT 'x'");
    for (int i = 0; i < 3; ++i) {
        const Result result = query(*connection, "SELECT * FROM changing");
        EXPECT_THAT(result.columns, ElementsAre("a", "b"));
        EXPECT_THAT(result.cells, ElementsAre(Value(std::int64_t{1}), Value(std::string("x"))));
    }
    query(*other, "ALTER TABLE changing DROP COLUMN a");
    EXPECT_THAT(query(*connection, "SELECT * FROM changing").cells, ElementsAre(Value(std::string("x"))));
    query(*other, "ALTER TABLE changing MODIFY COLUMN b VARBINARY(10)");
    const Result result = query(*connection, "SELECT * FROM changing");
    EXPECT_TRUE(std::holds_alternative<Bytes>(result.cells.at(0)));
    query(*other, "DROP TABLE changing");
    EXPECT_EQ(error_of(run(*connection, "SELECT * FROM changing"))->server_code(), 1146);
}

TEST_F(MariadbStatement, ProceduresGiveTheRowsOfTheirFirstResult) {
    auto connection = connect();
    query(*connection,
          "CREATE OR REPLACE PROCEDURE several(n INT) BEGIN SELECT n AS a; SELECT seq, 'x' FROM seq_1_to_1000; SELECT "
          "1.5; "
          "END");
    for (int i = 0; i < 2; ++i) {
        const Result result = query(*connection, "CALL several(?)", {std::int64_t{7}});
        EXPECT_THAT(result.columns, ElementsAre("a"));
        EXPECT_THAT(result.cells, ElementsAre(Value(std::int64_t{7})));
        EXPECT_EQ(one(*connection, "SELECT 2"), Value(std::int64_t{2}));
    }
    query(*connection, "CREATE OR REPLACE PROCEDURE none() SET @x = 1");
    EXPECT_EQ(query(*connection, "CALL none()").rows, 0u);
    EXPECT_EQ(one(*connection, "SELECT 2"), Value(std::int64_t{2}));
    query(*connection, "DROP PROCEDURE several");
    query(*connection, "DROP PROCEDURE none");
}

TEST_F(MariadbStatement, WhatCantBePreparedIsSentAsText) {
    auto connection = connect();
    query(*connection, "CREATE OR REPLACE PROCEDURE other() SELECT 1");
    query(*connection, "PREPARE inner_one FROM 'SELECT 1'");  // 1295
    query(*connection, "DEALLOCATE PREPARE inner_one");
    const auto error = error_of(run(*connection, "PREPARE inner_one FROM ?", {std::string("SELECT 1")}));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind(), Error::Kind::kStatement);
    EXPECT_EQ(one(*connection, "SELECT 2"), Value(std::int64_t{2}));
    query(*connection, "DROP PROCEDURE other");
}

TEST_F(MariadbStatement, LocalFilesAreNotSent) {
    auto connection = connect();
    query(*connection, "CREATE TEMPORARY TABLE loaded (line TEXT)");
    const auto error = error_of(run(*connection, "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE loaded"));
    ASSERT_TRUE(error);
    auto other = connect();
    EXPECT_EQ(one(*other, "SELECT 1"), Value(std::int64_t{1}));
}

TEST_F(MariadbStatement, TheCacheIsBounded) {
    options_.statement_cache = 10;
    auto connection = connect();
    const auto prepared = [&](Connection& asked) {
        const Result status = query(asked, "SHOW SESSION STATUS LIKE 'Prepared_stmt_count'");
        return std::stol(std::get<std::string>(status.cells.at(1)));
    };
    const auto prepares = [&] {
        const Result status = query(*connection, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'");
        return std::stol(std::get<std::string>(status.cells.at(1)));
    };
    const long before = prepared(*connection);
    for (std::int64_t i = 0; i < 1000; ++i) {
        EXPECT_EQ(one(*connection, "SELECT ? + " + std::to_string(i), {std::int64_t{1}}), Value(i + 1));
    }
    EXPECT_LE(prepared(*connection) - before, 10);
    const long sent = prepares();
    for (int i = 0; i < 5; ++i) {
        query(*connection, "SELECT 999 + ?", {std::int64_t{1}});
        EXPECT_LE(prepares(), sent + 1) << "prepared once";
    }
}

TEST_F(MariadbStatement, NothingIsKeptWithoutACache) {
    options_.statement_cache = 0;
    auto connection = connect();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(one(*connection, "SELECT 5"), Value(std::int64_t{5}));
    const Result status = query(*connection, "SHOW SESSION STATUS LIKE 'Com_stmt_close'");
    EXPECT_GE(std::stol(std::get<std::string>(status.cells.at(1))), 20);
}

TEST_F(MariadbStatement, LargeResultsAreNotReadAhead) {
    auto connection = connect();
    auto some = [&]() -> Task<void> {
        Cells cells;
        co_await connection->start("SELECT seq, REPEAT('x', 10000) FROM seq_1_to_1000", {});
        std::size_t rows = 0;
        while (const std::size_t count = co_await connection->fetch(cells, 7)) {
            EXPECT_LE(count, 7u);
            EXPECT_EQ(cells.size(), 2 * count);
            EXPECT_EQ(cells[0], Value(static_cast<std::uint64_t>(rows + 1)));
            rows += count;
            cells.clear();
        }
        EXPECT_EQ(rows, 1000u);
        EXPECT_EQ(co_await connection->fetch(cells, 7), 0u) << "the end stays the end";
    };
    wait(some());
    EXPECT_TRUE(connection->usable());
}

TEST_F(MariadbStatement, AnErrorInTheMiddleOfRowsEndsThem) {
    auto connection = connect();
    const auto error =
        error_of(run(*connection, "SELECT seq, (SELECT seq UNION SELECT IF(seq = 5000, 1, seq)) FROM seq_1_to_10000"));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->server_code(), 1242);
    EXPECT_EQ(one(*connection, "SELECT 2"), Value(std::int64_t{2}));
}

TEST_F(MariadbStatement, ArgumentsThatAreTooLargeForTheServer) {
    auto connection = connect();
    const auto error =
        error_of(run(*connection, "SELECT LENGTH(?)", {std::string(std::size_t{20} * 1024 * 1024, 'x')}));
    ASSERT_TRUE(error);
    EXPECT_THAT(error->what(), HasSubstr("max_allowed_packet"));
    EXPECT_FALSE(connection->usable());
}

}  // namespace
}  // namespace caropig::db
