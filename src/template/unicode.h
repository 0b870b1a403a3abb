#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// \file
/// Python's strings are sequences of code points, ours of UTF-8 bytes: what counts, cuts and changes characters is
/// here. Bytes that are no UTF-8 count as one character each and are kept as they are.
namespace caropig::templates::unicode {

/// A character and the bytes it stands in. `code` is kInvalid for a byte that is no UTF-8.
struct Character {
    char32_t code = 0;
    std::size_t size = 0;
};

inline constexpr char32_t kInvalid = 0xffffffff;

/// The character that begins at `offset` < text.size().
Character decode(std::string_view text, std::size_t offset) noexcept;

void append(std::string& out, char32_t code);

bool is_valid(std::string_view text) noexcept;
bool is_ascii(std::string_view text) noexcept;

/// The number of characters.
std::size_t length(std::string_view text) noexcept;

/// The byte at which the character `index` begins; text.size() if there are fewer.
std::size_t offset_of(std::string_view text, std::size_t index) noexcept;

/// What str.isspace() and \s of Python's regular expressions take for whitespace.
bool is_space(char32_t code) noexcept;
bool is_alpha(char32_t code) noexcept;
bool is_printable(char32_t code) noexcept;
char32_t to_upper(char32_t code) noexcept;
char32_t to_lower(char32_t code) noexcept;
inline bool is_digit(char32_t code) noexcept { return code >= '0' && code <= '9'; }

}  // namespace caropig::templates::unicode
