#pragma once

#include "db/driver.h"
#include "db/mysql_value.h"

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <mysql.h>

namespace caropig::db {

/// A prepared statement of one connection.
class MysqlStatement {
public:
    /// Not yet prepared.
    MysqlStatement(MYSQL* mysql, std::string_view sql);
    MysqlStatement(const MysqlStatement&) = delete;
    MysqlStatement& operator=(const MysqlStatement&) = delete;
    /// Frees it without telling the server: to be called once the connection is closed, or after release().
    ~MysqlStatement();

    [[nodiscard]] MYSQL_STMT* get() const noexcept { return statement_; }
    [[nodiscard]] const std::string& sql() const noexcept { return sql_; }

    /// For who has the library close it.
    MYSQL_STMT* release() noexcept;

    /// Before each execution: has the library take the columns from the answer. It would refuse the rows if a table
    /// had got another column since the preparation.
    void forget_columns() noexcept { statement_->field_count = 0; }
    /// After an execution that gives rows: finds out its columns and gets ready to fetch. False when the library fails.
    bool bind_columns();

    [[nodiscard]] const Columns& columns() const noexcept { return columns_; }
    [[nodiscard]] MysqlRow& row() noexcept { return *row_; }

private:
    MYSQL_STMT* statement_;
    std::string sql_;
    Columns columns_;
    std::optional<MysqlRow> row_;
};

/// The prepared statements of one connection by their text, the one used last in front.
class MysqlStatementCache {
public:
    explicit MysqlStatementCache(std::size_t capacity) : capacity_(capacity) {}

    /// Moves it to the front; null when it is not there.
    MysqlStatement* find(std::string_view sql);
    MysqlStatement& add(std::unique_ptr<MysqlStatement> statement);
    /// Takes the one used least recently out, where there is no room for another. Null where there is.
    std::unique_ptr<MysqlStatement> make_room();
    std::unique_ptr<MysqlStatement> remove(const MysqlStatement& statement);
    void clear() noexcept;

private:
    using List = std::list<std::unique_ptr<MysqlStatement>>;

    std::size_t capacity_;
    List statements_;
    std::unordered_map<std::string_view, List::iterator> by_sql_;
};

}  // namespace caropig::db
