#pragma once

#include <caropig/db/error.h>

#include <string>
#include <string_view>

#include <mysql.h>

namespace caropig::db {

/// What the library or the server says of a call that failed.
struct MysqlFailure {
    int code = 0;
    std::string sql_state;
    std::string message;

    static MysqlFailure of(MYSQL* mysql);
    static MysqlFailure of(MYSQL_STMT* statement);

    /// Whether it has cost the connection.
    [[nodiscard]] bool connection_lost() const noexcept;
};

/// Where it happened; decides what a lost connection means.
enum class MysqlStage {
    kConnect,  ///< before there was a connection
    kPrepare,  ///< before a statement could have an effect
    kExecute,  ///< in a statement
};

/// The Error for it. Its what() shows the message without the values that the server quotes in it, unless the code is
/// of those whose messages hold names only.
Error make_mysql_error(const MysqlFailure& failure, MysqlStage stage, std::string_view database,
                       std::string_view statement);

}  // namespace caropig::db
