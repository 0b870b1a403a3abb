#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace caropig::web::detail {

template <class Word>
std::uint64_t load_word(const char* from) noexcept {
    Word word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
}

/// Eight bytes at a time, the last ones overlapping those before. Peers choose the text that is looked up, but only
/// patterns are ever stored, so that nobody can fill a table with collisions: a fast hash is enough.
inline std::uint32_t hash_of(std::uint32_t seed, std::string_view text) noexcept {
    constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15;
    const char* const begin = text.data();
    const std::size_t size = text.size();
    std::uint64_t hash = (seed + (std::uint64_t{size} << 32U)) * kMultiplier;
    const auto mix = [&](std::uint64_t word) {
        hash = (hash ^ word) * kMultiplier;
        hash ^= hash >> 32U;
    };
    if (size >= 8) {
        for (std::size_t at = 0; at + 8 < size; at += 8) mix(load_word<std::uint64_t>(begin + at));
        mix(load_word<std::uint64_t>(begin + size - 8));
    } else if (size >= 4) {
        mix(load_word<std::uint32_t>(begin) << 32U | load_word<std::uint32_t>(begin + size - 4));
    } else if (size > 0) {
        const auto byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(begin[at])}; };
        mix(byte(0) << 16U | byte(size / 2) << 8U | byte(size - 1));
    }
    return static_cast<std::uint32_t>(hash);
}

}  // namespace caropig::web::detail
