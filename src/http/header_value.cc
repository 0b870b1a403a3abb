#include <caropig/http/chars.h>
#include <caropig/http/header_value.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace caropig::http {
namespace {

/// What bounds the search for doubles, so that the time is linear in the length.
constexpr std::size_t kMaxParameters = 32;

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

std::string_view take_token(std::string_view& rest) noexcept {
    std::size_t end = 0;
    while (end < rest.size() && is_token_char(rest[end])) ++end;
    std::string_view token = rest.substr(0, end);
    rest.remove_prefix(end);
    return token;
}

void skip_ows(std::string_view& rest) noexcept {
    while (!rest.empty() && is_ows(rest.front())) rest.remove_prefix(1);
}

/// The quoted string at the start of `rest`, without its quotes; false when it does not end.
bool take_quoted(std::string_view& rest, std::string& out) {
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return true;
        }
        if (rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\')) ++i;
        out += rest[i];
    }
    return false;
}

/// The type of a Content-Type, with the whitespace that may stand before the semicolon cut off.
std::string_view value_before_parameters(std::string_view text) noexcept {
    return trim_ows(text.substr(0, text.find(';')));
}

bool is_value(std::string_view text) noexcept {
    for (const char c : text) {
        if (!is_token_char(c) && c != '/') return false;
    }
    return !text.empty();
}

}  // namespace

const std::string* ParameterizedValue::find(std::string_view name) const noexcept {
    for (const auto& [key, parameter] : parameters) {
        if (key == name) return &parameter;
    }
    return nullptr;
}

Result<ParameterizedValue, std::string> parse_parameterized(std::string_view text) {
    const auto fail = [](const char* why) { return std::unexpected(std::string(why)); };
    if (!is_field_value(text)) return fail("a control character in a field value");
    const std::string_view value = value_before_parameters(text);
    if (!is_value(value)) return fail("no value before the parameters");
    ParameterizedValue out{lower(value), {}};
    std::string_view rest = text.substr(std::min(text.find(';'), text.size()));
    for (;;) {
        skip_ows(rest);
        if (rest.empty()) return out;
        if (rest.front() != ';') return fail("no semicolon between parameters");
        rest.remove_prefix(1);
        skip_ows(rest);
        if (rest.empty() || rest.front() == ';') continue;  // RFC 9110 5.6.6 allows empty ones
        std::string name = lower(take_token(rest));
        if (name.empty() || rest.empty() || rest.front() != '=') return fail("a parameter is not name=value");
        rest.remove_prefix(1);
        std::string parameter;
        if (!rest.empty() && rest.front() == '"') {
            if (!take_quoted(rest, parameter)) return fail("a quoted parameter does not end");
        } else {
            parameter = take_token(rest);
            if (parameter.empty()) return fail("a parameter is not name=value");
        }
        if (out.find(name) != nullptr) return fail("a parameter is given twice");
        if (out.parameters.size() == kMaxParameters) return fail("too many parameters");
        out.parameters.emplace_back(std::move(name), std::move(parameter));
    }
}

Result<ContentType, std::string> parse_content_type(std::string_view text) {
    auto parsed = parse_parameterized(text);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    const std::size_t slash = parsed->value.find('/');
    if (!is_token(std::string_view(parsed->value).substr(0, slash)) || slash == std::string::npos ||
        !is_token(std::string_view(parsed->value).substr(slash + 1))) {
        return std::unexpected(std::string("the media type is not type/subtype"));
    }
    ContentType type{std::move(parsed->value), {}, {}};
    if (const std::string* charset = parsed->find("charset")) type.charset = lower(*charset);
    if (const std::string* boundary = parsed->find("boundary")) type.boundary = *boundary;
    return type;
}

bool has_media_type(std::string_view content_type, std::string_view type) noexcept {
    return iequals(value_before_parameters(content_type), type);
}

}  // namespace caropig::http
