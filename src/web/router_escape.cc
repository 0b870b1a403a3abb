#include "web/router_escape.h"

#include <cstdint>

namespace caropig::web::detail {
namespace {

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool is_continuation(unsigned char byte) noexcept { return (byte & 0xC0U) == 0x80U; }

}  // namespace

bool needs_decoding(std::string_view text) noexcept {
    bool needed = false;  // without an early exit the compiler can look at many bytes at once
    for (const char c : text) needed |= c == '%' || (static_cast<unsigned char>(c) & 0x80U) != 0;
    return needed;
}

std::size_t percent_decode(std::string_view text, char* out) noexcept {
    const char* const begin = out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && text.size() - i > 2) {
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high >= 0 && low >= 0) {
                *out++ = static_cast<char>(high * 16 + low);
                i += 2;
                continue;
            }
        }
        *out++ = text[i];
    }
    return static_cast<std::size_t>(out - begin);
}

bool is_utf8(std::string_view text) noexcept {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    std::size_t i = 0;
    while (i < text.size()) {
        const unsigned char lead = byte(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4 || text.size() - i < length) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if (!is_continuation(byte(i + k))) return false;
        }
        const unsigned char second = byte(i + 1);
        const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
        const bool surrogate = lead == 0xED && second >= 0xA0;
        const bool too_large = lead == 0xF4 && second >= 0x90;
        if (overlong || surrogate || too_large) return false;
        i += length;
    }
    return true;
}

void append_encoded(std::string& out, std::string_view text, bool keep_slashes) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_unreserved(c) || (keep_slashes && c == '/')) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kHex[byte >> 4U];
            out += kHex[byte & 0x0FU];
        }
    }
}

}  // namespace caropig::web::detail
