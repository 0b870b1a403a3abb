#pragma once

#include <cstddef>

/// \file
/// Hints for the processor's cache. They pay where several lines can be asked for side by side, some time before the
/// first of them is needed: one after the other, each is as long a wait as without a hint.
namespace caropig::detail {

inline constexpr std::size_t kCacheLine = 64;  // bytes

/// Has the cache fetch `Bytes` from `start` on, which is best the start of a line. Nothing is read, so that any address
/// will do, also of something that has gone; but a null pointer costs a vain look for its page.
template <std::size_t Bytes>
void prefetch(const void* start) noexcept {
    const auto* line = static_cast<const char*>(start);
    for (std::size_t offset = 0; offset < Bytes; offset += kCacheLine) __builtin_prefetch(line + offset);
}

}  // namespace caropig::detail
