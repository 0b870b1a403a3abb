#pragma once

#include "db/driver.h"
#include "db/postgres_values.h"

#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::db {

/// A statement that the server has prepared.
struct PostgresStatement {
    std::string name;  ///< Empty: the session's unnamed one, which the next one replaces.
    std::vector<PostgresType> parameters;
    Columns columns;  ///< Empty for what gives no rows.
};

/// Which statements one connection's server has prepared, by their text; the one that was not used for longest makes
/// room. What is dropped here is still to be deallocated there.
class PostgresStatementCache {
public:
    /// Longer texts are not kept: they are most often made for once, and would make the limit mean little.
    static constexpr std::size_t kLongestText = 16 * 1024;

    explicit PostgresStatementCache(std::size_t capacity) : capacity_(capacity) {}
    PostgresStatementCache(const PostgresStatementCache&) = delete;
    PostgresStatementCache& operator=(const PostgresStatementCache&) = delete;
    ~PostgresStatementCache() = default;

    [[nodiscard]] bool takes(std::string_view sql) const noexcept {
        return capacity_ != 0 && sql.size() <= kLongestText;
    }

    /// The statement, which counts as used now; null when it is not known.
    std::shared_ptr<const PostgresStatement> find(std::string_view sql);

    /// Drops what was not used for longest when it is full: before another one is prepared, so that the server never
    /// has more than the limit.
    void make_room();
    /// After make_room(), of a text that takes() and find() does not know.
    void insert(std::string_view sql, std::shared_ptr<const PostgresStatement> statement);
    /// No-op when it is not known.
    void drop(std::string_view sql);

    /// Names to be deallocated; they are the caller's task now.
    std::vector<std::string> take_dropped() { return std::exchange(dropped_, {}); }
    /// Gives one back that could not be deallocated yet.
    void give_back(std::string name) { dropped_.push_back(std::move(name)); }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct Entry {
        std::string sql;
        std::shared_ptr<const PostgresStatement> statement;
    };
    using Entries = std::list<Entry>;
    void drop(Entries::iterator entry);

    std::size_t capacity_;
    Entries entries_;  // the most recently used first
    std::map<std::string_view, Entries::iterator> by_sql_;
    std::vector<std::string> dropped_;
};

}  // namespace caropig::db
