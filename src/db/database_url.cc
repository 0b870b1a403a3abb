#include "db/database_url.h"

#include <caropig/net/address.h>

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

namespace caropig::db {
namespace {

using Kind = DatabaseUrl::Kind;

struct Scheme {
    std::string_view name;
    Kind kind;
    std::uint16_t port;
};

constexpr std::array kSchemes{
    Scheme{"sqlite", Kind::kSqlite, 0},          Scheme{"mysql", Kind::kMysql, 3306},
    Scheme{"mariadb", Kind::kMysql, 3306},       Scheme{"postgres", Kind::kPostgres, 5432},
    Scheme{"postgresql", Kind::kPostgres, 5432},
};

// What is wrong is said in fixed words: where a character of a password was left unencoded, any piece of the URL may
// hold some of the password.
[[noreturn]] void refuse(std::string_view why) { throw std::invalid_argument("bad database URL: " + std::string(why)); }

std::optional<unsigned> hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

std::string decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) refuse("'%' must be followed by two hexadecimal digits");
        const auto high = hex_value(text[i + 1]);
        const auto low = hex_value(text[i + 2]);
        if (!high || !low) refuse("'%' must be followed by two hexadecimal digits");
        // The libraries take C strings: what comes after a NUL would silently be lost.
        if (*high == 0 && *low == 0) refuse("%00 can stand nowhere in it");
        out += static_cast<char>(*high << 4 | *low);
        i += 2;
    }
    return out;
}

/// Cuts `text` at the first `separator`; the second part is nothing where there is none.
std::pair<std::string_view, std::optional<std::string_view>> split(std::string_view text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return {text, std::nullopt};
    return {text.substr(0, at), text.substr(at + 1)};
}

void read_options(std::string_view query, DatabaseUrl& url) {
    while (!query.empty()) {
        const auto [piece, rest] = split(query, '&');
        query = rest.value_or("");
        if (piece.empty()) continue;
        const auto [name, value] = split(piece, '=');
        if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string_view::npos) {
            refuse("an option's name must be of a-z, 0-9 and '_'; a '?' before the options must be written %3F");
        }
        if (!url.options.emplace(name, decode(value.value_or(""))).second) refuse("an option is given twice");
    }
}

bool is_host_name(std::string_view host) noexcept {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return host.find_first_not_of(kAllowed) == std::string_view::npos;
}

void read_host(std::string_view text, DatabaseUrl& url) {
    std::string_view port;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) refuse("an IPv6 address needs a closing ']'");
        url.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (url.host.find(':') == std::string::npos || !net::Address::parse(url.host, 0)) refuse("bad IPv6 address");
    } else {
        const std::size_t colon = text.find(':');
        url.host = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
        if (!is_host_name(url.host)) refuse("bad host name");
    }
    if (port.empty()) return;
    port.remove_prefix(1);
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc() || end != port.data() + port.size() || number == 0 || number > 65535) {
        refuse("the port must be a number from 1 to 65535");
    }
    url.port = static_cast<std::uint16_t>(number);
}

void read_server(std::string_view text, DatabaseUrl& url) {
    if (!text.starts_with("//")) refuse("'//' must follow the scheme");
    const auto [authority, path] = split(text.substr(2), '/');
    std::string_view host = authority;
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
        host = authority.substr(at + 1);
        const auto [user, password] = split(authority.substr(0, at), ':');
        if (authority.substr(0, at).find('@') != std::string_view::npos) {
            refuse("an '@' in the user or the password must be written %40");
        }
        url.user = decode(user);
        url.password = decode(password.value_or(""));
    }
    if (path && path->find_first_of("/@") != std::string_view::npos) {
        refuse("a '/' in the password or in the database's name must be written %2F, an '@' %40");
    }
    url.database = decode(path.value_or(""));
    read_host(host, url);
    const bool has_socket = url.options.contains("unix_socket");
    if (url.host.empty() && !has_socket) refuse("it names neither a host nor a unix_socket");
    if (!url.host.empty() && has_socket) refuse("it names both a host and a unix_socket");
}

}  // namespace

DatabaseUrl parse_database_url(std::string_view text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7f') refuse("it has a space or a control character");
    }
    const auto [scheme, rest] = split(text, ':');
    DatabaseUrl url;
    bool known = false;
    for (const Scheme& candidate : kSchemes) {
        if (candidate.name != scheme) continue;
        known = true;
        url.kind = candidate.kind;
        url.port = candidate.port;
    }
    if (!known || !rest) refuse("it must begin with sqlite:, mysql:, mariadb:, postgres: or postgresql:");
    if (rest->find('#') != std::string_view::npos) refuse("a '#' must be written %23");

    const auto [place, query] = split(*rest, '?');
    if (query && query->find('@') != std::string_view::npos) {
        refuse("a '?' in the password must be written %3F, an '@' in an option %40");
    }
    read_options(query.value_or(""), url);
    if (url.kind == Kind::kSqlite) {
        // Others read sqlite:///a as "a" or as "/a": nobody should have to guess which file is opened.
        if (place.starts_with("//")) refuse("write sqlite:file.db or sqlite:/folder/file.db, without '//'");
        url.database = decode(place);
        if (url.database.empty()) refuse("it names no file");
    } else {
        read_server(place, url);
    }
    return url;
}

}  // namespace caropig::db
