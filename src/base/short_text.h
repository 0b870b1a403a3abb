#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// \file
/// Heads of HTTP are made of short pieces, whose size is not known when this is compiled. Two or four moves that
/// overlap have done the work before a call of memcpy() or memcmp() has begun with it.
namespace caropig {

namespace detail {

template <class Word>
Word word_at(const char* from) noexcept {
    Word word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
}

template <std::size_t kSize>
void copy_ends(char* to, const char* from, std::size_t size) noexcept {
    std::memcpy(to, from, kSize);
    std::memcpy(to + size - kSize, from + size - kSize, kSize);
}

template <class Word>
Word difference_of_ends(const char* a, const char* b, std::size_t size) noexcept {
    const std::size_t last = size - sizeof(Word);
    return (word_at<Word>(a) ^ word_at<Word>(b)) | (word_at<Word>(a + last) ^ word_at<Word>(b + last));
}

}  // namespace detail

/// Copies `text` to `to`, which lies elsewhere; returns where the next byte goes.
inline char* copy_text(char* to, std::string_view text) noexcept {
    const char* const from = text.data();
    const std::size_t size = text.size();
    if (size > 64) {
        std::memcpy(to, from, size);
    } else if (size >= 32) {
        detail::copy_ends<32>(to, from, size);
    } else if (size >= 16) {
        detail::copy_ends<16>(to, from, size);
    } else if (size >= 8) {
        detail::copy_ends<8>(to, from, size);
    } else if (size >= 4) {
        detail::copy_ends<4>(to, from, size);
    } else if (size != 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
    return to + size;
}

/// Whether both have the same bytes.
inline bool same_text(std::string_view a, std::string_view b) noexcept {
    const std::size_t size = a.size();
    if (size != b.size()) return false;
    if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
    if (size >= 8) return detail::difference_of_ends<std::uint64_t>(a.data(), b.data(), size) == 0;
    if (size >= 4) return detail::difference_of_ends<std::uint32_t>(a.data(), b.data(), size) == 0;
    return size == 0 || (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
}

}  // namespace caropig
