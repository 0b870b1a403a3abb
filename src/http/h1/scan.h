#pragma once

#include <caropig/http/chars.h>

#ifdef __SSE2__
#include <bit>

#include <emmintrin.h>
#else
#include <cstdint>
#include <cstring>
#endif

namespace caropig::http::h1 {

/// The first byte in [p, end) that no field value may hold (a control character other than HTAB), or `end`. One pass
/// that both finds the end of a line and proves that the line is clean. `begin` is where the readable bytes before p
/// begin.
inline const char* find_control([[maybe_unused]] const char* begin, const char* p, const char* end) noexcept {
#ifdef __SSE2__
    const auto controls = [](const char* at) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        const __m128i hit = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\t')), low),
                                         _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)));
        return static_cast<unsigned>(_mm_movemask_epi8(hit));
    };
    for (; end - p >= 16; p += 16) {
        if (const unsigned mask = controls(p); mask != 0) return p + std::countr_zero(mask);
    }
    if (p != end && end - begin >= 16) {
        // The last few: a load that ends with them, without the hits before p.
        const unsigned mask = controls(end - 16) >> (16 - (end - p));
        return mask != 0 ? p + std::countr_zero(mask) : end;
    }
#else
    // Eight at a time: a word without a byte below 0x20 and without 0x7f is clean; another is looked at byte by byte.
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kTops = 0x8080808080808080;
    while (end - p >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, p, sizeof(word));
        const std::uint64_t del = word ^ (kOnes * 0x7f);
        if (((((word - kOnes * 0x20) & ~word) | ((del - kOnes) & ~del)) & kTops) == 0) {
            p += 8;
            continue;
        }
        for (int i = 0; i < 8; ++i, ++p) {
            if (!is_field_char(*p)) return p;
        }
    }
#endif
    while (p != end && is_field_char(*p)) ++p;
    return p;
}

}  // namespace caropig::http::h1
