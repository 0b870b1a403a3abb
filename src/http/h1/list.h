#pragma once

#include <caropig/http/chars.h>

#include <cstddef>
#include <string_view>

namespace caropig::http::h1 {

/// Calls `visit` with each element of a comma-separated list (RFC 9110 5.6.1), without the whitespace around it; empty
/// ones too. For lists whose elements hold no quoted commas.
template <class Visit>
void for_each_element(std::string_view list, Visit&& visit) {
    for (;;) {
        const std::size_t comma = list.find(',');
        visit(trim_ows(list.substr(0, comma)));
        if (comma == std::string_view::npos) return;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace caropig::http::h1
