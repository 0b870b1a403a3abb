#include "db/iso_time.h"
#include <caropig/db/row.h>

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

// Reading one cell as the type that is asked for: the table of conversions in row.h.
namespace caropig::db::detail {
namespace {

constexpr std::array<std::string_view, std::variant_size_v<Value>> kHeld{
    "NULL", "a bool", "an integer", "an integer", "a double",
    "text", "bytes",  "a decimal",  "a date",     "a date with time"};

[[noreturn]] void refuse_type(std::string_view column, const Value& cell, std::string_view asked) {
    if (std::holds_alternative<std::monostate>(cell)) {
        throw ColumnError(
            fmt::format("column '{}' is NULL, but {} was asked for: ask for a std::optional of it", column, asked));
    }
    throw ColumnError(fmt::format("column '{}' holds {}, but {} was asked for", column, kHeld[cell.index()], asked));
}

[[noreturn]] void refuse_value(std::string_view column, const Value& cell, std::string_view asked) {
    throw ColumnError(fmt::format("column '{}' holds {} that can't be had as {}", column, kHeld[cell.index()], asked));
}

/// "7.00" and "-3" are integers, "7.50" is none.
template <class Integer>
bool parse_integer(std::string_view text, Integer& out) {
    const std::size_t point = text.find('.');
    if (point != std::string_view::npos) {
        if (text.find_first_not_of('0', point + 1) != std::string_view::npos) return false;
        text = text.substr(0, point);
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
}

bool is_decimal(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == std::string_view::npos) return !text.empty();
    if (text[digits] != '.') return false;
    const std::string_view fraction = text.substr(digits + 1);
    return fraction.find_first_not_of("0123456789") == std::string_view::npos && digits + fraction.size() > 0;
}

/// The integer in the cell, if it holds one that fits.
template <class Integer>
bool integer_of(const Value& cell, Integer& out) {
    if (const auto* number = std::get_if<std::int64_t>(&cell)) {
        out = static_cast<Integer>(*number);
        return std::in_range<Integer>(*number);
    }
    if (const auto* number = std::get_if<std::uint64_t>(&cell)) {
        out = static_cast<Integer>(*number);
        return std::in_range<Integer>(*number);
    }
    if (const auto* truth = std::get_if<bool>(&cell)) {
        out = *truth ? 1 : 0;
        return true;
    }
    const auto* decimal = std::get_if<Decimal>(&cell);
    return decimal != nullptr && parse_integer(decimal->text, out);
}

bool may_be_integer(const Value& cell) {
    return std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<std::uint64_t>(cell) ||
           std::holds_alternative<bool>(cell) || std::holds_alternative<Decimal>(cell);
}

template <class Integer>
Integer read_integer(std::string_view column, const Value& cell, Integer least, Integer most, std::string_view sign) {
    Integer number = 0;
    if (integer_of(cell, number) && number >= least && number <= most) return number;
    int bits = 0;
    for (Integer rest = most; rest != 0; rest = static_cast<Integer>(rest / 2)) ++bits;
    const std::string asked = fmt::format("{} {}-bit integer", sign, least == 0 ? bits : bits + 1);
    if (may_be_integer(cell)) refuse_value(column, cell, asked);
    refuse_type(column, cell, asked);
}

}  // namespace

bool read_bool(std::string_view column, const Value& cell) {
    constexpr std::string_view kAsked = "a bool";
    if (const auto* truth = std::get_if<bool>(&cell)) return *truth;
    std::uint64_t number = 0;
    if (!may_be_integer(cell) || std::holds_alternative<Decimal>(cell)) refuse_type(column, cell, kAsked);
    if (!integer_of(cell, number) || number > 1) refuse_value(column, cell, kAsked);
    return number == 1;
}

std::int64_t read_signed(std::string_view column, const Value& cell, std::int64_t least, std::int64_t most) {
    return read_integer(column, cell, least, most, "a signed");
}

std::uint64_t read_unsigned(std::string_view column, const Value& cell, std::uint64_t most) {
    return read_integer(column, cell, std::uint64_t{0}, most, "an unsigned");
}

double read_double(std::string_view column, const Value& cell) {
    constexpr std::string_view kAsked = "a double";
    if (const auto* number = std::get_if<double>(&cell)) return *number;
    if (const auto* decimal = std::get_if<Decimal>(&cell)) {
        double number = 0;
        const char* end = decimal->text.data() + decimal->text.size();
        const auto parsed = std::from_chars(decimal->text.data(), end, number);
        if (parsed.ec != std::errc() || parsed.ptr != end) refuse_value(column, cell, kAsked);
        return number;
    }
    // Beyond 2^53 not every integer is a double.
    constexpr std::int64_t kExact = std::int64_t{1} << std::numeric_limits<double>::digits;
    std::int64_t number = 0;
    if (!may_be_integer(cell) || std::holds_alternative<bool>(cell)) refuse_type(column, cell, kAsked);
    if (!integer_of(cell, number) || number > kExact || number < -kExact) refuse_value(column, cell, kAsked);
    return static_cast<double>(number);
}

std::string_view read_text(std::string_view column, const Value& cell) {
    if (const auto* text = std::get_if<std::string>(&cell)) return *text;
    if (const auto* decimal = std::get_if<Decimal>(&cell)) return decimal->text;
    refuse_type(column, cell, "text");
}

const Bytes& read_bytes(std::string_view column, const Value& cell) {
    if (const auto* bytes = std::get_if<Bytes>(&cell)) return *bytes;
    refuse_type(column, cell, "bytes");
}

Decimal read_decimal(std::string_view column, const Value& cell) {
    constexpr std::string_view kAsked = "a decimal";
    if (const auto* decimal = std::get_if<Decimal>(&cell)) return *decimal;
    if (const auto* number = std::get_if<std::int64_t>(&cell)) return {std::to_string(*number)};
    if (const auto* number = std::get_if<std::uint64_t>(&cell)) return {std::to_string(*number)};
    if (const auto* number = std::get_if<double>(&cell)) {
        std::array<char, 400> digits{};  // the greatest double has 309 of them
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), *number, std::chars_format::fixed);
        if (!std::isfinite(*number) || end.ec != std::errc()) refuse_value(column, cell, kAsked);
        return {std::string(digits.data(), end.ptr)};
    }
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr) refuse_type(column, cell, kAsked);
    if (!is_decimal(*text)) refuse_value(column, cell, kAsked);
    return {*text};
}

Date read_date(std::string_view column, const Value& cell) {
    constexpr std::string_view kAsked = "a date";
    if (const auto* date = std::get_if<Date>(&cell)) return *date;
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr) refuse_type(column, cell, kAsked);
    const std::optional<Date> date = parse_iso_date(*text);
    if (!date) refuse_value(column, cell, kAsked);
    return *date;
}

DateTime read_date_time(std::string_view column, const Value& cell) {
    constexpr std::string_view kAsked = "a date with time";
    if (const auto* moment = std::get_if<DateTime>(&cell)) return *moment;
    if (const auto* date = std::get_if<Date>(&cell)) {
        if (!date->ok()) refuse_value(column, cell, kAsked);
        return std::chrono::sys_days(*date);
    }
    const auto* text = std::get_if<std::string>(&cell);
    if (text == nullptr) refuse_type(column, cell, kAsked);
    const std::optional<DateTime> moment = parse_iso_date_time(*text);
    if (!moment) refuse_value(column, cell, kAsked);
    return *moment;
}

}  // namespace caropig::db::detail
