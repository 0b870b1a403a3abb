#include "db/postgres_placeholders.h"

#include <gtest/gtest.h>

namespace caropig::db {
namespace {

std::string numbered(std::string_view sql) { return number_placeholders(sql).sql; }

/// What must come out as it went in.
void expect_untouched(std::string_view sql) {
    NumberedStatement statement = number_placeholders(sql);
    EXPECT_EQ(statement.sql, sql);
    EXPECT_EQ(statement.placeholders, 0u) << sql;
}

TEST(PostgresPlaceholders, AreNumberedInOrder) {
    NumberedStatement statement = number_placeholders("SELECT a FROM t WHERE b = ? AND c IN (?, ?)");
    EXPECT_EQ(statement.sql, "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)");
    EXPECT_EQ(statement.placeholders, 3u);
    EXPECT_FALSE(statement.has_numbers);
    EXPECT_EQ(numbered(""), "");
    EXPECT_EQ(numbered("?"), "$1");
    EXPECT_EQ(numbered("SELECT ?::int"), "SELECT $1::int");
}

TEST(PostgresPlaceholders, DoubledIsTheOperator) {
    EXPECT_EQ(numbered("SELECT doc ?? ?"), "SELECT doc ? $1");
    EXPECT_EQ(numbered("SELECT doc ??| ? AND doc ??& ?"), "SELECT doc ?| $1 AND doc ?& $2");
    EXPECT_EQ(numbered("a ??? b"), "a ?$1 b");
    EXPECT_EQ(numbered("a ???? b"), "a ?? b");
}

TEST(PostgresPlaceholders, StringsAndNamesAreLeftAlone) {
    expect_untouched("SELECT '?', 'it''s ?', \"col?\", \"a\"\"?\"");
    expect_untouched("SELECT N'?', B'?', U&'\\0041?'");
    expect_untouched(
        "SELECT '?"
        "?'");  // written apart: together they are a trigraph
    EXPECT_EQ(numbered("SELECT 'a\\', ?"), "SELECT 'a\\', $1") << "a backslash is nothing in a plain string";
    EXPECT_EQ(numbered("SELECT '?' = ? AND \"?\" = ?"), "SELECT '?' = $1 AND \"?\" = $2");
}

TEST(PostgresPlaceholders, EscapeStringsKnowTheBackslash) {
    EXPECT_EQ(numbered("SELECT E'a\\'?', ?"), "SELECT E'a\\'?', $1");
    EXPECT_EQ(numbered("SELECT e'\\\\', ?"), "SELECT e'\\\\', $1");
    EXPECT_EQ(numbered("SELECT e'''?', ?"), "SELECT e'''?', $1");
    EXPECT_EQ(numbered("SELECT e'a''b\\'?', ?"), "SELECT e'a''b\\'?', $1");
    EXPECT_EQ(numbered("SELECT note'\\', ?"), "SELECT note'\\', $1") << "an identifier that ends with e";
    EXPECT_EQ(numbered("SELECT E'a'\n  -- it's\n 'b\\'?', ?"), "SELECT E'a'\n  -- it's\n 'b\\'?', $1");
    EXPECT_EQ(numbered("SELECT E'a' '\\', ?"), "SELECT E'a' '\\', $1") << "without a newline it is a new string";
}

TEST(PostgresPlaceholders, DollarQuotesAreLeftAlone) {
    expect_untouched("SELECT $$ ? ' $$");
    expect_untouched("DO $body$ BEGIN PERFORM $x$?$x$; END $body$");
    EXPECT_EQ(numbered("SELECT $a$ ? $b$ ? $a$, ?"), "SELECT $a$ ? $b$ ? $a$, $1");
    EXPECT_EQ(numbered("SELECT $\xC3\xA4$ ? $\xC3\xA4$, ?"), "SELECT $\xC3\xA4$ ? $\xC3\xA4$, $1");
    EXPECT_EQ(numbered("SELECT a$b$, ?, c$b$"), "SELECT a$b$, $1, c$b$") << "an identifier may hold a $";
    EXPECT_EQ(numbered("SELECT $ ?"), "SELECT $ $1");
}

TEST(PostgresPlaceholders, CommentsAreLeftAlone) {
    EXPECT_EQ(numbered("SELECT 1 -- what? it's\n + ?"), "SELECT 1 -- what? it's\n + $1");
    EXPECT_EQ(numbered("SELECT 1 -- ?\r+ ?"), "SELECT 1 -- ?\r+ $1");
    EXPECT_EQ(numbered("SELECT /* ? /* ' ? */ ? */ ?"), "SELECT /* ? /* ' ? */ ? */ $1");
    EXPECT_EQ(numbered("SELECT /*/ ? */ ?"), "SELECT /*/ ? */ $1");
    EXPECT_EQ(numbered("SELECT '/*', ?"), "SELECT '/*', $1");
    EXPECT_EQ(numbered("SELECT '--', ?"), "SELECT '--', $1");
    EXPECT_EQ(numbered("SELECT 6 / ? - ?"), "SELECT 6 / $1 - $2");
}

TEST(PostgresPlaceholders, NeverMergeWithTheirNeighbours) {
    EXPECT_EQ(numbered("LIMIT?"), "LIMIT $1") << "LIMIT$1 would be a name";
    EXPECT_EQ(numbered("?1"), "$1 1") << "$11 would be another argument";
    EXPECT_EQ(numbered("?AND?"), "$1 AND $2");
    EXPECT_EQ(numbered("1?"), "1 $1");
    EXPECT_EQ(numbered("$?$"), "$ $1 $") << "$$ would begin a string";
}

TEST(PostgresPlaceholders, NumbersOfItsOwnAreSeen) {
    NumberedStatement statement = number_placeholders("SELECT $1, $2::int");
    EXPECT_EQ(statement.sql, "SELECT $1, $2::int");
    EXPECT_TRUE(statement.has_numbers);
    EXPECT_FALSE(number_placeholders("SELECT '$1', a$1, $x$ $1 $x$ -- $1").has_numbers);
}

TEST(PostgresPlaceholders, WhatIsNotTerminatedIsLeftToTheServer) {
    for (std::string_view sql : {"SELECT '?", "SELECT E'\\", "SELECT E'?\\'", "SELECT \"?", "SELECT $a$ ? $b$",
                                 "SELECT $a", "SELECT /* /* ? */", "SELECT -- ?", "SELECT E'?'\n"}) {
        expect_untouched(sql);
    }
}

}  // namespace
}  // namespace caropig::db
