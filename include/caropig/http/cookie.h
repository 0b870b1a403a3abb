#pragma once

#include <caropig/http/headers.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Cookies on the wire. What a browser sends back obeys no grammar, so it is read as leniently as browsers and Tornado
/// read it; what a program sets is checked to the byte, since one semicolon too many changes what the cookie means.
namespace caropig::http {

struct Cookie {
    std::string name;
    std::string value;

    friend bool operator==(const Cookie&, const Cookie&) = default;
};

/// Cookies of one request that are looked at; browsers send at most 180 to a site. What follows them is ignored.
inline constexpr std::size_t kMaxCookies = 300;

/// Bytes of name and value together: what browsers keep at least (RFC 6265bis 5.7). They drop larger cookies silently.
inline constexpr std::size_t kMaxCookieBytes = 4096;

/// Splits the text of a Cookie field, as Tornado's parse_cookie: pieces between semicolons; name and value are divided
/// by the first "=", a piece without one has the name ""; spaces around both are dropped, and empty pieces. A value in
/// double quotes loses them, and its escapes are undone: a backslash and three octal digits (up to 377) are that byte,
/// a backslash and any other character that character. Linear time; it never fails.
[[nodiscard]] std::vector<Cookie> parse_cookies(std::string_view field);

/// The value of the cookie of that name in a request's Cookie fields; the last of several, as in Tornado. Browsers
/// send the one with the longest path first, but RFC 6265 4.2.2 tells servers not to rely on it.
[[nodiscard]] std::optional<std::string> find_cookie(HeadersView fields, std::string_view name);

/// To which requests of other sites' pages a browser attaches the cookie.
enum class SameSite : unsigned char {
    kUnset,   ///< The attribute is left out: the browser's choice.
    kNone,    ///< To all of them; browsers demand Secure with it.
    kLax,     ///< Only when the user follows a link there.
    kStrict,  ///< To none.
};

/// The attributes of a cookie that is set: `CookieOptions().max_age(std::chrono::days(30)).http_only()`.
class CookieOptions {
public:
    /// Under which path the cookie is sent; "/" unless set, as in Tornado. Empty: the attribute is left out.
    CookieOptions& path(std::string value) {
        path_ = std::move(value);
        return *this;
    }
    /// To which domain, and all below it; unless set, only to the host that set it.
    CookieOptions& domain(std::string value) {
        domain_ = std::move(value);
        return *this;
    }
    /// How long the browser keeps it; unless set (or expires() is), until it is closed. 0 or less deletes it.
    CookieOptions& max_age(std::chrono::seconds age) noexcept {
        max_age_ = age;
        return *this;
    }
    /// The same as a moment, in seconds since 1970. max_age() is the better choice: it needs no right clock.
    CookieOptions& expires(std::int64_t unix_seconds) noexcept {
        expires_ = unix_seconds;
        return *this;
    }
    /// Hidden from the page's scripts.
    CookieOptions& http_only(bool enabled = true) noexcept {
        http_only_ = enabled;
        return *this;
    }
    /// Sent over TLS only.
    CookieOptions& secure(bool enabled = true) noexcept {
        secure_ = enabled;
        return *this;
    }
    /// kLax unless set: what most browsers take for unset, but not all.
    CookieOptions& same_site(SameSite value) noexcept {
        same_site_ = value;
        return *this;
    }
    /// Kept apart for each site that embeds this one (CHIPS); browsers demand Secure with it.
    CookieOptions& partitioned(bool enabled = true) noexcept {
        partitioned_ = enabled;
        return *this;
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
    [[nodiscard]] std::optional<std::chrono::seconds> max_age() const noexcept { return max_age_; }
    [[nodiscard]] std::optional<std::int64_t> expires() const noexcept { return expires_; }
    [[nodiscard]] bool is_http_only() const noexcept { return http_only_; }
    [[nodiscard]] bool is_secure() const noexcept { return secure_; }
    [[nodiscard]] SameSite same_site() const noexcept { return same_site_; }
    [[nodiscard]] bool is_partitioned() const noexcept { return partitioned_; }

private:
    std::string path_ = "/";
    std::string domain_;
    std::optional<std::chrono::seconds> max_age_;
    std::optional<std::int64_t> expires_;
    SameSite same_site_ = SameSite::kLax;
    bool http_only_ = false;
    bool secure_ = false;
    bool partitioned_ = false;
};

/// The value of a Set-Cookie field (RFC 6265 4.1). Throws std::invalid_argument, naming the cookie, for what browsers
/// would refuse or misread: a name that is no token; a value with others than cookie-octets (no spaces, quotes, commas,
/// semicolons, backslashes, nothing beyond ASCII: percent-encode or sign it); more than kMaxCookieBytes; a path that
/// does not begin with "/" or has others than printable characters; a domain that is no name; SameSite=None or
/// Partitioned without Secure; a name with the prefix __Secure- without Secure, or with __Host- without Secure and path
/// "/", or with a domain.
[[nodiscard]] std::string format_set_cookie(std::string_view name, std::string_view value,
                                            const CookieOptions& options = {});

/// The value of a Set-Cookie field that deletes a cookie. `options` must have the path, the domain and the prefix's
/// attributes that it was set with: a browser takes it for another cookie otherwise. Throws as format_set_cookie().
[[nodiscard]] std::string format_cleared_cookie(std::string_view name, const CookieOptions& options = {});

}  // namespace caropig::http
