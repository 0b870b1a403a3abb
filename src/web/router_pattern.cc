#include "web/router_pattern.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

namespace caropig::web::detail {
namespace {

constexpr std::string_view kMustStartWithSlash = "a path starts with \"/\"";

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_identifier(std::string_view text) noexcept {
    if (text.empty() || !is_letter(text.front())) return false;
    for (const char c : text) {
        if (!is_letter(c) && !is_digit(c)) return false;
    }
    return true;
}

std::optional<ParameterType> type_named(std::string_view name) noexcept {
    if (name == "str") return ParameterType::kString;
    if (name == "int") return ParameterType::kInt;
    if (name == "uint") return ParameterType::kUint;
    if (name == "uuid") return ParameterType::kUuid;
    if (name == "path") return ParameterType::kPath;
    return std::nullopt;
}

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

template <class Integer>
bool is_integer(std::string_view text) noexcept {
    Integer value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end;
}

bool is_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return true;
}

Result<Segment, std::string> parse_segment(std::string_view text) {
    Segment segment;
    const std::size_t open = text.find('{');
    const std::size_t close = text.find('}');
    if (open == std::string_view::npos && close == std::string_view::npos) {
        segment.prefix = text;
        return segment;
    }
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return std::unexpected("unbalanced braces in " + quoted(text));
    }
    if (text.find_first_of("{}", close + 1) != std::string_view::npos) {
        return std::unexpected("more than one parameter in the segment " + quoted(text) + ": use a regular expression");
    }
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const std::size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    if (!is_identifier(name)) return std::unexpected(quoted(name) + " is no name for a parameter");
    const std::string_view type = colon == std::string_view::npos ? "str" : inside.substr(colon + 1);
    const std::optional<ParameterType> known = type_named(type);
    if (!known) {
        return std::unexpected("parameter type " + quoted(type) + " is none of str, int, uint, uuid, path");
    }
    segment.prefix = text.substr(0, open);
    segment.type = *known;
    segment.name = name;
    segment.suffix = text.substr(close + 1);
    return segment;
}

}  // namespace

Result<std::vector<Segment>, std::string> parse_literal(std::string_view text) {
    if (!text.starts_with('/')) return std::unexpected(std::string(kMustStartWithSlash));
    std::vector<Segment> segments;
    for (std::size_t start = 1; start <= text.size();) {
        const std::size_t end = std::min(text.find('/', start), text.size());
        segments.push_back({.prefix = std::string(text.substr(start, end - start)), .name = {}, .suffix = {}});
        start = end + 1;
    }
    return segments;
}

Result<std::vector<Segment>, std::string> parse_braces(std::string_view text) {
    if (!text.starts_with('/')) return std::unexpected(std::string(kMustStartWithSlash));
    std::vector<Segment> segments;
    for (std::size_t start = 1; start <= text.size();) {
        const std::size_t end = std::min(text.find('/', start), text.size());
        Result<Segment, std::string> segment = parse_segment(text.substr(start, end - start));
        if (!segment) return std::unexpected(std::move(segment).error());
        if (segment->type == ParameterType::kPath && (end != text.size() || !segment->suffix.empty())) {
            return std::unexpected("a parameter of type path must be the last thing in the pattern");
        }
        segments.push_back(*std::move(segment));
        start = end + 1;
    }
    return segments;
}

bool fits(ParameterType type, std::string_view text) noexcept {
    switch (type) {
        case ParameterType::kNone:
            return false;
        case ParameterType::kString:
            return !text.empty();
        case ParameterType::kInt:
            return is_integer<std::int64_t>(text);
        case ParameterType::kUint:
            return is_integer<std::uint64_t>(text);
        case ParameterType::kUuid:
            return is_uuid(text);
        case ParameterType::kPath:
            return true;
    }
    return false;
}

}  // namespace caropig::web::detail
