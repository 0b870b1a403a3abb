#include "web/arguments.h"

namespace caropig::web {
namespace {

/// Whether `text` is one whitespace character of Unicode, as Python's str.strip() takes away.
bool is_space(std::string_view text) noexcept {
    if (text.size() == 1) return text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r');
    if (text.size() == 2) return text == "\u0085" || text == "\u00a0";
    return text == "\u1680" || (text >= "\u2000" && text <= "\u200a") || text == "\u2028" || text == "\u2029" ||
           text == "\u202f" || text == "\u205f" || text == "\u3000";
}

std::size_t space_at_start(std::string_view text) noexcept {
    for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
        if (is_space(text.substr(0, length))) return length;
    }
    return 0;
}

std::size_t space_at_end(std::string_view text) noexcept {
    for (std::size_t length = 1; length <= 3 && length <= text.size(); ++length) {
        if (is_space(text.substr(text.size() - length))) return length;
    }
    return 0;
}

}  // namespace

std::string clean_argument(std::string_view value) {
    std::string cleaned(value);
    for (char& c : cleaned) {
        auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x08 || (byte >= 0x0e && byte <= 0x1f)) c = ' ';
    }
    std::string_view rest = cleaned;
    while (std::size_t length = space_at_start(rest)) rest.remove_prefix(length);
    while (std::size_t length = space_at_end(rest)) rest.remove_suffix(length);
    return std::string(rest);
}

}  // namespace caropig::web
