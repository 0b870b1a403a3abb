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
