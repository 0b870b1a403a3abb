#include "template/unicode.h"

#include <algorithm>
#include <cwctype>

#include <locale.h>

namespace caropig::templates::unicode {
namespace {

// The C library has the tables of Unicode; the locale of the process must not matter.
locale_t unicode_locale() noexcept {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return locale;
}

}  // namespace

Character decode(std::string_view text, std::size_t offset) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = byte(offset);
    if (first < 0x80) return {first, 1};
    std::size_t size = 0;
    char32_t code = 0;
    char32_t least = 0;
    if (first >= 0xc2 && first < 0xe0) {
        size = 2, code = first & 0x1f, least = 0x80;
    } else if (first >= 0xe0 && first < 0xf0) {
        size = 3, code = first & 0x0f, least = 0x800;
    } else if (first >= 0xf0 && first < 0xf5) {
        size = 4, code = first & 0x07, least = 0x10000;
    } else {
        return {kInvalid, 1};
    }
    if (text.size() - offset < size) return {kInvalid, 1};
    for (std::size_t i = 1; i < size; ++i) {
        const unsigned next = byte(offset + i);
        if ((next & 0xc0) != 0x80) return {kInvalid, 1};
        code = code << 6 | (next & 0x3f);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {kInvalid, 1};
    return {code, size};
}

void append(std::string& out, char32_t code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | code >> 18);
        out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

bool is_valid(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const Character character = decode(text, at);
        if (character.code == kInvalid) return false;
        at += character.size;
    }
    return true;
}

bool is_ascii(std::string_view text) noexcept {
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::size_t length(std::string_view text) noexcept {
    if (is_ascii(text)) return text.size();
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); at += decode(text, at).size) ++count;
    return count;
}

std::size_t offset_of(std::string_view text, std::size_t index) noexcept {
    std::size_t at = 0;
    for (; index != 0 && at < text.size(); --index) at += decode(text, at).size;
    return at;
}

bool is_space(char32_t code) noexcept {
    if (code < 0x80) return code == ' ' || (code >= 0x09 && code <= 0x0d) || (code >= 0x1c && code <= 0x1f);
    return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 ||
           code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool is_alpha(char32_t code) noexcept {
    if (code < 0x80) return (code | 0x20) >= 'a' && (code | 0x20) <= 'z';
    return code != kInvalid && iswalpha_l(static_cast<wint_t>(code), unicode_locale()) != 0;
}

bool is_printable(char32_t code) noexcept {
    if (code < 0x7f) return code >= 0x20;
    // Spaces other than ' ', format characters and what is private are not printable to Python.
    if (code == kInvalid || is_space(code) || code == 0xad || (code >= 0x200b && code <= 0x200f) ||
        (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
        (code >= 0xe000 && code < 0xf900) || code >= 0xe0000) {
        return false;
    }
    return iswprint_l(static_cast<wint_t>(code), unicode_locale()) != 0;
}

char32_t to_upper(char32_t code) noexcept {
    if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 0x20 : code;
    return code == kInvalid ? code : static_cast<char32_t>(towupper_l(static_cast<wint_t>(code), unicode_locale()));
}

char32_t to_lower(char32_t code) noexcept {
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 0x20 : code;
    return code == kInvalid ? code : static_cast<char32_t>(towlower_l(static_cast<wint_t>(code), unicode_locale()));
}

}  // namespace caropig::templates::unicode
