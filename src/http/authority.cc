#include "http/authority.h"

#include <caropig/http/chars.h>

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

// A registered name (RFC 3986 3.2.2) ends at the first byte that it can't hold; nothing where an escape is broken.
std::optional<std::size_t> registered_name_size(std::string_view text) noexcept {
    const char* p = text.data();
    const char* const end = p + text.size();
    for (;;) {
        while (p != end && is_host_char(*p)) ++p;
        if (p == end || *p != '%') return static_cast<std::size_t>(p - text.data());
        if (end - p <= 2 || !is_hex_digit(p[1]) || !is_hex_digit(p[2])) return std::nullopt;
        p += 3;
    }
}

// At most five digits and 65535.
std::optional<std::uint16_t> parse_port(std::string_view digits) noexcept {
    constexpr std::size_t kMostDigits = 5;
    constexpr unsigned kHighest = 65535;
    if (digits.size() > kMostDigits) return std::nullopt;
    unsigned port = 0;
    for (const char digit : digits) {
        if (!is_digit(digit)) return std::nullopt;
        port = port * 10 + static_cast<unsigned>(digit - '0');
    }
    if (port > kHighest) return std::nullopt;
    return static_cast<std::uint16_t>(port);
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
    } else {
        const std::optional<std::size_t> size = registered_name_size(text);
        if (!size || *size == 0) return std::nullopt;
        result.host = text.substr(0, *size);
        rest = text.substr(*size);
    }
    if (rest.empty()) return result;
    if (rest[0] != ':') return std::nullopt;
    if (rest.size() == 1) return result;
    result.port = parse_port(rest.substr(1));
    if (!result.port) return std::nullopt;
    return result;
}

bool same_authority(const Authority& a, const Authority& b, std::uint16_t default_port) noexcept {
    return a.is_ipv6 == b.is_ipv6 && a.port.value_or(default_port) == b.port.value_or(default_port) &&
           iequals(a.host, b.host);
}

}  // namespace caropig::http
