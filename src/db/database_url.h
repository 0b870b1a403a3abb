#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace caropig::db {

/// The parts of a database's URL, percent-decoded.
struct DatabaseUrl {
    enum class Kind { kSqlite, kMysql, kPostgres };

    Kind kind = Kind::kSqlite;
    std::string user;
    std::string password;
    std::string host;        ///< a name or an address; an IPv6 address without its brackets; empty with a unix socket
    std::uint16_t port = 0;  ///< 3306 or 5432 where the URL names none; SQLite: 0
    std::string database;    ///< SQLite: the file's path, or ":memory:"
    std::map<std::string, std::string>
        options;  ///< of the query: unix_socket, ssl_mode, ssl_ca …; the driver knows which
};

/// "sqlite:path/file.db", "sqlite::memory:", "mysql://user:password@host:3306/name?ssl_mode=verify_identity"
/// ("mariadb:" is the same), "postgres://user@host/name" ("postgresql:" is the same),
/// "mysql://user@/name?unix_socket=/run/mysqld/mysqld.sock". Throws std::invalid_argument with one line that says what
/// is wrong, without the password.
DatabaseUrl parse_database_url(std::string_view text);

}  // namespace caropig::db
