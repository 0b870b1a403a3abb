#include "db/postgres_error.h"

#include <array>

#include <gtest/gtest.h>

namespace caropig::db {
namespace {

Error::Kind kind(std::string state, bool lost = false) { return postgres_error_kind({std::move(state), "", lost}); }

TEST(PostgresError, KindsFollowTheSqlState) {
    for (const char* state : {"23505", "23503", "23502", "23514", "23P01"}) {
        EXPECT_EQ(kind(state), Error::Kind::kConstraint) << state;
    }
    for (const char* state : {"40001", "40P01", "55P03"}) EXPECT_EQ(kind(state), Error::Kind::kConflict) << state;
    for (const char* state : {"08006", "57P01", "57P02", "57P03", "53300"}) {
        EXPECT_EQ(kind(state), Error::Kind::kBroken) << state;
    }
    for (const char* state : {"42601", "22P02", "57014", "40002", "P0001", ""}) {
        EXPECT_EQ(kind(state), Error::Kind::kStatement) << state;
    }
    EXPECT_EQ(kind("23505", true), Error::Kind::kBroken);
    EXPECT_EQ(kind("", true), Error::Kind::kBroken);
}

std::string redacted(std::string_view message, std::string_view state, const std::string& argument = {}) {
    return redact_postgres_message(message, state, std::span(&argument, 1));
}

TEST(PostgresError, ValuesOfDataExceptionsAreHidden) {
    EXPECT_EQ(redacted("invalid input syntax for type integer: \"s3cret\"", "22P02"),
              "invalid input syntax for type integer: \"…\"");
    EXPECT_EQ(redacted("bad: \"a\" b\" c", "22P02"), "bad: \"…\" c") << "a value with a quotation mark in it";
    EXPECT_EQ(redacted("bad: \"a", "22P02"), "bad: \"…");
    EXPECT_EQ(redacted("ungültig: „s3cret“", "22P02"), "ungültig: „…“");
    EXPECT_EQ(redacted("syntaxe invalide : « s3cret »", "22P02"), "syntaxe invalide : «…»");
    EXPECT_EQ(redacted("invalid byte sequence for encoding \"UTF8\": 0xff 0x61", "22021"),
              "invalid byte sequence for encoding \"…\"");
    EXPECT_EQ(redacted("division by zero", "22012"), "division by zero");
}

TEST(PostgresError, OtherMessagesKeepTheirNamesAndLoseArguments) {
    EXPECT_EQ(redacted("column \"nme\" does not exist", "42703", "bob"), "column \"nme\" does not exist");
    EXPECT_EQ(redacted("no bobby here, bobby", "P0001", "bobby"), "no … here, …");
    EXPECT_EQ(redacted("no 42 here", "P0001", "42"), "no 42 here") << "too short to tell";
    EXPECT_EQ(redacted("no 421 here", "P0001", "421"), "no … here");
    EXPECT_EQ(redacted("nothing", "P0001", ""), "nothing");
}

TEST(PostgresError, ConnectFailuresAreTakenApart) {
    PostgresFailure failure = parse_connect_failure(
        "connection to server at \"::1\", port 5432 failed: FATAL:  28P01: password authentication failed for user "
        "\"x\"\nLOCATION:  auth_failed, auth.c:326\n");
    EXPECT_EQ(failure.sql_state, "28P01");
    EXPECT_EQ(failure.message,
              "connection to server at \"::1\", port 5432 failed: password authentication failed for user \"x\"");
    EXPECT_TRUE(failure.lost);

    failure =
        parse_connect_failure("connection to server at \"::1\", port 1 failed: Connection refused\n\tIs the server");
    EXPECT_EQ(failure.sql_state, "");
    EXPECT_EQ(failure.message, "connection to server at \"::1\", port 1 failed: Connection refused");

    EXPECT_EQ(parse_connect_failure("FATAL:  3D000: no such database").message, "no such database");
    EXPECT_EQ(parse_connect_failure("").message, "");
    EXPECT_EQ(parse_connect_failure("x:  123").message, "x:  123");
    EXPECT_EQ(parse_connect_failure("x:  ").message, "x:  ");
}

}  // namespace
}  // namespace caropig::db
