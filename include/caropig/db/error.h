#pragma once

#include <caropig/base/error.h>

#include <string>
#include <string_view>
#include <system_error>

/// \file
/// Why a statement has no result. A handler has to know whether to answer 503 or 500, and a person who reads the log
/// what was asked of whom.
namespace caropig::db {

/// A statement, or the way to the database, failed. what() is one line: "mariadb 127.0.0.1:3306/shop: SELECT nme FROM
/// users WHERE id = ?: Unknown column 'nme' (42S22)". It never holds an argument or a password.
class Error : public IoError {
public:
    enum class Kind {
        kUnavailable,  ///< no connection could be made, or had: nothing was sent, so trying again later is safe
        kTimeout,      ///< a deadline passed: waiting for a connection, connecting, or in the statement itself
        kBroken,       ///< the connection broke in the statement: nobody knows whether it had its effect
        kConstraint,   ///< a UNIQUE, foreign key, NOT NULL or CHECK constraint refused it (SQL state class 23)
        kConflict,   ///< a deadlock, a serialization failure, or a lock that was not had: the transaction may be tried
                     ///< again
        kStatement,  ///< the database refused the statement for another reason
    };

    /// `database` names the server without a password, `statement` is its text without the arguments (may be empty),
    /// `message` is the server's or the library's. Where that may quote values, `shown` is what what() says instead.
    Error(Kind kind, std::string_view database, std::string_view statement, std::string_view message,
          std::string sql_state = {}, int server_code = 0, std::error_code code = {}, std::string_view shown = {});

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    /// Five characters of the SQL standard, "42S02"; empty where there is none (SQLite, or no server was reached).
    [[nodiscard]] const std::string& sql_state() const noexcept { return sql_state_; }
    /// The database's own number: 1146 of MariaDB, SQLite's extended result code; 0 where it has none.
    [[nodiscard]] int server_code() const noexcept { return server_code_; }
    /// What the server or its library said, word for word. Beware: a server quotes values there ("Duplicate entry
    /// 'alice' for key 'name'"), so it is for decisions, not for logs; those take what().
    [[nodiscard]] const std::string& message() const noexcept { return message_; }
    /// The statement's text, without its arguments; empty when it was not about a statement.
    [[nodiscard]] const std::string& statement() const noexcept { return statement_; }
    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    Kind kind_;
    int server_code_;
    std::string sql_state_;
    std::string message_;
    std::string statement_;
    std::string line_;
};

}  // namespace caropig::db
