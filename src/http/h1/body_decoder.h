#pragma once

#include "http/h1/framing.h"
#include <caropig/http/headers.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Takes the body of an HTTP/1.x message out of its framing (RFC 9112 6 and 7). No I/O, no exception; allocates only
/// for trailers. How many bytes of payload a body may have is the caller's business: it sees each of them.
namespace caropig::http::h1 {

/// What a chunked body may carry besides its payload, over its whole length.
struct BodyLimits {
    std::size_t max_extension_bytes = 16384;  ///< of all chunk extensions together
    std::size_t max_trailer_bytes = 16384;
    std::size_t max_trailer_fields = 100;
};

class BodyDecoder {
public:
    struct Step {
        enum State : std::uint8_t { kNeedMore, kData, kDone, kError };
        State state = kNeedMore;
        std::size_t consumed = 0;  ///< bytes of the input that are not to be offered again, payload included
        std::string_view data;     ///< with kData: the next payload, not empty, a view into the input
        ParseError error;          ///< with kError
    };

    /// A decoder that is done: of a message without a body.
    BodyDecoder() noexcept = default;

    explicit BodyDecoder(Framing framing, std::uint64_t content_length = 0, const BodyLimits& limits = {});

    /// Looks at the bytes that follow those consumed so far. kNeedMore has consumed all of the input: nothing need be
    /// kept. After kDone, what is left of the input belongs to the next message. After kDone or kError it stays so.
    Step next(std::string_view input);

    /// The peer has finished sending. True if the body may end there: it was complete already, or lasts until close.
    bool finish_at_eof() noexcept;

    [[nodiscard]] bool done() const noexcept { return state_ == State::kDone; }

    /// Fields after the last chunk, once done. Left out are those that must not come late because they frame, route,
    /// authenticate or describe the message (RFC 9110 6.5.1). Never merge them into the header fields.
    [[nodiscard]] const Headers& trailers() const noexcept { return trailers_; }

private:
    enum class State : std::uint8_t {
        kLength,
        kUntilClose,
        kSizeStart,
        kSize,
        kBeforeExtension,
        kExtensionStart,
        kExtensionName,
        kAfterExtensionName,
        kExtensionValueStart,
        kExtensionToken,
        kExtensionQuoted,
        kExtensionEscape,
        kAfterExtensionValue,
        kSizeLf,
        kData,
        kDataCr,
        kDataLf,
        kTrailers,
        kDone,
        kError,
    };

    Step take_data(std::string_view input, std::size_t consumed, State after) noexcept;
    Step fail(int status, const char* reason) noexcept;
    const char* size_byte(char c) noexcept;
    const char* extension_byte(char c) noexcept;
    Step read_trailers(std::string_view input, std::size_t consumed);

    State state_ = State::kDone;
    unsigned size_digits_ = 0;
    ParseError error_;
    std::uint64_t remaining_ = 0;
    std::size_t extension_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::size_t trailer_fields_ = 0;
    BodyLimits limits_;
    std::string line_;  // of the trailers, as far as it has come
    Headers trailers_;
};

/// Whether a trailer of this name is dropped.
bool is_forbidden_trailer(std::string_view name) noexcept;

}  // namespace caropig::http::h1
