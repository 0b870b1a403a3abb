#pragma once

#include <caropig/http/cookie.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// Cookies as a client receives them. Servers write Set-Cookie in every way there is, so all clients read it by one
/// algorithm, that of RFC 6265 5.2; what it takes for a cookie is one.
namespace caropig::http {

/// What a Set-Cookie field says, before anybody has compared it with the URL that it came from.
struct SetCookie {
    std::string name;                     ///< may be empty where the value is not
    std::string value;                    ///< as it stands there, quotes included
    std::string domain;                   ///< in lower case, without a dot in front; empty: the host alone
    std::string path;                     ///< begins with "/"; empty: what the URL implies
    std::optional<std::int64_t> max_age;  ///< seconds; 0 where it is 0 or less. It is stronger than `expires`.
    std::optional<std::int64_t> expires;  ///< in seconds since 1970
    bool secure = false;
    bool http_only = false;
    SameSite same_site = SameSite::kUnset;
};

/// Reads a Set-Cookie field (RFC 6265 5.2) in linear time. Nothing for a field that sets no cookie: neither name nor
/// value, a control character other than HTAB, or more than kMaxCookieBytes of name and value (RFC 6265bis 5.6).
/// Attributes that are unknown, longer than 1024 bytes or senseless are as if they were not there; of several of one
/// name the last counts.
[[nodiscard]] std::optional<SetCookie> parse_set_cookie(std::string_view field);

/// The date of an Expires attribute, in seconds since 1970, by RFC 6265 5.1.1: a time, a day, a month and a year, in
/// any order, whatever stands between. Nothing where one is missing or is no date.
[[nodiscard]] std::optional<std::int64_t> parse_cookie_date(std::string_view text) noexcept;

}  // namespace caropig::http
