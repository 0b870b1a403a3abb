#include "template/escape.h"

#include "template/print.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr int kMaxDepth = 200;

bool is_alphanumeric(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void append_u(std::string& out, char32_t code) {
    if (code >= 0x10000) {
        append_u(out, 0xd800 + ((code - 0x10000) >> 10));
        append_u(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        return;
    }
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(code));
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, size] = unicode::decode(text, at);
        switch (code) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            default:
                if (code >= 0x20 && code < 0x7f) {
                    out += static_cast<char>(code);
                } else if (code == 0x7f) {
                    out += '\x7f';
                } else {
                    append_u(out, code == unicode::kInvalid ? 0xfffd : code);
                }
        }
        at += size;
    }
    out += '"';
}

void append_json(std::string& out, const Value& value, int depth);

void append_json_key(std::string& out, const Value& key) {
    switch (key.kind()) {
        case Value::Kind::kString:
            append_json_string(out, key.as_string());
            break;
        case Value::Kind::kNone:
            out += "\"null\"";
            break;
        case Value::Kind::kBool:
            out += key.truthy() ? "\"true\"" : "\"false\"";
            break;
        case Value::Kind::kInt:
        case Value::Kind::kFloat:
            out += '"';
            append_str(out, key);
            out += '"';
            break;
        default:
            throw Failure(ErrorKind::kType, fmt::format("a key of JSON cannot be a {}", key.type_name()));
    }
}

void append_json(std::string& out, const Value& value, int depth) {
    if (depth > kMaxDepth) throw Failure(ErrorKind::kLimit, "a value too deep for JSON");
    if (out.size() > kPrintLimit) throw Failure(ErrorKind::kLimit, "too much JSON");
    switch (value.kind()) {
        case Value::Kind::kNone:
            out += "null";
            return;
        case Value::Kind::kBool:
            out += value.truthy() ? "true" : "false";
            return;
        case Value::Kind::kInt:
            append_str(out, value);
            return;
        case Value::Kind::kFloat: {
            const double number = value.as_double();
            if (std::isnan(number)) {
                out += "NaN";
            } else if (std::isinf(number)) {
                out += number < 0 ? "-Infinity" : "Infinity";
            } else {
                append_float(out, number);
            }
            return;
        }
        case Value::Kind::kString:
            append_json_string(out, value.as_string());
            return;
        case Value::Kind::kTuple:
            break;
        case Value::Kind::kList:
            if (value.flavour() == Value::Flavour::kPlain) break;
            throw Failure(ErrorKind::kType, fmt::format("a {} is no JSON", value.type_name()));
        case Value::Kind::kDict:
            out += '{';
            for (std::size_t i = 0; i < value.size(); ++i) {
                if (i != 0) out += ", ";
                append_json_key(out, value.dict_key(i));
                out += ": ";
                append_json(out, value.dict_value(i), depth + 1);
            }
            out += '}';
            return;
        default:
            throw Failure(ErrorKind::kType, fmt::format("a {} is no JSON", value.type_name()));
    }
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (i != 0) out += ", ";
        append_json(out, value.item(i), depth + 1);
    }
    out += ']';
}

// JSON with the characters that mean something to an HTML parser as escapes: they stand in strings only.
void append_json_for_script(std::string& out, std::string_view json) {
    for (std::size_t at = 0; at < json.size();) {
        const auto [code, size] = unicode::decode(json, at);
        if (code == '<' || code == '>' || code == '&' || code == 0x2028 || code == 0x2029) {
            append_u(out, code);
        } else {
            out += json.substr(at, size);
        }
        at += size;
    }
}

char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 0x20) : c; }

// The scheme as a browser would read it: without leading controls and blanks, without tabs and line feeds. Nothing if
// the URL has none.
bool may_follow(std::string_view url) {
    std::string scheme;
    bool leading = true;
    for (const char c : url) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\t' || c == '\n' || c == '\r' || (leading && byte <= 0x20)) continue;
        leading = false;
        if (c == ':') return scheme == "http" || scheme == "https" || scheme == "mailto";
        if (c == '/' || c == '?' || c == '#' || c == '\\') return true;
        scheme += to_lower(c);
        if (scheme.size() > 64 && url.find(':') == std::string_view::npos) return true;
    }
    return true;
}

}  // namespace

void append_html(std::string& out, std::string_view text) {
    static constexpr auto kSpecial = [] {
        std::array<bool, 256> table{};
        for (const char c : {'&', '<', '>', '"', '\''}) table[static_cast<unsigned char>(c)] = true;
        return table;
    }();
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!kSpecial[static_cast<unsigned char>(text[at])]) continue;
        out.append(text, done, at - done);
        done = at + 1;
        switch (text[at]) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += "&#39;";
        }
    }
    out.append(text, done);
}

std::string url_escape(std::string_view text, bool plus) {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (is_alphanumeric(c) || c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !plus)) {
            out += c;
        } else if (c == ' ' && plus) {
            out += '+';
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
    }
    return out;
}

std::string json_encode(const Value& value) {
    std::string json;
    append_json(json, value, 0);
    std::string out;
    out.reserve(json.size());
    for (std::size_t at = 0; at < json.size(); ++at) {
        out += json[at];
        if (json[at] == '<' && at + 1 < json.size() && json[at + 1] == '/') out += '\\';
    }
    return out;
}

std::string squeeze(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) > 0x20) {
            out += c;
        } else if (!out.ends_with(' ')) {
            out += ' ';
        }
    }
    if (out.ends_with(' ')) out.pop_back();
    if (out.starts_with(' ')) out.erase(0, 1);
    return out;
}

void append_script_value(std::string& out, const Value& value) {
    if (value.flavour() == Value::Flavour::kJson && value.is_string()) {
        append_json_for_script(out, value.as_string());
        return;
    }
    std::string json;
    append_json(json, value, 0);
    // "x-{{ n }}" must not become the operator --.
    if (json.starts_with('-')) out += ' ';
    append_json_for_script(out, json);
}

void append_script_text(std::string& out, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, size] = unicode::decode(text, at);
        switch (code) {
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '/':
                out += "\\/";
                break;
            case '"':
            case '\'':
            case '`':
            case '$':
            case '<':
            case '>':
            case '&':
            case 0x2028:
            case 0x2029:
                append_u(out, code);
                break;
            default:
                if (code < 0x20 || code == 0x7f) {
                    append_u(out, code);
                } else {
                    out += text.substr(at, size);
                }
        }
        at += size;
    }
}

void append_url(std::string& out, std::string_view prefix, std::string_view text) {
    if (may_follow(std::string(prefix) += text)) {
        append_html(out, text);
    } else {
        out += kBlockedUrl;
    }
}

void append_style(std::string& out, std::string_view text) {
    const bool harmless = std::ranges::all_of(text, [](char c) {
        return is_alphanumeric(c) || std::string_view(" #.%,+-_").find(c) != std::string_view::npos;
    });
    out += harmless ? text : kBlockedStyle;
}

}  // namespace caropig::templates
