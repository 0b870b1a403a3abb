#pragma once

#include <cstddef>

/// \file
/// Compressing responses on their way: what Application::compress() does, and to which.
namespace caropig::web {

/// Set what differs from the defaults, by name: `app.compress(CompressionOptions().gzip_level(9))`.
///
/// Compressed are bodies of text types of min_bytes or more, and streams of unknown length, for clients that accept br,
/// zstd or gzip; what the client weighs the most, and among equals in that order. Left alone is what has a
/// Content-Encoding or "Cache-Control: no-transform", 204, 206 and 304, and streams whose length was given: files, for
/// instance, which StaticFiles codes better. Every response of a text type says "Vary: Accept-Encoding", whoever asks;
/// a strong ETag becomes weak. As Tornado's compress_response, which knows gzip only.
///
/// It is off by default. A page that shows a secret, such as an XSRF token that stays the same, beside text that an
/// attacker chooses tells the secret by its compressed length to who can watch both (the BREACH attack): send such
/// pages with "Cache-Control: no-transform", or mask the secret anew in each response, as xsrf_token() does.
class CompressionOptions {
public:
#define CAROPIG_OPTION(type, name, value)                        \
    [[nodiscard]] type name() const noexcept { return name##_; } \
    CompressionOptions& name(type new_value) noexcept {          \
        name##_ = new_value;                                     \
        return *this;                                            \
    }                                                            \
                                                                 \
private:                                                         \
    type name##_ = value;                                        \
                                                                 \
public:
    /// A body below this size is sent as it is: what would be saved fits into the packet that is sent anyway.
    CAROPIG_OPTION(std::size_t, min_bytes, 1024)
    /// 1 (fast) to 9 (small); as Tornado's.
    CAROPIG_OPTION(int, gzip_level, 6)
    /// 0 (fast) to 11 (small, a hundred times slower); 4 is about as fast as gzip at 6, and smaller.
    CAROPIG_OPTION(int, brotli_level, 4)
    /// 1 (fast) to 19 (small); zstd's own default.
    CAROPIG_OPTION(int, zstd_level, 3)

#undef CAROPIG_OPTION
};

}  // namespace caropig::web
