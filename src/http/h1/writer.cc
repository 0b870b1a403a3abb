#include "http/h1/writer.h"

#include "base/short_text.h"
#include <caropig/base/check.h>
#include <caropig/http/status.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace caropig::http::h1 {
namespace {

constexpr std::string_view kServer = "Server: CaroPig\r\n";
constexpr std::string_view kOkStart = "HTTP/1.1 200 OK\r\n";
constexpr std::size_t kMaxDigits = 20;
// Everything of a head that does not come from the caller's texts, with room to spare.
constexpr std::size_t kFixedPart = 192;

// Copies to the end of a string whose room was made at once: no check, no terminator for each piece.
class Cursor {
public:
    explicit Cursor(char* at) noexcept : at_(at) {}

    Cursor& put(std::string_view text) noexcept {
        at_ = copy_text(at_, text);
        return *this;
    }

    Cursor& put_number(std::uint64_t value) noexcept {
        at_ = std::to_chars(at_, at_ + kMaxDigits, value).ptr;
        return *this;
    }

    [[nodiscard]] char* at() const noexcept { return at_; }

private:
    char* at_;
};

// Inlined, or `write` would find what it captures in memory.
template <class Write>
[[gnu::always_inline]] inline void append_at_most(std::string& out, std::size_t size, Write&& write) {
    const std::size_t before = out.size();
    // resize_and_overwrite() reserves exactly, append() in steps that double: a head after a head must not copy them
    // all.
    if (out.capacity() - before < size) out.reserve(std::max(before + size, out.capacity() * 2));
    out.resize_and_overwrite(before + size, [&](char* data, std::size_t) {
        Cursor cursor(data + before);
        write(cursor);
        return static_cast<std::size_t>(cursor.at() - data);
    });
}

void put_framing(Cursor& cursor, Framing framing, std::uint64_t content_length) noexcept {
    if (framing == Framing::kLength) {
        cursor.put("Content-Length: ").put_number(content_length).put("\r\n");
    } else if (framing == Framing::kChunked) {
        cursor.put("Transfer-Encoding: chunked\r\n");
    }
}

}  // namespace

void append_response(std::string& out, const ResponseStart& start, std::string_view headers, std::string_view date_line,
                     std::string_view body) {
    CAROPIG_CHECK(start.status >= 100 && start.status <= 999, "a status code has three digits");
    CAROPIG_CHECK(start.framing != Framing::kChunked || start.request_minor_version != 0,
                  "HTTP/1.0 has no chunked coding");
    const bool keep_alive = start.keep_alive && start.framing != Framing::kUntilClose;
    const std::size_t size =
        kFixedPart + start.reason.size() + start.content_type.size() + headers.size() + date_line.size() + body.size();
    append_at_most(out, size, [&](Cursor& cursor) {
        if (start.status == 200 && start.reason.empty()) {
            cursor.put(kOkStart);
        } else {
            cursor.put("HTTP/1.1 ").put_number(static_cast<unsigned>(start.status)).put(" ");
            cursor.put(start.reason.empty() ? reason_phrase(start.status) : start.reason).put("\r\n");
        }
        if (start.server) cursor.put(kServer);
        cursor.put(date_line);
        if (!start.content_type.empty()) cursor.put("Content-Type: ").put(start.content_type).put("\r\n");
        cursor.put(headers);
        put_framing(cursor, start.framing, start.content_length);
        if (!keep_alive) {
            cursor.put("Connection: close\r\n");
        } else if (start.request_minor_version == 0) {
            cursor.put("Connection: keep-alive\r\n");
        }
        cursor.put("\r\n").put(body);
    });
}

void append_interim_response(std::string& out, int status, std::string_view headers) {
    CAROPIG_CHECK(status >= 100 && status <= 199, "an interim response has a status of 1xx");
    append_at_most(out, kFixedPart + headers.size(), [&](Cursor& cursor) {
        cursor.put("HTTP/1.1 ").put_number(static_cast<unsigned>(status)).put(" ").put(reason_phrase(status));
        cursor.put("\r\n").put(headers).put("\r\n");
    });
}

void append_request_head(std::string& out, const RequestStart& start, std::string_view headers) {
    CAROPIG_CHECK(start.framing != Framing::kUntilClose, "a request's body cannot last until close");
    const std::size_t size =
        kFixedPart + start.method.size() + start.target.size() + start.host.size() + headers.size();
    append_at_most(out, size, [&](Cursor& cursor) {
        cursor.put(start.method).put(" ").put(start.target).put(" HTTP/1.1\r\nHost: ").put(start.host).put("\r\n");
        cursor.put(headers);
        put_framing(cursor, start.framing, start.content_length);
        if (!start.keep_alive) cursor.put("Connection: close\r\n");
        cursor.put("\r\n");
    });
}

void append_chunk_head(std::string& out, std::size_t size) {
    CAROPIG_CHECK(size != 0, "an empty chunk ends the body");
    char line[kMaxDigits];
    char* const end = std::to_chars(line, line + sizeof(line) - 2, size, 16).ptr;
    std::memcpy(end, "\r\n", 2);
    out.append(line, end + 2);
}

void append_last_chunk(std::string& out, std::string_view trailers) {
    out.append("0\r\n").append(trailers).append("\r\n");
}

void append_simple_error(std::string& out, int status, std::string_view reason, std::string_view date_line) {
    ResponseStart start;
    start.status = status;
    start.content_length = reason.size() + 1;
    start.keep_alive = false;
    append_response(out, start, "Content-Type: text/plain; charset=utf-8\r\n", date_line, reason);
    out += '\n';
}

bool is_framing_header(std::string_view name) noexcept {
    switch (name.size()) {
        case 4:
            return iequals(name, "date");
        case 10:
            return iequals(name, "connection") || iequals(name, "keep-alive");
        case 14:
            return iequals(name, "content-length");
        case 17:
            return iequals(name, "transfer-encoding");
        default:
            return false;
    }
}

std::string_view DateCache::line(std::int64_t unix_seconds) noexcept {
    if (!rendered_ || unix_seconds != second_) {
        put_http_date(unix_seconds, std::span(line_).subspan<6, kHttpDateSize>());
        line_[line_.size() - 2] = '\r';
        line_[line_.size() - 1] = '\n';
        second_ = unix_seconds;
        rendered_ = true;
    }
    return {line_.data(), line_.size()};
}

}  // namespace caropig::http::h1
