#include "http/h1/body_decoder.h"

#include "http/h1/field_line.h"
#include "http/h1/scan.h"

#include <algorithm>
#include <array>

// The chunked coding (RFC 9112 7.1):
//
//   chunk        = 1*HEXDIG [ chunk-ext ] CRLF data CRLF
//   last-chunk   = 1*"0" [ chunk-ext ] CRLF
//   chunk-ext    = *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
//   chunked-body = *chunk last-chunk *( field-line CRLF ) CRLF
//
// A size has at most 16 digits, so that it cannot overflow. Extensions are checked and ignored: recipients that skip
// them unchecked disagree on where the line ends.

namespace caropig::http::h1 {
namespace {

constexpr unsigned kMaxSizeDigits = 16;
constexpr const char* kBadSize = "malformed chunk size";
constexpr const char* kBadExtension = "malformed chunk extension";

constexpr std::array<std::string_view, 39> kForbiddenTrailers = {
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "cookie2",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
};

}  // namespace

bool is_forbidden_trailer(std::string_view name) noexcept {
    if (name.size() >= 8 && iequals(name.substr(0, 8), "content-")) return true;
    return std::ranges::any_of(kForbiddenTrailers, [name](std::string_view other) { return iequals(name, other); });
}

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t content_length, const BodyLimits& limits) : limits_(limits) {
    switch (framing) {
        case Framing::kNone:
            break;
        case Framing::kLength:
            remaining_ = content_length;
            if (remaining_ != 0) state_ = State::kLength;
            break;
        case Framing::kChunked:
            state_ = State::kSizeStart;
            break;
        case Framing::kUntilClose:
            state_ = State::kUntilClose;
            break;
    }
}

bool BodyDecoder::finish_at_eof() noexcept {
    if (state_ == State::kUntilClose) state_ = State::kDone;
    return state_ == State::kDone;
}

BodyDecoder::Step BodyDecoder::fail(int status, const char* reason) noexcept {
    state_ = State::kError;
    error_ = {status, reason};
    return {Step::kError, 0, {}, error_};
}

BodyDecoder::Step BodyDecoder::take_data(std::string_view input, std::size_t consumed, State after) noexcept {
    const std::string_view data =
        input.substr(consumed, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - consumed)));
    remaining_ -= data.size();
    if (remaining_ == 0) state_ = after;
    return {Step::kData, consumed + data.size(), data, {}};
}

BodyDecoder::Step BodyDecoder::next(std::string_view input) {
    std::size_t i = 0;
    for (;;) {
        if (state_ == State::kDone) return {Step::kDone, i, {}, {}};
        if (state_ == State::kError) return {Step::kError, 0, {}, error_};
        if (i == input.size()) return {Step::kNeedMore, i, {}, {}};
        switch (state_) {
            case State::kLength:
                return take_data(input, i, State::kDone);
            case State::kUntilClose:
                return {Step::kData, input.size(), input, {}};
            case State::kData:
                return take_data(input, i, State::kDataCr);
            case State::kDataCr:
                if (input[i++] != '\r') return fail(400, "chunk longer than its size");
                state_ = State::kDataLf;
                break;
            case State::kDataLf:
                if (input[i++] != '\n') return fail(400, "chunk longer than its size");
                state_ = State::kSizeStart;
                break;
            case State::kTrailers:
                return read_trailers(input, i);
            case State::kSizeStart:
            case State::kSize:
            case State::kSizeLf:
                if (const char* fault = size_byte(input[i++])) return fail(400, fault);
                break;
            default:
                if (const char* fault = extension_byte(input[i++])) return fail(400, fault);
                break;
        }
        if (extension_bytes_ > limits_.max_extension_bytes) return fail(400, "chunk extensions too long");
    }
}

const char* BodyDecoder::size_byte(char c) noexcept {
    if (state_ == State::kSizeLf) {
        if (c != '\n') return "bare CR in a chunk header";
        state_ = remaining_ == 0 ? State::kTrailers : State::kData;
        size_digits_ = 0;
        return nullptr;
    }
    if (is_hex_digit(c)) {
        if (size_digits_++ == kMaxSizeDigits) return "chunk size too large";
        remaining_ = remaining_ << 4 | hex_value(c);
        state_ = State::kSize;
        return nullptr;
    }
    if (state_ == State::kSizeStart) return kBadSize;
    if (c == '\r') {
        state_ = State::kSizeLf;
        return nullptr;
    }
    if (c != ';' && !is_ows(c)) return kBadSize;
    ++extension_bytes_;
    state_ = c == ';' ? State::kExtensionStart : State::kBeforeExtension;
    return nullptr;
}

const char* BodyDecoder::extension_byte(char c) noexcept {
    ++extension_bytes_;
    const bool ends_part = c == ';' || c == '\r';
    switch (state_) {
        case State::kBeforeExtension:
            if (c == ';') {
                state_ = State::kExtensionStart;
            } else if (!is_ows(c)) {
                return kBadExtension;
            }
            return nullptr;
        case State::kExtensionStart:
            if (is_token_char(c)) {
                state_ = State::kExtensionName;
            } else if (!is_ows(c)) {
                return kBadExtension;
            }
            return nullptr;
        case State::kExtensionName:
            if (is_token_char(c)) return nullptr;
            if (c == '=') {
                state_ = State::kExtensionValueStart;
            } else if (is_ows(c)) {
                state_ = State::kAfterExtensionName;
            } else if (ends_part) {
                state_ = c == ';' ? State::kExtensionStart : State::kSizeLf;
            } else {
                return kBadExtension;
            }
            return nullptr;
        case State::kAfterExtensionName:
            if (c == '=') {
                state_ = State::kExtensionValueStart;
            } else if (c == ';') {
                state_ = State::kExtensionStart;
            } else if (!is_ows(c)) {
                return kBadExtension;
            }
            return nullptr;
        case State::kExtensionValueStart:
            if (c == '"') {
                state_ = State::kExtensionQuoted;
            } else if (is_token_char(c)) {
                state_ = State::kExtensionToken;
            } else if (!is_ows(c)) {
                return kBadExtension;
            }
            return nullptr;
        case State::kExtensionQuoted:
            if (c == '"') {
                state_ = State::kAfterExtensionValue;
            } else if (c == '\\') {
                state_ = State::kExtensionEscape;
            } else if (!is_field_char(c)) {
                return kBadExtension;
            }
            return nullptr;
        case State::kExtensionEscape:
            state_ = State::kExtensionQuoted;
            return is_field_char(c) ? nullptr : kBadExtension;
        case State::kExtensionToken:
            if (is_token_char(c)) return nullptr;
            [[fallthrough]];
        default:  // kAfterExtensionValue
            if (ends_part) {
                state_ = c == ';' ? State::kExtensionStart : State::kSizeLf;
            } else if (is_ows(c)) {
                state_ = State::kBeforeExtension;
            } else {
                return kBadExtension;
            }
            return nullptr;
    }
}

BodyDecoder::Step BodyDecoder::read_trailers(std::string_view input, std::size_t consumed) {
    for (;;) {
        // As in the head parser: bytes past the limit are not looked at.
        const std::size_t allowed = limits_.max_trailer_bytes - trailer_bytes_;
        const std::string_view rest = input.substr(consumed, std::min(allowed, input.size() - consumed));
        if (rest.empty()) {
            if (consumed == input.size()) return {Step::kNeedMore, consumed, {}, {}};
            return fail(431, "trailers too large");
        }
        const bool has_cr = line_.ends_with('\r');
        const char* const stop =
            has_cr ? rest.data() : find_control(rest.data(), rest.data(), rest.data() + rest.size());
        const auto clean = static_cast<std::size_t>(stop - rest.data());
        const std::size_t taken = clean == rest.size() ? clean : clean + 1;
        line_.append(rest.substr(0, taken));
        consumed += taken;
        trailer_bytes_ += taken;
        if (taken == clean) continue;
        if (!has_cr) {
            if (*stop != '\r') return fail(400, *stop == '\n' ? "bare LF" : "control character in the trailers");
            continue;
        }
        if (*stop != '\n') return fail(400, "bare CR");

        const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
        if (line.empty()) {
            state_ = State::kDone;
            line_.clear();
            return {Step::kDone, consumed, {}, {}};
        }
        if (trailer_fields_++ == limits_.max_trailer_fields) return fail(431, "too many trailer fields");
        HeaderView field;
        if (const char* fault = parse_field_line(line, field)) return fail(400, fault);
        if (!is_forbidden_trailer(field.name)) trailers_.add(field.name, field.value);
        line_.clear();
    }
}

}  // namespace caropig::http::h1
