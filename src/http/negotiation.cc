#include <caropig/http/chars.h>
#include <caropig/http/negotiation.h>

#include <utility>

namespace caropig::http {
namespace {

constexpr std::uint16_t kFull = 1000;

/// "0", "0.5", "1.000": RFC 9110 12.4.2 allows three digits after the point.
std::optional<std::uint16_t> parse_weight(std::string_view text) noexcept {
    constexpr std::size_t kLongest = 5;
    if (text.empty() || text.size() > kLongest || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    unsigned value = text[0] == '1' ? kFull : 0;
    unsigned place = kFull / 10;
    for (char c : text.size() > 1 ? text.substr(2) : std::string_view()) {
        if (!is_digit(c)) return std::nullopt;
        value += static_cast<unsigned>(c - '0') * place;
        place /= 10;
    }
    if (value > kFull) return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

/// Cuts off what stands before the next `separator` that is in no quoted string.
std::string_view take_until(std::string_view& rest, char separator) noexcept {
    bool quoted = false;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (quoted && rest[i] == '\\') {
            ++i;
        } else if (rest[i] == '"') {
            quoted = !quoted;
        } else if (rest[i] == separator && !quoted) {
            std::string_view part = rest.substr(0, i);
            rest.remove_prefix(i + 1);
            return part;
        }
    }
    return std::exchange(rest, {});
}

/// A token, or two with a slash between them (a media range).
bool is_value(std::string_view text) noexcept {
    std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return is_token(text);
    return is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

std::optional<Preference> parse_preference(std::string_view element) noexcept {
    Preference preference{trim_ows(take_until(element, ';')), kFull};
    if (!is_value(preference.value)) return std::nullopt;
    while (!element.empty()) {
        std::string_view parameter = trim_ows(take_until(element, ';'));
        if (parameter.size() < 2 || to_lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
        auto weight = parse_weight(parameter.substr(2));
        if (!weight) return std::nullopt;
        preference.weight = *weight;
    }
    return preference;
}

}  // namespace

PreferenceList::PreferenceList(HeadersView fields, std::string_view name) noexcept {
    for (const HeaderView& field : fields) {
        if (iequals(field.name, name)) read(field.value);
    }
}

void PreferenceList::read(std::string_view field) noexcept {
    while (!field.empty() && seen_ < kMaxItems) {
        std::string_view element = trim_ows(take_until(field, ','));
        ++seen_;
        if (auto preference = parse_preference(element)) items_[size_++] = *preference;
    }
}

std::optional<unsigned> PreferenceList::weight(std::string_view value) const noexcept {
    std::optional<unsigned> any;
    for (const Preference& each : *this) {
        if (iequals(each.value, value)) return each.weight;
        if (each.value == "*") any = each.weight;
    }
    return any;
}

std::string_view to_string(ContentCoding coding) noexcept {
    switch (coding) {
        case ContentCoding::kGzip:
            return "gzip";
        case ContentCoding::kBrotli:
            return "br";
        case ContentCoding::kZstd:
            return "zstd";
        case ContentCoding::kIdentity:
            break;
    }
    return "identity";
}

std::optional<ContentCoding> parse_content_coding(std::string_view name) noexcept {
    if (iequals(name, "gzip") || iequals(name, "x-gzip")) return ContentCoding::kGzip;
    if (iequals(name, "br")) return ContentCoding::kBrotli;
    if (iequals(name, "zstd")) return ContentCoding::kZstd;
    if (iequals(name, "identity")) return ContentCoding::kIdentity;
    return std::nullopt;
}

ContentCoding choose_coding(const PreferenceList& accepted, std::span<const ContentCoding> available) noexcept {
    ContentCoding best = ContentCoding::kIdentity;
    unsigned best_weight = 0;
    for (ContentCoding coding : available) {
        auto weight = accepted.weight(to_string(coding));
        if (coding == ContentCoding::kGzip) {
            std::optional<unsigned> named;  // by either name; "*" stands only for what is not named
            for (const Preference& each : accepted) {
                if (parse_content_coding(each.value) == coding)
                    named = std::max<unsigned>(named.value_or(0), each.weight);
            }
            if (named) weight = named;
        }
        if (weight && *weight > best_weight) {
            best = coding;
            best_weight = *weight;
        }
    }
    // Who asks for identity by name and weighs it more means it; a "*" says nothing of the kind.
    for (const Preference& each : accepted) {
        if (iequals(each.value, "identity") && each.weight > best_weight) return ContentCoding::kIdentity;
    }
    return best;
}

}  // namespace caropig::http
