#pragma once

#include <caropig/http/headers.h>

#include <string_view>

namespace caropig::http::h1 {

/// Splits a field line (RFC 9112 5) without its CRLF, in which find_control() found nothing. Returns what is wrong with
/// it, or null. `line` must be followed by a readable byte that is no token character, as its CR is.
inline const char* parse_field_line(std::string_view line, HeaderView& out) noexcept {
    const char* p = line.data();
    const char* const end = p + line.size();
    while (is_token_char(*p)) ++p;
    if (p == end || *p != ':' || p == line.data()) {
        // Folding and a space before the colon are how two parsers come to see different fields (RFC 9112 5.1, 5.2).
        if (is_ows(line.front())) return "folded header line";
        return p != end && is_ows(*p) ? "whitespace in a header name" : "malformed header line";
    }
    out.name = {line.data(), static_cast<std::size_t>(p - line.data())};
    ++p;
    const char* last = end;
    while (p != last && is_ows(*p)) ++p;
    while (p != last && is_ows(last[-1])) --last;
    out.value = {p, static_cast<std::size_t>(last - p)};
    return nullptr;
}

}  // namespace caropig::http::h1
