#include <caropig/http/chars.h>
#include <caropig/http/content_disposition.h>
#include <caropig/http/header_value.h>
#include <caropig/http/multipart.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace caropig::http {
namespace {

constexpr std::size_t kMaxBoundary = 70;

/// RFC 2046 5.1.1: bchars, and no space at the end.
bool is_boundary(std::string_view text) noexcept {
    if (text.empty() || text.size() > kMaxBoundary || text.back() == ' ') return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        const char lower = to_lower(c);
        return is_digit(c) || (lower >= 'a' && lower <= 'z') ||
               std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
    });
}

/// Where the delimiter begins at or behind `from`, also when the input ends within it; else the input's size.
std::size_t find_delimiter(std::string_view input, std::size_t from, std::string_view delimiter) noexcept {
    input.remove_prefix(from);
    // Not find(), which looks for its first byte alone: a body of carriage returns would cost thirty times as much.
    if (const void* found = ::memmem(input.data(), input.size(), delimiter.data(), delimiter.size())) {
        return from + static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    }
    const std::size_t tail = input.size() - std::min(input.size(), delimiter.size() - 1);
    const std::size_t cr = input.substr(tail).rfind('\r');
    if (cr == std::string_view::npos || !delimiter.starts_with(input.substr(tail + cr))) return from + input.size();
    return from + tail + cr;
}

bool is_identity_encoding(std::string_view text) noexcept {
    return iequals(text, "7bit") || iequals(text, "8bit") || iequals(text, "binary");
}

}  // namespace

Result<MultipartParser, MultipartError> MultipartParser::create(std::string_view boundary,
                                                                const MultipartLimits& limits) {
    if (!is_boundary(boundary)) return std::unexpected(MultipartError{400, "no valid multipart boundary"});
    return MultipartParser(boundary, limits);
}

MultipartParser::MultipartParser(std::string_view boundary, const MultipartLimits& limits)
    : delimiter_("\r\n--"), limits_(limits) {
    delimiter_ += boundary;
}

MultipartParser::Step MultipartParser::next(std::string_view input) {
    switch (state_) {
        case State::kPreamble:
        case State::kBody:
            return scan(input);
        case State::kAfterBoundary:
        case State::kLastDash:
        case State::kPadding:
        case State::kLineFeed:
            return after_boundary(input);
        case State::kHeader:
            return read_header(input);
        case State::kEpilogue:
            return {Event::kNeedMore, input.size(), {}};
        case State::kFailed:
            break;
    }
    return {Event::kError, 0, {}};
}

/// Looks for the delimiter. CR stands nowhere in it but at its start, so where a match breaks off, none can have begun
/// within what was matched.
MultipartParser::Step MultipartParser::scan(std::string_view input) {
    const bool in_body = state_ == State::kBody;
    const auto matching_from = [this, input](std::size_t at) {
        while (at < input.size() && matched_ < delimiter_.size() && input[at] == delimiter_[matched_]) {
            ++at;
            ++matched_;
        }
        return at;
    };
    std::size_t content = 0;  // input up to here belongs to the body
    std::size_t at = matching_from(0);
    if (matched_ < delimiter_.size() && at < input.size()) {
        // What earlier inputs ended with was no delimiter: its bytes are those that the delimiter begins with.
        const std::string_view held = std::string_view(delimiter_).substr(matched_ - at - held_, held_);
        held_ = 0;
        matched_ = 0;
        if (in_body && !held.empty()) return {Event::kData, 0, held};
        content = find_delimiter(input, at, delimiter_);
        at = matching_from(content);
    }
    if (in_body && content > 0) {
        matched_ = 0;
        return {Event::kData, content, input.substr(0, content)};
    }
    if (matched_ < delimiter_.size()) {
        held_ += at - content;
        return {Event::kNeedMore, input.size(), {}};
    }
    matched_ = 0;
    held_ = 0;
    state_ = State::kAfterBoundary;
    if (in_body) return {Event::kPartEnd, at, {}};
    Step step = next(input.substr(at));
    step.consumed += at;
    return step;
}

MultipartParser::Step MultipartParser::after_boundary(std::string_view input) {
    for (std::size_t at = 0; at < input.size(); ++at) {
        const char c = input[at];
        if (state_ == State::kLineFeed) {
            if (c != '\n') return fail(400, "CR without LF behind a multipart boundary");
            if (parts_ == limits_.max_parts()) return fail(413, "too many parts in a multipart body");
            ++parts_;
            header_.clear();
            state_ = State::kHeader;
            Step step = read_header(input.substr(at + 1));
            step.consumed += at + 1;
            return step;
        }
        if (state_ == State::kLastDash) {
            if (c != '-') return fail(400, "bytes behind a multipart boundary");
            state_ = State::kEpilogue;
            return {Event::kEnd, at + 1, {}};
        }
        if (c == '\r') {
            state_ = State::kLineFeed;
        } else if (c == '-' && state_ == State::kAfterBoundary) {
            state_ = State::kLastDash;
        } else if (is_ows(c)) {
            state_ = State::kPadding;
        } else {
            return fail(400, "bytes behind a multipart boundary");
        }
    }
    return {Event::kNeedMore, input.size(), {}};
}

MultipartParser::Step MultipartParser::read_header(std::string_view input) {
    std::size_t at = 0;
    while (at < input.size()) {
        const std::size_t line_end = input.find('\n', at);
        const std::size_t end = line_end == std::string_view::npos ? input.size() : line_end + 1;
        if (end - at > limits_.max_header_bytes() - header_.size()) {
            return fail(413, "a multipart part's header is too long");
        }
        header_ += input.substr(at, end - at);
        at = end;
        if (line_end == std::string_view::npos) break;
        if (!header_.ends_with("\r\n")) return fail(400, "a line of a multipart part's header ends without CR");
        if (header_.size() > 2 && !header_.ends_with("\r\n\r\n")) continue;
        if (auto error = parse_header()) return fail(error->status, error->reason);
        state_ = State::kBody;
        matched_ = 2;
        held_ = 0;
        return {Event::kPart, at, {}};
    }
    return {Event::kNeedMore, input.size(), {}};
}

std::optional<MultipartError> MultipartParser::parse_header() {
    const auto refuse = [](const char* reason) { return MultipartError{400, reason}; };
    part_ = {};
    std::optional<std::string_view> disposition;
    std::optional<std::string_view> type;
    std::optional<std::string_view> encoding;
    std::size_t fields = 0;
    for (std::string_view rest = header_; rest != "\r\n";) {
        const std::size_t end = rest.find("\r\n");
        const std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end + 2);
        if (++fields > limits_.max_header_fields()) {
            return MultipartError{413, "too many fields in a multipart part's header"};
        }
        const std::size_t colon = line.find(':');
        const std::string_view name = line.substr(0, colon);
        if (colon == std::string_view::npos || !is_token(name))
            return refuse("a bad field in a multipart part's header");
        const std::string_view value = trim_ows(line.substr(colon + 1));
        if (!is_field_value(value)) return refuse("a control character in a multipart part's header");
        std::optional<std::string_view>* known = nullptr;
        if (iequals(name, "Content-Disposition")) known = &disposition;
        if (iequals(name, "Content-Type")) known = &type;
        if (iequals(name, "Content-Transfer-Encoding")) known = &encoding;
        if (known == nullptr) continue;
        if (*known) return refuse("a field twice in a multipart part's header");
        *known = value;
    }
    if (!disposition) return refuse("a multipart part without Content-Disposition");
    auto parsed = parse_content_disposition(*disposition);
    if (!parsed) return refuse("a bad Content-Disposition in a multipart part");
    if (parsed->type != "form-data") return refuse("a multipart part that is no form-data");
    if (!parsed->name || parsed->name->empty()) return refuse("a multipart part without a name");
    if (parsed->name->size() > limits_.max_name_bytes()) {
        return MultipartError{413, "the name of a multipart part is too long"};
    }
    if (encoding && !is_identity_encoding(*encoding)) return refuse("a multipart part with a transfer encoding");
    if (type) {
        if (!parsed->file_name && type->size() > 10 && iequals(type->substr(0, 10), "multipart/")) {
            return refuse("a multipart part within a part");
        }
        part_.content_type = *type;
    }
    part_.name = *std::move(parsed->name);
    part_.file_name = std::move(parsed->file_name);
    return std::nullopt;
}

MultipartParser::Step MultipartParser::fail(int status, const char* reason) noexcept {
    state_ = State::kFailed;
    error_ = {status, reason};
    return {Event::kError, 0, {}};
}

}  // namespace caropig::http
