#pragma once

#include "db/database_url.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace caropig::db {

/// What a database's URL means for libpq.
struct PostgresSettings {
    std::string name;  ///< "postgres db.example:5432/shop"
    std::string host;  ///< Empty with a Unix socket.
    std::uint16_t port = 0;
    std::string socket_folder;  ///< Empty without one.
    bool has_password = false;

    /// libpq's parameters but for the server's address, all with a value: libpq takes an empty one for absent, and asks
    /// the environment.
    std::vector<std::pair<std::string, std::string>> parameters;
};

/// Throws std::invalid_argument, which names an unknown or contradictory option.
PostgresSettings read_postgres_settings(const DatabaseUrl& url);

}  // namespace caropig::db
