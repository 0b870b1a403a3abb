#include <caropig/base/check.h>
#include <caropig/http/chars.h>
#include <caropig/http/content_disposition.h>
#include <caropig/http/header_value.h>
#include <caropig/http/url.h>

#include <utility>

namespace caropig::http {
namespace {

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string latin1_to_utf8(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            out += c;
        } else {
            out += static_cast<char>(0xc0 | byte >> 6);
            out += static_cast<char>(0x80 | (byte & 0x3f));
        }
    }
    return out;
}

/// RFC 8187's `charset'language'value`.
std::optional<std::string> decode_extended(std::string_view text) {
    const std::size_t charset_end = text.find('\'');
    if (charset_end == std::string_view::npos) return std::nullopt;
    const std::size_t language_end = text.find('\'', charset_end + 1);
    if (language_end == std::string_view::npos) return std::nullopt;
    std::optional<std::string> value = percent_decode(text.substr(language_end + 1));
    if (!value) return std::nullopt;
    const std::string_view charset = text.substr(0, charset_end);
    if (iequals(charset, "ISO-8859-1")) return latin1_to_utf8(*value);
    if (!iequals(charset, "UTF-8") || !is_utf8(*value)) return std::nullopt;
    return value;
}

/// Undoes the three escapes of the WHATWG's multipart encoding.
std::string undo_browser_escapes(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view escape = text.substr(i, 3);
        char c = text[i];
        if (escape == "%22") {
            c = '"';
        } else if (iequals(escape, "%0D")) {
            c = '\r';
        } else if (iequals(escape, "%0A")) {
            c = '\n';
        }
        out += c;
        if (c != text[i]) i += 2;
    }
    return out;
}

/// `name` with what a quoted string can't say for sure replaced.
std::string plain_file_name(std::string_view name) {
    std::string plain;
    bool in_character = false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto byte = static_cast<unsigned char>(name[i]);
        const bool continues = in_character && (byte & 0xc0) == 0x80;
        in_character = byte >= 0x80;
        // A percent sign before two digits is decoded by some browsers (RFC 6266 appendix D).
        const bool escape =
            name[i] == '%' && name.size() - i >= 3 && is_hex_digit(name[i + 1]) && is_hex_digit(name[i + 2]);
        if (byte >= 0x80 || name[i] == '"' || escape) {
            if (!continues) plain += '_';
        } else {
            plain += name[i];
        }
    }
    return plain;
}

}  // namespace

Result<ContentDisposition, std::string> parse_content_disposition(std::string_view text) {
    auto parsed = parse_parameterized(text);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    ContentDisposition out{std::move(parsed->value), std::nullopt, std::nullopt};
    const bool form = out.type == "form-data";
    const auto take = [form](const std::string* value) -> std::optional<std::string> {
        if (value == nullptr) return std::nullopt;
        return form ? undo_browser_escapes(*value) : *value;
    };
    out.name = take(parsed->find("name"));
    if (const std::string* extended = parsed->find("filename*")) out.file_name = decode_extended(*extended);
    if (!out.file_name) out.file_name = take(parsed->find("filename"));
    if ((out.name && !is_utf8(*out.name)) || (out.file_name && !is_utf8(*out.file_name))) {
        return std::unexpected(std::string("a name that is not UTF-8"));
    }
    return out;
}

std::string format_content_disposition(std::string_view type, std::string_view file_name) {
    CAROPIG_CHECK(is_token(type), "a disposition is a token, such as attachment");
    std::string name(file_name);
    for (char& c : name) {
        if (is_control(c) || c == '/' || c == '\\') c = '_';
    }
    std::string out(type);
    if (name.empty()) return out;
    const std::string plain = plain_file_name(name);
    out += "; filename=\"" + plain + '"';
    if (plain != name && is_utf8(name)) out += "; filename*=UTF-8''" + percent_encode(name);
    return out;
}

std::string safe_file_name(std::string_view file_name) {
    constexpr std::size_t kMaxBytes = 255;  // NAME_MAX of every usual file system
    const std::size_t separator = file_name.find_last_of("/\\");
    if (separator != std::string_view::npos) file_name.remove_prefix(separator + 1);
    std::string name;
    for (const char c : file_name) {
        if (!is_control(c)) name += c;
    }
    if (name.size() > kMaxBytes) {
        std::size_t end = kMaxBytes;
        while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
        name.resize(end);
    }
    while (!name.empty() && (name.back() == '.' || name.back() == ' ')) name.pop_back();
    name.erase(0, name.find_first_not_of(' '));
    return name;
}

}  // namespace caropig::http
