#include "db/dialect.h"

#include <string_view>

namespace caropig::db::detail {
namespace {

std::string_view name_of(Isolation isolation) noexcept {
    switch (isolation) {
        case Isolation::kReadCommitted:
            return "READ COMMITTED";
        case Isolation::kRepeatableRead:
            return "REPEATABLE READ";
        case Isolation::kSerializable:
            return "SERIALIZABLE";
        case Isolation::kDefault:
            break;
    }
    return "";
}

}  // namespace

BeginStatements begin_statements(DatabaseUrl::Kind kind, const TransactionOptions& options) {
    const std::string_view isolation = name_of(options.isolation());
    BeginStatements statements;
    switch (kind) {
        case DatabaseUrl::Kind::kSqlite:
            // One that begins by reading and then wants to write fails at once where another one writes, however long
            // the busy timeout: both would wait for each other. So the lock is asked for at the start.
            statements.begin = options.read_only() ? "BEGIN" : "BEGIN IMMEDIATE";
            break;
        case DatabaseUrl::Kind::kMysql:
            if (!isolation.empty()) statements.settings.append("SET TRANSACTION ISOLATION LEVEL ").append(isolation);
            statements.begin = options.read_only() ? "START TRANSACTION READ ONLY" : "START TRANSACTION";
            break;
        case DatabaseUrl::Kind::kPostgres:
            statements.begin = "BEGIN";
            if (!isolation.empty()) statements.begin.append(" ISOLATION LEVEL ").append(isolation);
            if (options.read_only()) statements.begin.append(" READ ONLY");
            break;
    }
    return statements;
}

}  // namespace caropig::db::detail
