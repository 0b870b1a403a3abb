#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// \file
/// What goes into a statement as an argument and comes back in a row: one type for all databases.
namespace caropig::db {

/// A decimal number as text, "12.50": no digit is lost on the way through a double.
struct Decimal {
    // Not an aggregate: GCC 12 destroys one twice that is built inside of a co_await expression.
    Decimal() = default;
    Decimal(std::string digits) noexcept : text(std::move(digits)) {}

    std::string text;

    friend bool operator==(const Decimal&, const Decimal&) = default;
};

/// Bytes that are no text: BLOB, bytea.
struct Bytes {
    Bytes() = default;
    Bytes(std::vector<std::byte> bytes) noexcept : data(std::move(bytes)) {}

    std::vector<std::byte> data;

    friend bool operator==(const Bytes&, const Bytes&) = default;
};

using Date = std::chrono::year_month_day;
/// A date with a time of day, in microseconds. What the database says, without a zone: by convention UTC.
using DateTime = std::chrono::sys_time<std::chrono::microseconds>;

/// NULL is std::monostate. Text is UTF-8.
using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, Decimal, Date,
                           DateTime>;

namespace detail {

/// std::optional<T> is a T that may be NULL.
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

}  // namespace detail
}  // namespace caropig::db
