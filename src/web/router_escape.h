#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// \file
/// Percent-encoding of path parameters, with the rules of Python's urllib.parse that Tornado follows.
namespace caropig::web::detail {

/// Whether decoding `text` could change it or find it invalid: it has a '%' or a byte outside of ASCII.
[[nodiscard]] bool needs_decoding(std::string_view text) noexcept;

/// Decodes %XX into `out`, which has room for text.size() bytes, and returns the number of bytes written. An escape
/// without two hexadecimal digits is copied as it is.
std::size_t percent_decode(std::string_view text, char* out) noexcept;

/// Appends `text` with all but letters, digits and "-._~" (and "/", if asked) encoded.
void append_encoded(std::string& out, std::string_view text, bool keep_slashes);

}  // namespace caropig::web::detail
