#include <caropig/http/chars.h>
#include <caropig/http/url.h>

#include <algorithm>

namespace caropig::http {
namespace {

bool is_letter(char c) noexcept { return to_lower(c) >= 'a' && to_lower(c) <= 'z'; }

/// Whether the reference begins with a scheme (RFC 3986 3.1).
bool has_scheme(std::string_view reference) noexcept {
    const std::size_t colon = reference.find(':');
    if (colon == std::string_view::npos || colon == 0 || !is_letter(reference[0])) return false;
    const std::string_view scheme = reference.substr(0, colon);
    return std::ranges::all_of(scheme,
                               [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

/// RFC 3986 5.2.4, of a path that begins with "/": one pass over its segments.
std::string without_dot_segments(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(1, end - 1);
        const bool last = end == path.size();
        path.remove_prefix(end);
        if (segment == "..") out.resize(out.empty() ? 0 : out.rfind('/'));
        if (segment == "." || segment == "..") {
            if (last) out += '/';
        } else {
            out.append("/").append(segment);
        }
    }
    return out;
}

}  // namespace

Result<Url, std::string> resolve_url(const Url& base, std::string_view reference) {
    std::string text;
    if (has_scheme(reference)) {
        text = reference;
    } else if (reference.starts_with("//")) {
        text = base.scheme + ':' + std::string(reference);
    } else {
        const std::string_view path = reference.substr(0, reference.find_first_of("?#"));
        const std::string_view rest = reference.substr(path.size());
        text = base.scheme + "://" + (base.userinfo.empty() ? "" : base.userinfo + '@') + base.authority();
        if (path.empty()) {
            text += base.path;
            if (!rest.starts_with('?') && !base.query.empty()) text += '?' + base.query;
        } else if (!path.starts_with('/')) {
            text += base.path.substr(0, base.path.rfind('/') + 1);
        }
        text += path;
        text += rest;
    }
    Result<Url, std::string> url = parse_url(text);
    if (url) url->path = without_dot_segments(url->path);
    return url;
}

}  // namespace caropig::http
