#include <caropig/http/chars.h>
#include <caropig/http/set_cookie.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>

namespace caropig::http {
namespace {

constexpr std::size_t kMostAttributeBytes = 1024;  // RFC 6265bis 5.6

/// Cuts `text` at the first `mark` and gives what stood before it; all of it where there is none.
std::string_view take_until(std::string_view& text, char mark) noexcept {
    const std::size_t end = text.find(mark);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = to_lower(c);
    return out;
}

/// RFC 6265 5.2.2: nothing for what is no number; numbers of any length count.
std::optional<std::int64_t> parse_max_age(std::string_view text) noexcept {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (negative) return 0;
    return error == std::errc() ? seconds : std::numeric_limits<std::int64_t>::max();
}

SameSite parse_same_site(std::string_view text) noexcept {
    if (iequals(text, "None")) return SameSite::kNone;
    if (iequals(text, "Lax")) return SameSite::kLax;
    return iequals(text, "Strict") ? SameSite::kStrict : SameSite::kUnset;
}

void apply(SetCookie& cookie, std::string_view name, std::string_view value) {
    if (iequals(name, "Expires")) {
        if (const std::optional<std::int64_t> date = parse_cookie_date(value)) cookie.expires = date;
    } else if (iequals(name, "Max-Age")) {
        if (const std::optional<std::int64_t> age = parse_max_age(value)) cookie.max_age = age;
    } else if (iequals(name, "Domain")) {
        if (value.starts_with('.')) value.remove_prefix(1);
        cookie.domain = lower(value);
    } else if (iequals(name, "Path")) {
        cookie.path = value.starts_with('/') ? value : std::string_view();
    } else if (iequals(name, "Secure")) {
        cookie.secure = true;
    } else if (iequals(name, "HttpOnly")) {
        cookie.http_only = true;
    } else if (iequals(name, "SameSite")) {
        cookie.same_site = parse_same_site(value);
    }
}

/// What divides the pieces of a cookie's date (RFC 6265 5.1.1).
bool is_date_delimiter(char c) noexcept {
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') || (c >= '[' && c <= '`') ||
           (c >= '{' && c <= '~');
}

/// The number at the front, of `fewest` to `most` digits with no digit behind them; taken off.
std::optional<int> take_number(std::string_view& text, std::size_t fewest, std::size_t most) noexcept {
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto digits = static_cast<std::size_t>(end - text.begin());
    if (digits < fewest || digits > most) return std::nullopt;
    int number = 0;
    std::from_chars(text.data(), text.data() + digits, number);
    text.remove_prefix(digits);
    return number;
}

struct Time {
    int hour;
    int minute;
    int second;
};

std::optional<Time> parse_time(std::string_view text) noexcept {
    std::array<int, 3> parts{};
    for (int& part : parts) {
        if (&part != parts.data()) {
            if (!text.starts_with(':')) return std::nullopt;
            text.remove_prefix(1);
        }
        const std::optional<int> number = take_number(text, 1, 2);
        if (!number) return std::nullopt;
        part = *number;
    }
    return Time{parts[0], parts[1], parts[2]};
}

std::optional<unsigned> parse_month(std::string_view text) noexcept {
    static constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (unsigned month = 0; month < 12; ++month) {
        if (iequals(text.substr(0, 3), kMonths.substr(std::size_t{3} * month, 3))) return month + 1;
    }
    return std::nullopt;
}

}  // namespace

std::optional<SetCookie> parse_set_cookie(std::string_view field) {
    if (!is_field_value(field)) return std::nullopt;
    SetCookie cookie;
    std::string_view pair = take_until(field, ';');
    if (pair.find('=') != std::string_view::npos) cookie.name = trim_ows(take_until(pair, '='));
    cookie.value = trim_ows(pair);
    if (cookie.name.empty() && cookie.value.empty()) return std::nullopt;
    if (cookie.name.size() + cookie.value.size() > kMaxCookieBytes) return std::nullopt;
    while (!field.empty()) {
        std::string_view value = take_until(field, ';');
        const std::string_view name = trim_ows(take_until(value, '='));
        value = trim_ows(value);
        if (value.size() <= kMostAttributeBytes) apply(cookie, name, value);
    }
    return cookie;
}

std::optional<std::int64_t> parse_cookie_date(std::string_view text) noexcept {
    std::optional<Time> time;
    std::optional<int> day;
    std::optional<unsigned> month;
    std::optional<int> year;
    while (!text.empty()) {
        const auto end = std::ranges::find_if(text, is_date_delimiter);
        const std::string_view token = text.substr(0, static_cast<std::size_t>(end - text.begin()));
        text.remove_prefix(std::min(token.size() + 1, text.size()));
        if (token.empty()) continue;
        std::string_view rest = token;
        if (!time && (time = parse_time(token))) continue;
        if (!day && (day = take_number(rest, 1, 2))) continue;
        if (!month && (month = parse_month(token))) continue;
        rest = token;
        if (!year) year = take_number(rest, 2, 4);
    }
    if (!time || !day || !month || !year) return std::nullopt;
    if (*year >= 70 && *year <= 99) *year += 1900;
    if (*year >= 0 && *year <= 69) *year += 2000;
    if (*year < 1601 || time->hour > 23 || time->minute > 59 || time->second > 59) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(*month),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    return ((days * 24 + time->hour) * 60 + time->minute) * 60 + time->second;
}

}  // namespace caropig::http
