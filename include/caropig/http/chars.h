#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// \file
/// Which bytes HTTP allows where (RFC 9110 section 5, RFC 3986): one table look-up a byte, no locale. These predicates
/// are what refuses header injection, so that parsers, setters and writers agree to the byte.
namespace caropig::http {

namespace detail {

inline constexpr std::uint8_t kTokenBit = 1;
inline constexpr std::uint8_t kFieldBit = 2;
inline constexpr std::uint8_t kTargetBit = 4;
inline constexpr std::uint8_t kHexBit = 8;
inline constexpr std::uint8_t kUnreservedBit = 16;
inline constexpr std::uint8_t kHostBit = 32;
inline constexpr std::uint8_t kDigitBit = 64;

constexpr std::array<std::uint8_t, 256> make_char_classes() {
    std::array<std::uint8_t, 256> classes{};
    const auto mark = [&classes](std::string_view bytes, int bits) {
        for (const char c : bytes) classes[static_cast<unsigned char>(c)] |= static_cast<std::uint8_t>(bits);
    };
    for (unsigned c = 0x20; c < 256; ++c) {
        if (c != 0x7f) classes[c] |= kFieldBit;
    }
    mark("\t", kFieldBit);
    mark("0123456789", kTokenBit | kTargetBit | kHexBit | kUnreservedBit | kHostBit | kDigitBit);
    mark("abcdefABCDEF", kHexBit);
    mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kTokenBit | kTargetBit | kUnreservedBit | kHostBit);
    mark("!#$%&'*+-.^_`|~", kTokenBit);
    mark("-._~", kUnreservedBit | kHostBit | kTargetBit);
    mark("!$&'()*+,;=", kHostBit | kTargetBit);
    // Not in RFC 3986, but browsers send the last five as they are: refusing them would break pages, not attacks.
    mark("/:@[]^`{|}", kTargetBit);
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> kCharClasses = make_char_classes();

constexpr bool has_class(char c, std::uint8_t bit) noexcept {
    return (kCharClasses[static_cast<unsigned char>(c)] & bit) != 0;
}

}  // namespace detail

constexpr bool is_token_char(char c) noexcept { return detail::has_class(c, detail::kTokenBit); }
/// What a field value may hold: everything but control characters, with HTAB (RFC 9110 5.5).
constexpr bool is_field_char(char c) noexcept { return detail::has_class(c, detail::kFieldBit); }
/// What a path or a query may hold as it is; '?' and '%' are left to the caller.
constexpr bool is_target_char(char c) noexcept { return detail::has_class(c, detail::kTargetBit); }
constexpr bool is_digit(char c) noexcept { return detail::has_class(c, detail::kDigitBit); }
constexpr bool is_hex_digit(char c) noexcept { return detail::has_class(c, detail::kHexBit); }
/// What percent_encode() leaves as it is (RFC 3986 2.3).
constexpr bool is_unreserved(char c) noexcept { return detail::has_class(c, detail::kUnreservedBit); }
/// What a registered name may hold as it is; '%' is left to the caller (RFC 3986 3.2.2).
constexpr bool is_host_char(char c) noexcept { return detail::has_class(c, detail::kHostBit); }
/// Optional whitespace: SP and HTAB, nothing else (RFC 9110 5.6.3).
constexpr bool is_ows(char c) noexcept { return c == ' ' || c == '\t'; }

/// 0 to 15 for a hexadecimal digit; meaningless for anything else.
constexpr unsigned hex_value(char c) noexcept {
    return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// Not empty and all token characters (RFC 9110 5.6.2).
constexpr bool is_token(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_token_char(c)) return false;
    }
    return !text.empty();
}

/// No control character but HTAB; may be empty.
constexpr bool is_field_value(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_field_char(c)) return false;
    }
    return true;
}

/// Equal but for the case of ASCII letters.
constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

/// Without optional whitespace at both ends.
constexpr std::string_view trim_ows(std::string_view text) noexcept {
    while (!text.empty() && is_ows(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_ows(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace caropig::http
