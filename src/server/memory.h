#pragma once

#include <cstddef>
#include <string>

namespace caropig::server {

/// Empties a buffer that is used again and again, and keeps its memory where that is moderate.
inline void release(std::string& text, std::size_t most_kept = std::size_t{4} * 1024) noexcept {
    if (text.capacity() > most_kept) {
        std::string().swap(text);
    } else {
        text.clear();
    }
}

}  // namespace caropig::server
