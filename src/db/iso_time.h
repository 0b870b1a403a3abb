#pragma once

#include <caropig/db/value.h>

#include <optional>
#include <string>
#include <string_view>

/// \file
/// Dates as text, for a database that has no type for them (ISO 8601, years 0 to 9999).
namespace caropig::db {

/// "2026-03-01", and nothing else: a date that exists.
std::optional<Date> parse_iso_date(std::string_view text) noexcept;

/// "2026-03-01", "2026-03-01 12:30", "2026-03-01T12:30:00.123456Z": the fraction has up to 6 digits (further ones are
/// cut off), the zone may be "Z" or "+00:00".
std::optional<DateTime> parse_iso_date_time(std::string_view text) noexcept;

/// "2026-03-01"; nothing where the year is beyond four digits or the date does not exist.
std::optional<std::string> iso_date(const Date& date);

/// "2026-03-01 12:30:00", with ".123456" where there is a fraction: the form that SQLite's own functions give, so
/// that text order is time order.
std::optional<std::string> iso_date_time(DateTime moment);

}  // namespace caropig::db
