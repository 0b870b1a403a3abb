#include <caropig/http/chars.h>
#include <caropig/http/etag.h>

namespace caropig::http {
namespace {

/// Takes a tag from the front.
std::optional<EntityTag> take_etag(std::string_view& rest) noexcept {
    EntityTag tag;
    std::string_view text = rest;
    if (text.starts_with("W/")) {  // case-sensitive (RFC 9110 8.8.3)
        tag.weak = true;
        text.remove_prefix(2);
    }
    if (!text.starts_with('"')) return std::nullopt;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            tag.opaque = text.substr(0, i + 1);
            rest = text.substr(i + 1);
            return tag;
        }
        // etagc: anything but the quote, whitespace and control characters. Spaces are common all the same, and
        // Tornado takes them.
        if (!is_field_char(text[i])) return std::nullopt;
    }
    return std::nullopt;
}

bool list_matches(std::string_view rest, const std::optional<EntityTag>& current, ETagComparison how,
                  bool exists) noexcept {
    if (trim_ows(rest) == "*") return exists;
    if (!current) return false;
    for (;;) {
        while (!rest.empty() && (is_ows(rest.front()) || rest.front() == ',')) rest.remove_prefix(1);
        if (rest.empty()) return false;
        auto tag = take_etag(rest);
        if (!tag) return false;
        rest = trim_ows(rest);
        if (!rest.empty() && rest.front() != ',') return false;
        if (etags_match(*tag, *current, how)) return true;
    }
}

}  // namespace

std::optional<EntityTag> parse_etag(std::string_view text) noexcept {
    auto tag = take_etag(text);
    return tag && text.empty() ? tag : std::nullopt;
}

bool etags_match(const EntityTag& a, const EntityTag& b, ETagComparison how) noexcept {
    if (how == ETagComparison::kStrong && (a.weak || b.weak)) return false;
    return a.opaque == b.opaque;
}

bool etag_list_matches(HeadersView fields, std::string_view name, const std::optional<EntityTag>& current,
                       ETagComparison how, bool exists) noexcept {
    for (const HeaderView& field : fields) {
        if (iequals(field.name, name) && list_matches(field.value, current, how, exists)) return true;
    }
    return false;
}

}  // namespace caropig::http
