#include "db/mysql_settings.h"

#include <stdexcept>
#include <string_view>

#include <fmt/format.h>
#include <sys/un.h>

namespace caropig::db {
namespace {

using Tls = MysqlSettings::Tls;

[[noreturn]] void refuse(std::string_view why) { throw std::invalid_argument(fmt::format("mysql: {}", why)); }

Tls parse_tls(std::string_view mode) {
    if (mode == "disabled") return Tls::kDisabled;
    if (mode == "required") return Tls::kRequired;
    if (mode == "verify_ca") return Tls::kVerifyCa;
    if (mode == "verify_identity") return Tls::kVerifyIdentity;
    refuse("ssl_mode must be disabled, required, verify_ca or verify_identity");
}

void check_tls(const MysqlSettings& settings, bool mode_given) {
    const bool verifies = settings.tls == Tls::kVerifyCa || settings.tls == Tls::kVerifyIdentity;
    const bool has_files = !settings.ssl_ca.empty() || !settings.ssl_cert.empty() || !settings.ssl_key.empty();
    if (!settings.unix_socket.empty() && (mode_given || has_files)) {
        refuse("ssl_* options are for a host, not for a unix_socket");
    }
    if (!settings.ssl_ca.empty() && !verifies) refuse("ssl_ca needs ssl_mode=verify_ca or verify_identity");
    if (settings.tls == Tls::kVerifyCa && settings.ssl_ca.empty()) refuse("ssl_mode=verify_ca needs ssl_ca");
    if (has_files && settings.tls == Tls::kDisabled) refuse("ssl_cert and ssl_key need another ssl_mode");
    if (settings.ssl_cert.empty() != settings.ssl_key.empty()) refuse("ssl_cert and ssl_key go together");
}

}  // namespace

MysqlSettings read_mysql_settings(const DatabaseUrl& url) {
    MysqlSettings settings;
    settings.host = url.host;
    settings.port = url.port;
    settings.user = url.user;
    settings.password = url.password;
    settings.database = url.database;
    bool mode_given = false;
    for (const auto& [option, value] : url.options) {
        if (value.empty()) refuse(fmt::format("the option {} is empty", option));
        if (option == "unix_socket") {
            settings.unix_socket = value;
        } else if (option == "ssl_mode") {
            settings.tls = parse_tls(value);
            mode_given = true;
        } else if (option == "ssl_ca") {
            settings.ssl_ca = value;
        } else if (option == "ssl_cert") {
            settings.ssl_cert = value;
        } else if (option == "ssl_key") {
            settings.ssl_key = value;
        } else {
            refuse(fmt::format("unknown option {}", option));
        }
    }
    // Where there is none, the library would ask the system for the name of the process's user, which may block.
    if (settings.user.empty()) refuse("the URL names no user");
    if (settings.host.empty() == settings.unix_socket.empty()) refuse("the URL needs either a host or a unix_socket");
    if (settings.unix_socket.size() >= sizeof(sockaddr_un::sun_path)) refuse("the path unix_socket is too long");
    check_tls(settings, mode_given);
    const bool bracketed = settings.host.find(':') != std::string::npos;
    const std::string place = settings.host.empty() ? settings.unix_socket
                                                    : fmt::format("{}{}{}:{}", bracketed ? "[" : "", settings.host,
                                                                  bracketed ? "]" : "", settings.port);
    settings.name = fmt::format("mariadb {}{}{}", place, settings.database.empty() ? "" : "/", settings.database);
    return settings;
}

}  // namespace caropig::db
