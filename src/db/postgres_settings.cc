#include "db/postgres_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace caropig::db {
namespace {

constexpr std::uint16_t kDefaultPort = 5432;

/// A path under what is no folder, so that nothing can ever be there.
constexpr std::string_view kNoFile = "/dev/null/none";

constexpr std::array<std::string_view, 5> kSslOptions{"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl"};
constexpr std::array<std::string_view, 6> kSslModes{"disable", "allow",     "prefer",
                                                    "require", "verify-ca", "verify-full"};

[[noreturn]] void refuse(const std::string& why) { throw std::invalid_argument("postgres URL: " + why); }

/// libpq's lists: a comma in one of these would name a second server.
void refuse_comma(std::string_view what, std::string_view value) {
    if (value.find(',') != std::string_view::npos) refuse(fmt::format("{} must not contain a comma", what));
}

/// The folder in which the server keeps its socket, or the path of the socket itself, "/run/postgresql/.s.PGSQL.5433".
void set_unix_socket(PostgresSettings& settings, std::string path) {
    constexpr std::string_view kPrefix = ".s.PGSQL.";
    if (!path.starts_with('/')) refuse("unix_socket must be an absolute path");
    refuse_comma("unix_socket", path);
    std::size_t slash = path.rfind('/');
    if (std::string_view file = std::string_view(path).substr(slash + 1); file.starts_with(kPrefix)) {
        file.remove_prefix(kPrefix.size());
        auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), settings.port);
        if (error != std::errc() || end != file.data() + file.size() || settings.port == 0) {
            refuse("unix_socket does not end with a port");
        }
        path.resize(std::max<std::size_t>(slash, 1));
    }
    settings.socket_folder = std::move(path);
}

void check_ssl(const PostgresSettings& settings, const std::map<std::string, std::string>& options) {
    auto given = [&options](const char* name) { return options.contains(name); };
    auto mode = options.find("sslmode");
    if (mode != options.end() && std::ranges::find(kSslModes, mode->second) == kSslModes.end()) {
        refuse("sslmode must be disable, allow, prefer, require, verify-ca or verify-full");
    }
    const bool verifies = mode != options.end() && mode->second.starts_with("verify-");
    if (verifies && !settings.socket_folder.empty()) refuse("there is no TLS over a unix_socket");
    if (verifies && !given("sslrootcert")) refuse("sslmode=" + mode->second + " needs sslrootcert");
    if (given("sslcert") != given("sslkey")) refuse("sslcert and sslkey need each other");
}

}  // namespace

PostgresSettings read_postgres_settings(const DatabaseUrl& url) {
    PostgresSettings settings;
    settings.host = url.host;
    settings.port = url.port != 0 ? url.port : kDefaultPort;
    settings.has_password = !url.password.empty();
    if (url.user.empty()) refuse("it names no user");
    refuse_comma("the host", url.host);

    std::map<std::string, std::string> options = url.options;
    if (auto socket = options.find("unix_socket"); socket != options.end()) {
        if (!url.host.empty()) refuse("it has a host and a unix_socket");
        set_unix_socket(settings, socket->second);
        options.erase(socket);
    } else if (url.host.empty()) {
        refuse("it has neither a host nor a unix_socket");
    }
    for (const auto& [name, value] : options) {
        if (std::ranges::find(kSslOptions, name) == kSslOptions.end()) refuse("unknown option " + name);
        if (value.empty()) refuse("the option " + name + " has no value");
    }
    check_ssl(settings, options);
    auto ssl = [&options](const char* name, std::string_view otherwise) {
        auto found = options.find(name);
        return found != options.end() ? found->second : std::string(otherwise);
    };

    const std::string database = url.database.empty() ? url.user : url.database;
    const bool v6 = url.host.find(':') != std::string::npos;
    settings.name = fmt::format("postgres {}{}{}:{}/{}", v6 ? "[" : "",
                                settings.socket_folder.empty() ? url.host : settings.socket_folder, v6 ? "]" : "",
                                settings.port, database);
    settings.parameters = {
        {"user", url.user},
        // Without one libpq would look for PGPASSWORD. What is sent instead is wrong on purpose.
        {"password", settings.has_password ? url.password : "none in the URL"},
        {"passfile", std::string(kNoFile)},
        {"dbname", database},
        {"application_name", "caropig"},
        {"client_encoding", "UTF8"},
        {"options",
         "-c DateStyle=ISO -c TimeZone=UTC -c bytea_output=hex -c extra_float_digits=1 "
         "-c standard_conforming_strings=on"},
        {"connect_timeout", "0"},
        {"target_session_attrs", "any"},
        {"channel_binding", "prefer"},
        {"gssencmode", "disable"},
        {"krbsrvname", "postgres"},
        {"sslmode", ssl("sslmode", "prefer")},
        {"sslcompression", "0"},
        {"sslsni", "1"},
        {"ssl_min_protocol_version", "TLSv1.2"},
        {"ssl_max_protocol_version", "TLSv1.3"},
        {"sslrootcert", ssl("sslrootcert", kNoFile)},
        {"sslcert", ssl("sslcert", kNoFile)},
        {"sslkey", ssl("sslkey", kNoFile)},
        {"sslcrl", ssl("sslcrl", kNoFile)},
        {"sslcrldir", std::string(kNoFile)},
        // Bounds a cancel request, which blocks a thread, to a host that is gone; and what else it never answers.
        {"tcp_user_timeout", "15000"},
    };
    return settings;
}

}  // namespace caropig::db
