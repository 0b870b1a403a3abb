#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// \file
/// HTTP's dates (RFC 9110 5.6.7), which are English and GMT whatever the process's locale and time zone are.
namespace caropig::http {

/// IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT". Years outside of 0 to 9999 have no such form and are clamped.
std::string format_http_date(std::int64_t unix_seconds);
/// The same, written to `out`.
inline constexpr std::size_t kHttpDateSize = 29;
void put_http_date(std::int64_t unix_seconds, std::span<char, kHttpDateSize> out) noexcept;

/// Reads IMF-fixdate, the RFC 850 form ("Sunday, 06-Nov-94 08:49:37 GMT") and asctime's ("Sun Nov  6 08:49:37 1994"):
/// a recipient must accept all three. Nothing for any other text, or for a day that does not exist.
/// Two-digit years: 70 to 99 are 1970 to 1999, the rest 2000 to 2069. The day's name is not compared with the date.
std::optional<std::int64_t> parse_http_date(std::string_view text) noexcept;

}  // namespace caropig::http
