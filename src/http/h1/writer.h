#pragma once

#include "http/h1/parser.h"
#include <caropig/http/date.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Writes the heads of HTTP/1.1 messages and the chunked coding, each at the end of a string that the caller keeps: a
/// warm one allocates nothing. Texts given to it are trusted to hold no line ends: Headers and parsed heads do not.
namespace caropig::http::h1 {

/// The interim answer to Expect: 100-continue.
inline constexpr std::string_view kContinueResponse = "HTTP/1.1 100 Continue\r\n\r\n";

/// What a response's start line and framing fields say.
struct ResponseStart {
    int status = 200;
    std::string_view reason;             ///< empty: the registered phrase
    Framing framing = Framing::kLength;  ///< kNone writes no framing field: for 1xx, 204 and 304
    std::uint64_t content_length = 0;    ///< with kLength; for HEAD that of the answer to GET
    bool keep_alive = true;              ///< false writes Connection: close
    int request_minor_version = 1;       ///< a client of HTTP/1.0 is told Connection: keep-alive
    std::string_view content_type;       ///< empty: no Content-Type field, or one among the handler's fields
    bool server = true;                  ///< false leaves out the Server field, for a handler that set its own
};

/// Status line, Server, `date_line`, the handler's fields, framing, Connection, the empty line, and what of the body is
/// there already. Always "HTTP/1.1": the version is the server's, not the message's (RFC 9110 6.2). `headers` is
/// Headers::wire() without framing fields (is_framing_header()). kUntilClose implies Connection: close. kChunked to an
/// HTTP/1.0 client is a mistake and checked.
void append_response(std::string& out, const ResponseStart& start, std::string_view headers, std::string_view date_line,
                     std::string_view body = {});

/// A whole interim response (1xx): status line, `headers` and the empty line.
void append_interim_response(std::string& out, int status, std::string_view headers);

/// What a request's start line and framing fields say.
struct RequestStart {
    std::string_view method;
    std::string_view target;
    std::string_view host;             ///< Url::authority()
    Framing framing = Framing::kNone;  ///< a POST without a body has kLength and 0
    std::uint64_t content_length = 0;
    bool keep_alive = true;  ///< false writes Connection: close
};

/// Request line, Host, the caller's fields, framing, Connection, and the empty line. kUntilClose is a mistake and
/// checked.
void append_request_head(std::string& out, const RequestStart& start, std::string_view headers);

/// The line before a chunk of `size` bytes; 0 would end the body and is a mistake.
void append_chunk_head(std::string& out, std::size_t size);

/// What follows a chunk's data.
inline constexpr std::string_view kChunkEnd = "\r\n";

/// The end of a chunked body; `trailers` is Headers::wire().
void append_last_chunk(std::string& out, std::string_view trailers = {});

/// A whole response that says in one line of text what was wrong, and closes: for requests that no handler sees.
void append_simple_error(std::string& out, int status, std::string_view reason, std::string_view date_line);

/// Whether the writer sets a field of this name itself, from what it is told: Connection, Content-Length, Date,
/// Keep-Alive, Transfer-Encoding. A handler's own must not get into `headers`, but for Connection with 101.
bool is_framing_header(std::string_view name) noexcept;

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", rendered again only when the second has changed. One for each loop.
class DateCache {
public:
    /// Valid until the next call.
    std::string_view line(std::int64_t unix_seconds) noexcept;

private:
    bool rendered_ = false;
    std::int64_t second_ = 0;
    std::array<char, 6 + kHttpDateSize + 2> line_{'D', 'a', 't', 'e', ':', ' '};
};

}  // namespace caropig::http::h1
