#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// \file
/// Views of bytes and of text over the same memory. Neither owns; both are valid as long as what they view.
namespace caropig {

using ConstBytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// Where bytes that are in memory lie too: in an open file that nobody writes to, so that both stay the same. Whoever
/// sends them may let the kernel take them from there, without a copy. Does not own the descriptor.
struct InFile {
    int file = -1;  ///< -1: nowhere.
    std::uint64_t offset = 0;
};

/// The bytes of `text`, for interfaces that carry bytes.
inline ConstBytes as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The bytes as text, for interfaces that carry text; no encoding is checked.
inline std::string_view as_text(ConstBytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace caropig
