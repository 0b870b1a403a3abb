#include "response_parser.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <strings.h>

namespace caropig::bench {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kMaxHead = 64 * 1024;

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// Whether the comma-separated `list` names `token`.
bool lists(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string_view item = list.substr(0, comma);
        while (item.starts_with(' ')) item.remove_prefix(1);
        while (item.ends_with(' ')) item.remove_suffix(1);
        if (equals_ignoring_case(item, token)) return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

bool parse_number(std::string_view text, int base, std::uint64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    return error == std::errc() && end == text.data() + text.size();
}

/// Where the blank line that ends a head begins in `text`; npos if it is not there yet.
std::size_t find_end_of_head(std::string_view text) {
    // Line by line: faster on heads of a few short lines than a general search for four bytes.
    for (std::size_t end = text.find('\r'); end != std::string_view::npos; end = text.find('\r', end + 1)) {
        if (text.substr(end, kEndOfHead.size()) == kEndOfHead) return end;
    }
    return std::string_view::npos;
}

}  // namespace

ResponseParser::Progress ResponseParser::feed(std::string_view& bytes) {
    for (;;) {
        std::string_view text;
        switch (state_) {
            case State::kHead:
                if (!take_head(bytes, text)) {
                    return partial_.size() > kMaxHead ? Progress::kMalformed : Progress::kNeedsMore;
                }
                if (!parse_head(text)) return Progress::kMalformed;
                if (status_ < 200) continue;  // an interim response: the final one follows
                if (chunked_) {
                    state_ = State::kChunkSize;
                } else if (status_ == 204 || status_ == 304 || (has_length_ && left_ == 0)) {
                    return Progress::kComplete;
                } else {
                    state_ = has_length_ ? State::kBody : State::kBodyUntilEnd;
                }
                continue;
            case State::kBody:
                take_body(bytes);
                if (left_ > 0) return Progress::kNeedsMore;
                state_ = State::kHead;
                return Progress::kComplete;
            case State::kBodyUntilEnd:
                left_ = bytes.size();
                take_body(bytes);
                return Progress::kNeedsMore;
            case State::kChunkSize:
                if (!take_line(bytes, text)) {
                    return partial_.size() > kMaxHead ? Progress::kMalformed : Progress::kNeedsMore;
                }
                if (!parse_chunk_size(text)) return Progress::kMalformed;
                state_ = left_ > 0 ? State::kChunkData : State::kTrailers;
                continue;
            case State::kChunkData:
                take_body(bytes);
                if (left_ > 0) return Progress::kNeedsMore;
                state_ = State::kChunkEnd;
                continue;
            case State::kChunkEnd:
                if (!take_line(bytes, text)) return Progress::kNeedsMore;
                if (!text.empty()) return Progress::kMalformed;
                state_ = State::kChunkSize;
                continue;
            case State::kTrailers:
                if (!take_line(bytes, text)) {
                    return partial_.size() > kMaxHead ? Progress::kMalformed : Progress::kNeedsMore;
                }
                if (!text.empty()) continue;
                state_ = State::kHead;
                return Progress::kComplete;
        }
    }
}

bool ResponseParser::take_head(std::string_view& bytes, std::string_view& head) {
    partial_.erase(0, shown_);
    shown_ = 0;
    if (partial_.empty()) {
        const std::size_t end = find_end_of_head(bytes);
        if (end != std::string_view::npos) {
            head = bytes.substr(0, end);
            bytes.remove_prefix(end + kEndOfHead.size());
            return true;
        }
        partial_.assign(bytes);
        bytes = {};
        return false;
    }
    const std::size_t before = partial_.size();
    partial_.append(bytes);
    const std::size_t end = find_end_of_head(partial_);
    if (end == std::string_view::npos) {
        bytes = {};
        return false;
    }
    shown_ = end + kEndOfHead.size();
    bytes.remove_prefix(shown_ - before);
    partial_.resize(shown_);
    head = std::string_view(partial_).substr(0, end);
    return true;
}

bool ResponseParser::take_line(std::string_view& bytes, std::string_view& line) {
    partial_.erase(0, shown_);
    shown_ = 0;
    const std::size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
        partial_.append(bytes);
        bytes = {};
        return false;
    }
    line = bytes.substr(0, newline);
    if (!partial_.empty()) {
        partial_.append(line);
        line = partial_;
        shown_ = partial_.size();
    }
    bytes.remove_prefix(newline + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return true;
}

bool ResponseParser::parse_head(std::string_view head) {
    closes_ = chunked_ = has_length_ = false;
    left_ = body_size_ = 0;
    body_start_.clear();
    std::uint64_t status = 0;
    if (head.size() < 12 || !head.starts_with("HTTP/1.") || head[8] != ' ' ||
        !parse_number(head.substr(9, 3), 10, status)) {
        return false;
    }
    status_ = static_cast<int>(status);
    closes_ = head[7] == '0';
    std::size_t line_end = head.find('\n');
    while (line_end != std::string_view::npos) {
        head.remove_prefix(line_end + 1);
        line_end = head.find('\n');
        if (!parse_field(head.substr(0, line_end))) return false;
    }
    return true;
}

bool ResponseParser::parse_field(std::string_view line) {
    // Only three names matter, of 10, 14 and 17 characters: most lines are passed over by one look.
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    if (colon != 10 && colon != 14 && colon != 17) return true;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with('\r') || value.ends_with(' ')) value.remove_suffix(1);
    if (equals_ignoring_case(name, "Content-Length")) {
        has_length_ = true;
        return parse_number(value, 10, left_);
    }
    if (equals_ignoring_case(name, "Transfer-Encoding")) {
        chunked_ = lists(value, "chunked");
    } else if (equals_ignoring_case(name, "Connection")) {
        if (lists(value, "close")) closes_ = true;
        if (lists(value, "keep-alive")) closes_ = false;
    }
    return true;
}

bool ResponseParser::parse_chunk_size(std::string_view line) {
    line = line.substr(0, line.find(';'));  // chunk extensions say nothing about the length
    while (line.ends_with(' ')) line.remove_suffix(1);
    return parse_number(line, 16, left_);
}

void ResponseParser::take_body(std::string_view& bytes) {
    const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    if (body_start_.size() < kKeptBody) {
        body_start_.append(bytes.substr(0, std::min(taken, kKeptBody - body_start_.size())));
    }
    body_size_ += taken;
    left_ -= taken;
    bytes.remove_prefix(taken);
}

}  // namespace caropig::bench
