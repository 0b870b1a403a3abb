#pragma once

#include "db/database_url.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace caropig::db {

/// The database of a URL that lives in memory; what share_sqlite_memory() makes of it has a number at its end.
inline constexpr std::string_view kSqliteMemory = ":memory:";

/// What a sqlite: URL asks for, checked.
struct SqliteSettings {
    std::string name;        ///< "sqlite app.db"
    std::string file;        ///< what SQLite is told to open: a path, or a URI of a database in memory
    bool in_memory = false;  ///< it is such a URI
    bool read_only = false;
    bool may_create = true;
    std::string synchronous = "full";
    std::chrono::milliseconds busy_timeout{5000};
    std::size_t threads = 4;
    std::size_t statement_cache = 64;
};

/// Throws std::invalid_argument, which names the option that is unknown or wrong.
SqliteSettings read_sqlite_settings(const DatabaseUrl& url);

}  // namespace caropig::db
