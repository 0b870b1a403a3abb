#include <caropig/http/chars.h>
#include <caropig/http/range.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace caropig::http {
namespace {

/// All digits; a number that is too large is as good as the largest.
std::optional<std::uint64_t> parse_position(std::string_view text) noexcept {
    std::uint64_t value = 0;
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc::result_out_of_range ? UINT64_MAX : value;
}

enum class Outcome : unsigned char { kSelects, kMisses, kMalformed };

Outcome parse_range(std::string_view text, std::uint64_t size, ByteRange& range) noexcept {
    std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return Outcome::kMalformed;
    std::string_view before = text.substr(0, dash);
    auto last = parse_position(text.substr(dash + 1));
    if (before.empty()) {  // "-500": the last 500 bytes
        if (!last) return Outcome::kMalformed;
        if (*last == 0 || size == 0) return Outcome::kMisses;
        range = {size - std::min(*last, size), size - 1};
        return Outcome::kSelects;
    }
    auto first = parse_position(before);
    bool open = dash + 1 == text.size();
    if (!first || (!open && (!last || *last < *first))) return Outcome::kMalformed;
    if (*first >= size) return Outcome::kMisses;
    range = {*first, open ? size - 1 : std::min(*last, size - 1)};
    return Outcome::kSelects;
}

}  // namespace

RangeSelection select_ranges(std::string_view field, std::uint64_t size) {
    std::size_t equals = field.find('=');
    if (equals == std::string_view::npos || !iequals(trim_ows(field.substr(0, equals)), "bytes")) return {};
    std::string_view rest = field.substr(equals + 1);
    RangeSelection selection;
    std::size_t count = 0;
    std::uint64_t left = size;
    while (!rest.empty()) {
        std::size_t comma = std::min(rest.find(','), rest.size());
        std::string_view element = trim_ows(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (element.empty()) continue;  // RFC 9110 5.6.1.2: empty elements are no error
        ByteRange range;
        Outcome outcome = parse_range(element, size, range);
        if (outcome == Outcome::kMalformed || ++count > kMaxRanges) return {};
        if (outcome == Outcome::kMisses) continue;
        if (range.size() > left || range.size() == size) return {};
        left -= range.size();
        selection.ranges.push_back(range);
    }
    if (count == 0) return {};
    selection.kind = selection.ranges.empty() ? RangeSelection::Kind::kUnsatisfiable : RangeSelection::Kind::kPartial;
    return selection;
}

std::string content_range(const ByteRange& range, std::uint64_t size) {
    return "bytes " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" + std::to_string(size);
}

std::string content_range_unsatisfied(std::uint64_t size) { return "bytes */" + std::to_string(size); }

}  // namespace caropig::http
