#include "db/mysql_error.h"

#include "db/redact.h"

#include <algorithm>
#include <array>

#include <errmsg.h>
#include <mysqld_error.h>

namespace caropig::db {
namespace {

using Kind = Error::Kind;

// Numbers of MySQL that MariaDB's header does not have.
constexpr int kMysqlQueryTimeout = 3024;
constexpr int kMysqlLockNowait = 3572;
constexpr int kMysqlCheckViolated = 3819;
constexpr int kMysqlIdleTooLong = 4031;

/// The numbers of the client library.
bool is_client_error(int code) noexcept {
    return (code >= CR_MIN_ERROR && code <= CR_MYSQL_LAST_ERROR) ||
           (code >= CER_MIN_ERROR && code <= CR_MARIADB_LAST_ERROR);
}

template <std::size_t N>
bool is_one_of(const std::array<int, N>& codes, int code) noexcept {
    return std::ranges::find(codes, code) != codes.end();
}

/// Messages that quote names of tables, columns and users, or nothing, but no values.
constexpr std::array kNamesOnly{
    ER_DBACCESS_DENIED_ERROR,
    ER_ACCESS_DENIED_ERROR,
    ER_NO_DB_ERROR,
    ER_BAD_NULL_ERROR,
    ER_BAD_DB_ERROR,
    ER_TABLE_EXISTS_ERROR,
    ER_BAD_TABLE_ERROR,
    ER_NON_UNIQ_ERROR,
    ER_BAD_FIELD_ERROR,
    ER_DUP_FIELDNAME,
    ER_DUP_KEYNAME,
    ER_NO_SUCH_TABLE,
    ER_TABLEACCESS_DENIED_ERROR,
    ER_COLUMNACCESS_DENIED_ERROR,
    ER_UNKNOWN_TABLE,
    ER_WARN_DATA_OUT_OF_RANGE,
    ER_DATA_TOO_LONG,
    ER_NO_DEFAULT_FOR_FIELD,
    ER_SP_DOES_NOT_EXIST,
    ER_ROW_IS_REFERENCED_2,
    ER_NO_REFERENCED_ROW_2,
    ER_SPECIFIC_ACCESS_DENIED_ERROR,
    ER_CONSTRAINT_FAILED,
    kMysqlCheckViolated,
    ER_NET_PACKET_TOO_LARGE,
};

Kind kind_of(const MysqlFailure& failure, MysqlStage stage) noexcept {
    if (stage == MysqlStage::kConnect) return Kind::kUnavailable;
    if (failure.code == ER_NET_PACKET_TOO_LARGE) return Kind::kStatement;
    if (failure.connection_lost()) {
        // A command that could not be sent whole was not carried out.
        const bool sent = failure.code != CR_SERVER_GONE_ERROR;
        return sent && stage == MysqlStage::kExecute ? Kind::kBroken : Kind::kUnavailable;
    }
    switch (failure.code) {
        case ER_LOCK_DEADLOCK:
        case ER_LOCK_TABLE_FULL:  // InnoDB has undone the whole transaction
        case ER_LOCK_WAIT_TIMEOUT:
        case ER_CHECKREAD:
        case ER_NEED_REPREPARE:
        case kMysqlLockNowait:
            return Kind::kConflict;
        case ER_STATEMENT_TIMEOUT:
        case kMysqlQueryTimeout:
            return Kind::kTimeout;
        case ER_CONSTRAINT_FAILED:
        case kMysqlCheckViolated:
            return Kind::kConstraint;
        default:
            return failure.sql_state.starts_with("23") ? Kind::kConstraint : Kind::kStatement;
    }
}

}  // namespace

MysqlFailure MysqlFailure::of(MYSQL* mysql) {
    return {static_cast<int>(::mysql_errno(mysql)), ::mysql_sqlstate(mysql), ::mysql_error(mysql)};
}

MysqlFailure MysqlFailure::of(MYSQL_STMT* statement) {
    return {static_cast<int>(::mysql_stmt_errno(statement)), ::mysql_stmt_sqlstate(statement),
            ::mysql_stmt_error(statement)};
}

bool MysqlFailure::connection_lost() const noexcept {
    constexpr std::array kLost{
        ER_SERVER_SHUTDOWN,      ER_CONNECTION_KILLED,     ER_NET_PACKET_TOO_LARGE, ER_NET_READ_ERROR,
        ER_NET_READ_INTERRUPTED, ER_NET_WRITE_INTERRUPTED, ER_NET_ERROR_ON_WRITE,   kMysqlIdleTooLong,
    };
    return is_client_error(code) || is_one_of(kLost, code);
}

Error make_mysql_error(const MysqlFailure& failure, MysqlStage stage, std::string_view database,
                       std::string_view statement) {
    const bool harmless = is_client_error(failure.code) || is_one_of(kNamesOnly, failure.code);
    return {
        kind_of(failure, stage), database,     statement, failure.message,
        failure.sql_state,       failure.code, {},        harmless ? failure.message : redact_values(failure.message)};
}

}  // namespace caropig::db
