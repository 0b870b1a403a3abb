#include "db/mysql_statement.h"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

namespace caropig::db {

MysqlStatement::MysqlStatement(MYSQL* mysql, std::string_view sql) : statement_(::mysql_stmt_init(mysql)), sql_(sql) {
    if (statement_ == nullptr) throw std::bad_alloc();
}

MysqlStatement::~MysqlStatement() {
    if (statement_ != nullptr) ::mysql_stmt_close(statement_);
}

MYSQL_STMT* MysqlStatement::release() noexcept { return std::exchange(statement_, nullptr); }

bool MysqlStatement::bind_columns() {
    // The library's own copy of what it would hand out one by one.
    const std::span fields(statement_->fields, ::mysql_stmt_field_count(statement_));
    const bool same =
        columns_ != nullptr && std::ranges::equal(fields, *columns_, [](const MYSQL_FIELD& field, const auto& name) {
            return std::string_view(field.name, field.name_length) == name;
        });
    if (!same) {
        std::vector<std::string> names;
        names.reserve(fields.size());
        for (const MYSQL_FIELD& field : fields) names.emplace_back(field.name, field.name_length);
        columns_ = std::make_shared<const std::vector<std::string>>(std::move(names));
    }
    row_.emplace(fields);
    return ::mysql_stmt_bind_result(statement_, row_->binds()) == 0;
}

MysqlStatement* MysqlStatementCache::find(std::string_view sql) {
    const auto found = by_sql_.find(sql);
    if (capacity_ == 0 || found == by_sql_.end()) return nullptr;
    statements_.splice(statements_.begin(), statements_, found->second);
    return found->second->get();
}

MysqlStatement& MysqlStatementCache::add(std::unique_ptr<MysqlStatement> statement) {
    statements_.push_front(std::move(statement));
    by_sql_.emplace(statements_.front()->sql(), statements_.begin());
    return *statements_.front();
}

std::unique_ptr<MysqlStatement> MysqlStatementCache::make_room() {
    // Also where none is kept, there is the one that is being used.
    if (statements_.size() < std::max<std::size_t>(capacity_, 1)) return nullptr;
    return remove(*statements_.back());
}

std::unique_ptr<MysqlStatement> MysqlStatementCache::remove(const MysqlStatement& statement) {
    const auto found = by_sql_.find(statement.sql());
    std::unique_ptr<MysqlStatement> removed = std::move(*found->second);
    statements_.erase(found->second);
    by_sql_.erase(found);
    return removed;
}

void MysqlStatementCache::clear() noexcept {
    by_sql_.clear();
    statements_.clear();
}

}  // namespace caropig::db
