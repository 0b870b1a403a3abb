#pragma once

#include <caropig/http/negotiation.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

/// \file
/// gzip, br and zstd behind one interface, both ways.
namespace caropig::http {

/// How hard each coding tries. Defaults: what nginx, Caddy and zstd's own tool use for bodies made on the spot.
struct CodingLevels {
    int gzip = 6;    ///< 1 to 9
    int brotli = 5;  ///< 0 to 11
    int zstd = 3;    ///< 1 to 22

    [[nodiscard]] int of(ContentCoding coding) const noexcept;
};

/// Codes one body, piece by piece. Its window is 512 KiB at most; with the levels above it holds 0.3 MiB
/// for gzip and 2 to 3 MiB for the others.
class ContentEncoder {
public:
    enum class Flush : std::uint8_t {
        kNo,      ///< it may keep what it was given
        kYes,     ///< what was given so far can be decoded from what came out
        kFinish,  ///< this was the last piece
    };

    ContentEncoder() = default;
    ContentEncoder(const ContentEncoder&) = delete;
    ContentEncoder& operator=(const ContentEncoder&) = delete;
    virtual ~ContentEncoder() = default;

    /// Appends what comes of `data` to `out`. Nothing may be written after kFinish. Throws std::bad_alloc.
    virtual void write(std::string_view data, Flush flush, std::string& out) = 0;
};

/// `coding` is not kIdentity. Throws std::bad_alloc.
std::unique_ptr<ContentEncoder> make_encoder(ContentCoding coding, int level);

/// A whole body at once.
std::string encode_content(ContentCoding coding, int level, std::string_view data);

enum class CodingError : std::uint8_t {
    kMalformed,  ///< not of this coding, cut off, or something follows its end
    kTooLarge,   ///< more than the limit comes out of it
};

/// Decodes one body, piece by piece. A few bytes may stand for gigabytes, so it ends at a limit, and gives what comes
/// of a piece in pieces.
class ContentDecoder {
public:
    explicit ContentDecoder(std::uint64_t limit) noexcept : left_(limit) {}
    ContentDecoder(const ContentDecoder&) = delete;
    ContentDecoder& operator=(const ContentDecoder&) = delete;
    virtual ~ContentDecoder() = default;

    /// Appends what comes of `data` to `out`: no more than the limit in all, some of it also before an error. After an
    /// error it must not be used. Throws std::bad_alloc.
    std::expected<void, CodingError> write(std::string_view data, std::string& out);
    /// The same with what comes of the beginning of `data`, which is taken off its front: at most kPiece bytes. True
    /// when more may come, also of no more data. So a bomb costs its receiver one piece at a time.
    std::expected<bool, CodingError> write_some(std::string_view& data, std::string& out);
    static constexpr std::size_t kPiece = std::size_t{16} * 1024;
    /// Whether the body is complete at this point.
    [[nodiscard]] virtual bool complete() const noexcept = 0;

protected:
    struct Step {
        bool ok = true;
        std::size_t consumed = 0;
        std::size_t produced = 0;
    };
    /// Decodes some of `data` into `room` bytes at `out`.
    virtual Step step(std::string_view data, char* out, std::size_t room) = 0;

private:
    std::uint64_t left_;
};

/// `coding` is not kIdentity. Throws std::bad_alloc.
std::unique_ptr<ContentDecoder> make_decoder(ContentCoding coding, std::uint64_t limit);

/// A whole body at once.
std::expected<std::string, CodingError> decode_content(ContentCoding coding, std::string_view data,
                                                       std::uint64_t limit);

}  // namespace caropig::http
