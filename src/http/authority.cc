#include "http/authority.h"

#include <caropig/http/chars.h>

#include <charconv>
#include <cstddef>

namespace caropig::http {
namespace {

bool is_ipv4(std::string_view text) noexcept {
    for (int part = 0; part < 4; ++part) {
        std::size_t digits = 0;
        unsigned value = 0;
        while (digits < text.size() && digits < 3 && is_digit(text[digits])) {
            value = value * 10 + hex_value(text[digits++]);
        }
        if (digits == 0 || value > 255 || (digits > 1 && text[0] == '0')) return false;
        text.remove_prefix(digits);
        if (part == 3) return text.empty();
        if (text.empty() || text[0] != '.') return false;
        text.remove_prefix(1);
    }
    return false;
}

// RFC 3986 3.2.2: eight groups of one to four digits, "::" once for one or more of them, the last two may be IPv4.
bool is_ipv6(std::string_view text) noexcept {
    int groups = 0;
    bool elided = false;
    if (text.starts_with("::")) {
        elided = true;
        text.remove_prefix(2);
    }
    while (!text.empty()) {
        std::size_t digits = 0;
        while (digits < text.size() && is_hex_digit(text[digits])) ++digits;
        if (digits < text.size() && text[digits] == '.') {
            if (!is_ipv4(text)) return false;
            groups += 2;
            break;
        }
        if (digits == 0 || digits > 4) return false;
        ++groups;
        text.remove_prefix(digits);
        if (text.empty()) break;
        text.remove_prefix(1);  // ':', or the next round finds no digit
        if (text.data()[-1] != ':' || text.empty()) return false;
        if (text[0] == ':') {
            if (elided) return false;
            elided = true;
            text.remove_prefix(1);
        }
    }
    return elided ? groups <= 7 : groups == 8;
}

bool is_registered_name(std::string_view text) noexcept {
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_host_char(text[i])) {
            ++i;
        } else if (text[i] == '%' && text.size() - i > 2 && is_hex_digit(text[i + 1]) && is_hex_digit(text[i + 2])) {
            i += 3;
        } else {
            return false;
        }
    }
    return i != 0;
}

}  // namespace

std::optional<Authority> split_authority(std::string_view text) noexcept {
    Authority result;
    std::string_view rest;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos) return std::nullopt;
        result.host = text.substr(1, close - 1);
        result.is_ipv6 = true;
        if (!is_ipv6(result.host)) return std::nullopt;
        rest = text.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return std::nullopt;
    } else {
        const std::size_t colon = text.find(':');
        result.host = text.substr(0, colon);
        if (!is_registered_name(result.host)) return std::nullopt;
        if (colon != std::string_view::npos) rest = text.substr(colon);
    }
    if (rest.size() <= 1) return result;
    rest.remove_prefix(1);
    if (rest.size() > 5) return std::nullopt;
    std::uint16_t port = 0;
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
    if (error != std::errc() || stop != rest.data() + rest.size()) return std::nullopt;
    result.port = port;
    return result;
}

bool same_authority(const Authority& a, const Authority& b, std::uint16_t default_port) noexcept {
    return a.is_ipv6 == b.is_ipv6 && a.port.value_or(default_port) == b.port.value_or(default_port) &&
           iequals(a.host, b.host);
}

}  // namespace caropig::http
