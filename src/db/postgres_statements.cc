#include "db/postgres_statements.h"

#include <utility>

namespace caropig::db {

std::shared_ptr<const PostgresStatement> PostgresStatementCache::find(std::string_view sql) {
    auto found = by_sql_.find(sql);
    if (found == by_sql_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->statement;
}

void PostgresStatementCache::make_room() {
    if (entries_.size() >= capacity_) drop(std::prev(entries_.end()));
}

void PostgresStatementCache::insert(std::string_view sql, std::shared_ptr<const PostgresStatement> statement) {
    entries_.push_front({std::string(sql), std::move(statement)});
    by_sql_.emplace(entries_.front().sql, entries_.begin());
}

void PostgresStatementCache::drop(std::string_view sql) {
    if (auto found = by_sql_.find(sql); found != by_sql_.end()) drop(found->second);
}

void PostgresStatementCache::drop(Entries::iterator entry) {
    dropped_.push_back(entry->statement->name);
    by_sql_.erase(entry->sql);
    entries_.erase(entry);
}

}  // namespace caropig::db
