#pragma once

#include "db/database_url.h"

#include <cstdint>
#include <string>

namespace caropig::db {

/// What a mysql: URL asks for, checked.
struct MysqlSettings {
    /// There is no "preferred": it would fall back to plain text as soon as somebody on the way asks for that.
    enum class Tls {
        kDisabled,        ///< plain text
        kRequired,        ///< encrypted, whoever the server is
        kVerifyCa,        ///< with a certificate that ssl_ca has signed
        kVerifyIdentity,  ///< which is for this host, too
    };

    std::string name;  ///< "mariadb 127.0.0.1:3306/shop"
    std::string host;
    std::uint16_t port = 0;
    std::string unix_socket;
    std::string user;
    std::string password;
    std::string database;
    Tls tls = Tls::kDisabled;
    std::string ssl_ca;
    std::string ssl_cert;
    std::string ssl_key;
};

/// Throws std::invalid_argument, which names the option that is unknown, or wrong, or missing.
MysqlSettings read_mysql_settings(const DatabaseUrl& url);

}  // namespace caropig::db
