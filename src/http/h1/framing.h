#pragma once

#include <caropig/http/method.h>

#include <cstdint>
#include <string_view>

/// \file
/// Where the body of a message ends (RFC 9112 6.3). Two servers in a row that answer this question differently for the
/// same bytes are what request smuggling is made of: so it is answered in one place, by one table, without any repair.
namespace caropig::http::h1 {

/// How the length of a message's body is known.
enum class Framing : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

/// Why a message was refused. `status` is what a server answers with; for a response it means nothing.
struct ParseError {
    int status = 0;
    const char* reason = "";  ///< one short line; static storage
};

/// What a head says that has to do with its framing, as it was noted line by line. Judged when the head is complete.
struct FramingFacts {
    int minor_version = 1;
    unsigned length_lines = 0;  ///< Content-Length fields
    unsigned chunked = 0;       ///< how often Transfer-Encoding lists it
    bool encoded = false;       ///< Transfer-Encoding is there
    bool other_coding = false;  ///< it lists anything but chunked
    bool chunked_last = false;
    bool bad_encoding = false;  ///< it has an empty or malformed element, or chunked has a parameter
    bool bodiless = false;      ///< a response that never has a body: see never_has_body()
    std::string_view length;    ///< the last Content-Length

    void note_content_length(std::string_view value) noexcept {
        ++length_lines;
        length = value;
    }
    void note_transfer_encoding(std::string_view value) noexcept;
};

/// Whether a response has no body whatever its fields say: to HEAD, 1xx, 204, 304, and 2xx to CONNECT.
bool never_has_body(Method request_method, int status) noexcept;

struct FramingDecision {
    Framing framing = Framing::kNone;
    std::uint64_t content_length = 0;  ///< of a Content-Length field, also where there is no body (HEAD, 304)
    ParseError refusal;                ///< a status of 0: accepted
};

/// The table's answer for a request, or a response.
FramingDecision decide_request_framing(const FramingFacts& facts) noexcept;
FramingDecision decide_response_framing(const FramingFacts& facts) noexcept;

}  // namespace caropig::http::h1
