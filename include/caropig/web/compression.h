#pragma once

#include <cstddef>
#include <stdexcept>

/// \file
/// Compressing responses on their way: what Application::compress() does, and to which.
namespace caropig::web {

/// Set what differs from the defaults, by name: `app.compress(CompressionOptions().gzip_level(9))`.
///
/// Compressed are bodies of text types of min_bytes or more, and streams of unknown length, for clients that accept br,
/// zstd or gzip; what the client weighs the most, and among equals in that order, for streams in the reverse one: an
/// encoder of gzip holds a third of a megabyte, the others two or three, for as long as a stream lasts. Left alone is
/// what has a Content-Encoding or "Cache-Control: no-transform", 204, 206 and 304, and streams whose length was given:
/// files, for instance, which StaticFiles codes better. Every response of a text type says "Vary: Accept-Encoding",
/// whoever asks; a strong ETag becomes weak. As Tornado's compress_response, which knows gzip only.
///
/// It is off by default. A page that shows a secret, such as an XSRF token that stays the same, beside text that an
/// attacker chooses tells the secret by its compressed length to who can watch both (the BREACH attack): send such
/// pages with "Cache-Control: no-transform", or mask the secret anew in each response, as xsrf_token() does.
class CompressionOptions {
public:
    /// A body below this size is sent as it is: what would be saved fits into the packet that is sent anyway.
    [[nodiscard]] std::size_t min_bytes() const noexcept { return min_bytes_; }
    CompressionOptions& min_bytes(std::size_t bytes) noexcept {
        min_bytes_ = bytes;
        return *this;
    }

#define CAROPIG_LEVEL(name, value, least, most)                                                               \
    [[nodiscard]] int name() const noexcept { return name##_; }                                               \
    CompressionOptions& name(int level) {                                                                     \
        if (level < (least) || level > (most)) throw std::invalid_argument(#name " is " #least " to " #most); \
        name##_ = level;                                                                                      \
        return *this;                                                                                         \
    }                                                                                                         \
                                                                                                              \
private:                                                                                                      \
    int name##_ = value;                                                                                      \
                                                                                                              \
public:
    // How hard each coding tries. Others: std::invalid_argument.

    /// 1 (fast) to 9 (small, ten times slower); as Tornado's.
    CAROPIG_LEVEL(gzip_level, 6, 1, 9)
    /// 0 (fast) to 11 (small, a hundred times slower); 4 is faster than gzip at 6, and about as small.
    CAROPIG_LEVEL(brotli_level, 4, 0, 11)
    /// 1 (fast) to 12 (small); zstd's own default. What lies above takes tens of megabytes for each response.
    CAROPIG_LEVEL(zstd_level, 3, 1, 12)

#undef CAROPIG_LEVEL

private:
    std::size_t min_bytes_ = 1024;
};

}  // namespace caropig::web
