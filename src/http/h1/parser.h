#pragma once

#include "base/short_text.h"
#include "http/h1/framing.h"
#include <caropig/http/headers.h>
#include <caropig/http/method.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// \file
/// Reads the head of an HTTP/1.x message (RFC 9112): start line and fields, and what they say about the body.
/// No I/O, no allocation, no exception; the same strict rules for servers and clients. See docs/internals/http1.md.
namespace caropig::http::h1 {

/// What a head may cost before it is refused.
struct HeadLimits {
    std::size_t max_bytes = 65536;  ///< start line, fields and the empty line: 431
    std::size_t max_fields = 100;   ///< field lines: 431
    std::size_t max_target = 8192;  ///< the request target: 414 (RFC 9112 3 asks for at least 8000)
};

/// All views point into the input or to static storage.
struct RequestHead {
    // What the end of a request that has waited asks for stands together, so that it finds it in one cache line.
    Method method = Method::kOther;
    Framing framing = Framing::kNone;  ///< never kUntilClose
    bool keep_alive = false;           ///< the client is willing to send another request
    bool expect_continue = false;      ///< it waits for 100 (Continue) before it sends the body
    bool upgrade = false;              ///< Upgrade is there and Connection names it
    bool https_target = false;         ///< the target is absolute, and its scheme https
    int minor_version = 1;             ///< 0 or 1; a higher one is read as 1
    std::uint64_t content_length = 0;  ///< where framing is kLength
    std::string_view method_text;
    std::string_view target;  ///< as it was sent
    std::string_view path;    ///< of the target, still encoded; "/" where an absolute one has none; empty for CONNECT
    std::string_view query;   ///< of the target, without "?"
    std::string_view host;    ///< "host[:port]": of an absolute or CONNECT target, else of Host; empty only in HTTP/1.0
    HeadersView fields;

    /// Whether a body follows; of length 0 counts as none.
    [[nodiscard]] bool has_body() const noexcept {
        return framing == Framing::kChunked || (framing == Framing::kLength && content_length > 0);
    }
};

struct ResponseHead {
    int status = 0;
    std::string_view reason;
    int minor_version = 1;
    HeadersView fields;
    Framing framing = Framing::kNone;
    std::uint64_t content_length = 0;  ///< of a Content-Length field, also where there is no body (HEAD, 304)
    bool keep_alive = false;           ///< the connection may carry another request after this body
};

struct ParseResult {
    enum State : std::uint8_t { kNeedMore, kDone, kError };
    State state = kNeedMore;
    std::size_t consumed = 0;  ///< length of the head, with kDone
    ParseError error;          ///< with kError
};

/// The last Host that was found valid: a client sends the same one with every request.
class KnownHost {
public:
    [[nodiscard]] bool is(std::string_view host) const noexcept { return same_text(host, {text_.data(), size_}); }
    void remember(std::string_view host) noexcept {
        if (host.size() > text_.size()) return;
        size_ = host.copy(text_.data(), text_.size());
    }

private:
    std::size_t size_ = static_cast<std::size_t>(-1);  // none
    std::array<char, 40> text_{};
};

/// Reads one head after the other. Feed it the bytes from the first of the message on, each time with what has arrived
/// since: it remembers how far it has looked, so that arrival byte by byte costs no more than twice arrival at once.
/// The input may lie elsewhere at each call. A refusal depends only on the bytes up to it, never on how they were cut.
class HeadParser {
public:
    explicit HeadParser(const HeadLimits& limits = {}) noexcept : limits_(limits) {}

    /// Reads a request's head into `out` and `storage`, both of which mean something only with kDone. `storage` bounds
    /// the number of fields too. One empty line before the request line is skipped (RFC 9112 2.2) and counts as
    /// consumed.
    ParseResult parse_request(std::string_view input, RequestHead& out, std::span<HeaderView> storage) noexcept;

    /// The same for the answer to a request of `request_method`, which decides whether there is a body.
    ParseResult parse_response(std::string_view input, Method request_method, ResponseHead& out,
                               std::span<HeaderView> storage) noexcept;

    /// Forgets what has been seen: after an error, or where a message is given up. kDone does it by itself.
    void reset() noexcept {
        line_start_ = scanned_ = fields_ = 0;
        stage_ = Stage::kFirstLine;
        method_ = Method::kOther;
    }

    /// Whether bytes of a head have been seen that is not complete yet.
    [[nodiscard]] bool in_progress() const noexcept { return scanned_ != 0; }

    /// Of the request that is being read, or was refused: kOther before its method is known. A refused HEAD must be
    /// answered without a body too.
    [[nodiscard]] Method method() const noexcept { return method_; }

private:
    enum class Stage : std::uint8_t { kFirstLine, kStartLine, kFields };

    template <bool kRequest, class StartLine, class Finish>
    ParseResult parse(std::string_view input, std::span<HeaderView> storage, StartLine&& start_line,
                      Finish&& finish) noexcept;

    HeadLimits limits_;
    std::size_t line_start_ = 0;  // where the first incomplete line begins
    std::size_t scanned_ = 0;     // everything before it is free of control characters, or a checked line
    std::size_t fields_ = 0;      // complete field lines
    Stage stage_ = Stage::kFirstLine;
    Method method_ = Method::kOther;
    KnownHost known_host_;
};

}  // namespace caropig::http::h1
