#include "http/content_coding.h"

#include <caropig/base/check.h>

#include <algorithm>
#include <limits>
#include <new>

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

namespace caropig::http {
namespace {

constexpr std::size_t kRoom = std::size_t{16} * 1024;  // by which encoded output grows
constexpr int kWindowBits = 19;                        // of br and zstd, as encoded here
constexpr int kMaxDecodedWindowBits = 23;              // RFC 8878 3.1.1.1.2: 8 MiB is what a decoder should take
constexpr int kGzipWrapper = 16;                       // added to zlib's window bits: gzip's header, not zlib's

/// zlib counts bytes in 32 bits.
std::size_t zlib_part(std::size_t size) noexcept {
    return std::min<std::size_t>(size, std::numeric_limits<uInt>::max());
}

/// Makes room at the end of `out`, lets `fill` use it, and cuts off what it left.
template <class Fill>
auto grow(std::string& out, Fill&& fill) {
    std::size_t before = out.size();
    out.resize(before + kRoom);
    std::size_t produced = 0;
    auto result = fill(out.data() + before, produced);
    out.resize(before + produced);
    return result;
}

class GzipEncoder final : public ContentEncoder {
public:
    explicit GzipEncoder(int level) {
        constexpr int kMemory = 8;
        if (::deflateInit2(&stream_, level, Z_DEFLATED, MAX_WBITS + kGzipWrapper, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc();
    }
    ~GzipEncoder() override { ::deflateEnd(&stream_); }

    void write(std::string_view data, Flush flush, std::string& out) override {
        for (;;) {
            std::size_t part = zlib_part(data.size());
            bool last = part == data.size();
            int mode = !last || flush == Flush::kNo ? Z_NO_FLUSH : flush == Flush::kYes ? Z_SYNC_FLUSH : Z_FINISH;
            stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
            stream_.avail_in = static_cast<uInt>(part);
            bool more = true;
            while (more) {
                more = grow(out, [&](char* room, std::size_t& produced) {
                    stream_.next_out = reinterpret_cast<Bytef*>(room);
                    stream_.avail_out = static_cast<uInt>(kRoom);
                    int outcome = ::deflate(&stream_, mode);
                    CAROPIG_CHECK(outcome != Z_STREAM_ERROR, "zlib's stream is broken");
                    produced = kRoom - stream_.avail_out;
                    return stream_.avail_out == 0;
                });
            }
            data.remove_prefix(part);
            if (last) return;
        }
    }

private:
    z_stream stream_{};
};

class BrotliEncoder final : public ContentEncoder {
public:
    explicit BrotliEncoder(int level) : state_(::BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (state_ == nullptr) throw std::bad_alloc();
        ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level));
        ::BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kWindowBits);
    }
    ~BrotliEncoder() override { ::BrotliEncoderDestroyInstance(state_); }

    void write(std::string_view data, Flush flush, std::string& out) override {
        BrotliEncoderOperation operation = flush == Flush::kNo    ? BROTLI_OPERATION_PROCESS
                                           : flush == Flush::kYes ? BROTLI_OPERATION_FLUSH
                                                                  : BROTLI_OPERATION_FINISH;
        auto* next = reinterpret_cast<const std::uint8_t*>(data.data());
        std::size_t left = data.size();
        // It stops whenever it has something to be taken, so it is done when it is called and has nothing.
        bool more = true;
        while (more) {
            std::size_t none = 0;
            if (::BrotliEncoderCompressStream(state_, operation, &left, &next, &none, nullptr, nullptr) == BROTLI_FALSE)
                throw std::bad_alloc();  // all else would be a mistake in these calls
            more = left > 0;
            while (::BrotliEncoderHasMoreOutput(state_) != BROTLI_FALSE) {
                std::size_t size = 0;
                const std::uint8_t* piece = ::BrotliEncoderTakeOutput(state_, &size);
                out.append(reinterpret_cast<const char*>(piece), size);
                more = true;
            }
        }
    }

private:
    BrotliEncoderState* state_;
};

class ZstdEncoder final : public ContentEncoder {
public:
    explicit ZstdEncoder(int level) : context_(::ZSTD_createCCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
        ::ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, level);
        ::ZSTD_CCtx_setParameter(context_, ZSTD_c_windowLog, kWindowBits);
    }
    ~ZstdEncoder() override { ::ZSTD_freeCCtx(context_); }

    void write(std::string_view data, Flush flush, std::string& out) override {
        ZSTD_EndDirective mode = flush == Flush::kNo    ? ZSTD_e_continue
                                 : flush == Flush::kYes ? ZSTD_e_flush
                                                        : ZSTD_e_end;
        ZSTD_inBuffer in{data.data(), data.size(), 0};
        bool more = true;
        while (more) {
            more = grow(out, [&](char* room, std::size_t& produced) {
                ZSTD_outBuffer space{room, kRoom, 0};
                std::size_t left = ::ZSTD_compressStream2(context_, &space, &in, mode);
                if (::ZSTD_isError(left) != 0) throw std::bad_alloc();  // all else would be a mistake in these calls
                produced = space.pos;
                return mode == ZSTD_e_continue ? in.pos < in.size : left > 0;
            });
        }
    }

private:
    ZSTD_CCtx* context_;
};

class GzipDecoder final : public ContentDecoder {
public:
    explicit GzipDecoder(std::uint64_t limit) : ContentDecoder(limit) {
        if (::inflateInit2(&stream_, MAX_WBITS + kGzipWrapper) != Z_OK) throw std::bad_alloc();
    }
    ~GzipDecoder() override { ::inflateEnd(&stream_); }

    [[nodiscard]] bool complete() const noexcept override { return ended_; }

private:
    Step step(std::string_view data, char* out, std::size_t room) override {
        if (data.empty() && ended_) return {};
        if (ended_) {  // RFC 1952 2.2: a file is a series of members
            if (::inflateReset(&stream_) != Z_OK) return {false};
            ended_ = false;
        }
        std::size_t part = zlib_part(data.size());
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
        stream_.avail_in = static_cast<uInt>(part);
        stream_.next_out = reinterpret_cast<Bytef*>(out);
        stream_.avail_out = static_cast<uInt>(room);
        int outcome = ::inflate(&stream_, Z_NO_FLUSH);
        if (outcome == Z_MEM_ERROR) throw std::bad_alloc();
        ended_ = outcome == Z_STREAM_END;
        return {ended_ || outcome == Z_OK || outcome == Z_BUF_ERROR, part - stream_.avail_in, room - stream_.avail_out};
    }

    z_stream stream_{};
    bool ended_ = false;
};

class BrotliDecoder final : public ContentDecoder {
public:
    explicit BrotliDecoder(std::uint64_t limit)
        : ContentDecoder(limit), state_(::BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
        if (state_ == nullptr) throw std::bad_alloc();
    }
    ~BrotliDecoder() override { ::BrotliDecoderDestroyInstance(state_); }

    [[nodiscard]] bool complete() const noexcept override { return ::BrotliDecoderIsFinished(state_) != BROTLI_FALSE; }

private:
    Step step(std::string_view data, char* out, std::size_t room) override {
        if (complete()) return {data.empty()};
        auto* next_in = reinterpret_cast<const std::uint8_t*>(data.data());
        std::size_t left = data.size();
        auto* next_out = reinterpret_cast<std::uint8_t*>(out);
        std::size_t space = room;
        auto outcome = ::BrotliDecoderDecompressStream(state_, &left, &next_in, &space, &next_out, nullptr);
        return {outcome != BROTLI_DECODER_RESULT_ERROR, data.size() - left, room - space};
    }

    BrotliDecoderState* state_;
};

class ZstdDecoder final : public ContentDecoder {
public:
    explicit ZstdDecoder(std::uint64_t limit) : ContentDecoder(limit), context_(::ZSTD_createDCtx()) {
        if (context_ == nullptr) throw std::bad_alloc();
        ::ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, kMaxDecodedWindowBits);
    }
    ~ZstdDecoder() override { ::ZSTD_freeDCtx(context_); }

    [[nodiscard]] bool complete() const noexcept override { return ended_; }

private:
    /// RFC 8878 3.1.1 and 3.1.2: what a frame begins with. The library also knows older formats, which are not of this
    /// coding, and told them apart differently when a frame's beginning came in pieces.
    bool magic_continues(char next) noexcept {
        auto byte = static_cast<unsigned char>(next);
        constexpr unsigned char kFrame[] = {0x28, 0xb5, 0x2f, 0xfd};
        constexpr unsigned char kSkippable[] = {0x50, 0x2a, 0x4d, 0x18};  // to 0x5f
        if (read_ == 0) skippable_ = (byte & 0xf0U) == kSkippable[0];
        return read_ == 0 ? skippable_ || byte == kFrame[0] : byte == (skippable_ ? kSkippable : kFrame)[read_];
    }

    /// A frame's header is given byte by byte. Once it has it, the library looks whether what it was given last holds a
    /// whole frame, as if the header had begun there too: pieces could be chosen so that another frame was found.
    Step step(std::string_view data, char* out, std::size_t room) override {
        if (data.empty() && ended_) return {};
        Step made;
        for (bool more = true; more;) {
            std::string_view part = data.substr(made.consumed);
            if (read_ < kMostHeader) part = part.substr(0, 1);
            if (read_ < kMagicSize && !part.empty() && !magic_continues(part[0])) return {false};
            ZSTD_inBuffer in{part.data(), part.size(), 0};
            ZSTD_outBuffer space{out + made.produced, room - made.produced, 0};
            std::size_t left = ::ZSTD_decompressStream(context_, &space, &in);
            if (::ZSTD_isError(left) != 0) return {false};
            made.consumed += in.pos;
            made.produced += space.pos;
            read_ += in.pos;
            ended_ = left == 0;  // of a frame; another may follow
            if (ended_) read_ = 0;
            more = in.pos != 0 && !ended_ && read_ < kMostHeader && made.consumed < data.size();
        }
        return made;
    }

    static constexpr std::size_t kMagicSize = 4;
    static constexpr std::size_t kMostHeader = 18;  // with its magic number
    ZSTD_DCtx* context_;
    std::size_t read_ = 0;  // of the present frame
    bool skippable_ = false;
    bool ended_ = false;
};

}  // namespace

int CodingLevels::of(ContentCoding coding) const noexcept {
    switch (coding) {
        case ContentCoding::kGzip:
            return gzip;
        case ContentCoding::kBrotli:
            return brotli;
        case ContentCoding::kZstd:
            return zstd;
        case ContentCoding::kIdentity:
            break;
    }
    return 0;
}

std::unique_ptr<ContentEncoder> make_encoder(ContentCoding coding, int level) {
    switch (coding) {
        case ContentCoding::kGzip:
            return std::make_unique<GzipEncoder>(level);
        case ContentCoding::kBrotli:
            return std::make_unique<BrotliEncoder>(level);
        case ContentCoding::kZstd:
            return std::make_unique<ZstdEncoder>(level);
        case ContentCoding::kIdentity:
            break;
    }
    CAROPIG_CHECK(false, "identity needs no encoder");
}

std::string encode_content(ContentCoding coding, int level, std::string_view data) {
    std::string out;
    make_encoder(coding, level)->write(data, ContentEncoder::Flush::kFinish, out);
    return out;
}

std::expected<bool, CodingError> ContentDecoder::write_some(std::string_view& data, std::string& out) {
    // One byte more than is allowed, so that a body of exactly the limit is told from a larger one.
    std::size_t room = left_ < kPiece ? static_cast<std::size_t>(left_) + 1 : kPiece;
    std::size_t before = out.size();
    out.resize(before + room);
    Step step = this->step(data, out.data() + before, room);
    out.resize(before + static_cast<std::size_t>(std::min<std::uint64_t>(step.produced, left_)));
    if (!step.ok) return std::unexpected(CodingError::kMalformed);
    if (step.produced > left_) return std::unexpected(CodingError::kTooLarge);
    left_ -= step.produced;
    data.remove_prefix(step.consumed);
    if (data.empty() && step.produced < room) return false;
    if (step.consumed == 0 && step.produced == 0) return std::unexpected(CodingError::kMalformed);
    return true;
}

std::expected<void, CodingError> ContentDecoder::write(std::string_view data, std::string& out) {
    for (;;) {
        auto more = write_some(data, out);
        if (!more) return std::unexpected(more.error());
        if (!*more) return {};
    }
}

std::unique_ptr<ContentDecoder> make_decoder(ContentCoding coding, std::uint64_t limit) {
    switch (coding) {
        case ContentCoding::kGzip:
            return std::make_unique<GzipDecoder>(limit);
        case ContentCoding::kBrotli:
            return std::make_unique<BrotliDecoder>(limit);
        case ContentCoding::kZstd:
            return std::make_unique<ZstdDecoder>(limit);
        case ContentCoding::kIdentity:
            break;
    }
    CAROPIG_CHECK(false, "identity needs no decoder");
}

std::expected<std::string, CodingError> decode_content(ContentCoding coding, std::string_view data,
                                                       std::uint64_t limit) {
    std::string out;
    auto decoder = make_decoder(coding, limit);
    if (auto written = decoder->write(data, out); !written) return std::unexpected(written.error());
    if (!decoder->complete()) return std::unexpected(CodingError::kMalformed);
    return out;
}

}  // namespace caropig::http
