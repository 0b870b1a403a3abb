#include <caropig/http/chars.h>
#include <caropig/http/cookie.h>
#include <caropig/http/date.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace caropig::http {
namespace {

/// Gives the pieces of Cookie fields one by one, up to kMaxCookies of them.
class Pieces {
public:
    struct Piece {
        std::string_view name;
        std::string_view value;  // still quoted
    };

    /// Calls `use` with each piece of this field.
    template <class Use>
    void each(std::string_view field, Use use) {
        while (!field.empty() && left_ > 0) {
            const std::size_t end = field.find(';');
            const std::string_view text = field.substr(0, end);
            field.remove_prefix(end == std::string_view::npos ? field.size() : end + 1);
            const std::size_t equals = text.find('=');
            Piece piece;
            if (equals != std::string_view::npos) piece.name = trim_ows(text.substr(0, equals));
            piece.value = trim_ows(equals == std::string_view::npos ? text : text.substr(equals + 1));
            if (piece.name.empty() && piece.value.empty()) continue;
            --left_;
            use(piece);
        }
    }

private:
    std::size_t left_ = kMaxCookies;
};

bool is_octal(std::string_view digits) noexcept {
    return digits.size() == 3 && digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' && digits[1] <= '7' &&
           digits[2] >= '0' && digits[2] <= '7';
}

std::string unquote(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
    text = text.substr(1, text.size() - 2);
    std::string value;
    value.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            value += text[i];
        } else if (const std::string_view digits = text.substr(i + 1, 3); is_octal(digits)) {
            value += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
            i += 3;
        } else {
            value += text[++i];
        }
    }
    return value;
}

bool is_cookie_octet(char c) noexcept { return c > ' ' && c < '\x7f' && c != '"' && c != ',' && c != ';' && c != '\\'; }

bool is_path_char(char c) noexcept { return c > ' ' && c < '\x7f' && c != ';'; }

/// Labels of letters, digits, hyphens and underscores, divided by single dots; one dot may stand in front.
bool is_domain(std::string_view domain) noexcept {
    if (domain.starts_with('.')) domain.remove_prefix(1);
    if (domain.empty() || domain.back() == '.' || domain.size() > 253) return false;
    char before = '.';
    for (const char c : domain) {
        const bool label = is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' || c == '_';
        if (!label && (c != '.' || before == '.')) return false;
        before = c;
    }
    return true;
}

// Browsers compare the prefixes without case, so that a server that ignores case is not fooled (RFC 6265bis 5.4).
bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
    return iequals(name.substr(0, prefix.size()), prefix);
}

/// What is wrong with the cookie; empty when nothing is.
std::string_view fault_of(std::string_view name, std::string_view value, const CookieOptions& options) {
    if (!is_token(name)) return "its name is no token";
    if (!std::all_of(value.begin(), value.end(), is_cookie_octet)) {
        return "its value has characters that a cookie can't carry; percent-encode it";
    }
    if (name.size() + value.size() > kMaxCookieBytes) return "name and value are longer than 4096 bytes";
    if (!options.path().empty() && !options.path().starts_with('/')) return "its path does not begin with \"/\"";
    if (options.path().size() > 1024) return "its path is longer than 1024 bytes";
    if (!std::all_of(options.path().begin(), options.path().end(), is_path_char)) {
        return "its path has a space, a semicolon, a control character or one beyond ASCII";
    }
    if (!options.domain().empty() && !is_domain(options.domain())) return "its domain is no domain name";
    if (options.same_site() == SameSite::kNone && !options.is_secure()) return "SameSite=None needs Secure";
    if (options.is_partitioned() && !options.is_secure()) return "Partitioned needs Secure";
    const bool host = has_prefix(name, "__Host-");
    if ((host || has_prefix(name, "__Secure-")) && !options.is_secure()) return "its prefix needs Secure";
    if (host && (options.path() != "/" || !options.domain().empty())) {
        return "__Host- needs the path \"/\" and no domain";
    }
    return {};
}

}  // namespace

std::vector<Cookie> parse_cookies(std::string_view field) {
    std::vector<Cookie> cookies;
    Pieces().each(
        field, [&](const Pieces::Piece& piece) { cookies.push_back({std::string(piece.name), unquote(piece.value)}); });
    return cookies;
}

std::optional<std::string> find_cookie(HeadersView fields, std::string_view name) {
    std::optional<std::string_view> found;
    Pieces pieces;
    for (const HeaderView& field : fields) {
        if (!iequals(field.name, "Cookie")) continue;
        pieces.each(field.value, [&](const Pieces::Piece& piece) {
            if (piece.name == name) found = piece.value;
        });
    }
    if (!found) return std::nullopt;
    return unquote(*found);
}

std::string format_set_cookie(std::string_view name, std::string_view value, const CookieOptions& options) {
    static constexpr std::array<std::string_view, 4> kSameSite = {"", "; SameSite=None", "; SameSite=Lax",
                                                                  "; SameSite=Strict"};
    if (const std::string_view fault = fault_of(name, value, options); !fault.empty()) {
        throw std::invalid_argument("cookie \"" + std::string(name) + "\": " + std::string(fault));
    }
    std::string text = std::string(name) + "=" + std::string(value);
    if (options.expires()) text += "; Expires=" + format_http_date(*options.expires());
    if (options.max_age()) text += "; Max-Age=" + std::to_string(options.max_age()->count());
    if (!options.domain().empty()) text += "; Domain=" + options.domain();
    if (!options.path().empty()) text += "; Path=" + options.path();
    if (options.is_secure()) text += "; Secure";
    if (options.is_http_only()) text += "; HttpOnly";
    text += kSameSite.at(static_cast<std::size_t>(options.same_site()));
    if (options.is_partitioned()) text += "; Partitioned";
    return text;
}

std::string format_cleared_cookie(std::string_view name, const CookieOptions& options) {
    return format_set_cookie(name, {}, CookieOptions(options).expires(0).max_age(std::chrono::seconds(0)));
}

}  // namespace caropig::http
