#include "db/postgres_values.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

namespace caropig::db {
namespace {

// pg_type.dat of PostgreSQL; these numbers never change.
enum : PostgresType {
    kBool = 16,
    kBytea = 17,
    kName = 19,
    kInt8 = 20,
    kInt2 = 21,
    kInt4 = 23,
    kText = 25,
    kOid = 26,
    kJson = 114,
    kXml = 142,
    kFloat4 = 700,
    kFloat8 = 701,
    kBpchar = 1042,
    kVarchar = 1043,
    kDate = 1082,
    kTimestamp = 1114,
    kTimestamptz = 1184,
    kNumeric = 1700,
};
constexpr int kTextFormat = 0;
constexpr int kBinaryFormat = 1;

bool is_number(PostgresType type) noexcept {
    switch (type) {
        case kInt2:
        case kInt4:
        case kInt8:
        case kFloat4:
        case kFloat8:
        case kNumeric:
        case kOid:
            return true;
        default:
            return false;
    }
}

/// Whether the type's binary form is its text.
bool is_text(PostgresType type) noexcept {
    switch (type) {
        case kText:
        case kVarchar:
        case kBpchar:
        case kName:
        case kJson:
        case kXml:
            return true;
        default:
            return false;
    }
}

std::string text_of(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return fmt::format("{}", number);
}

/// The year 0 of std::chrono is 1 BC.
std::string text_of(Date date, std::string_view time = {}) {
    if (!date.ok()) throw PostgresArgumentError("a date that is none");
    int year = static_cast<int>(date.year());
    bool before_christ = year <= 0;
    return fmt::format("{:04}-{:02}-{:02}{}{}", before_christ ? 1 - year : year, static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), time, before_christ ? " BC" : "");
}

std::string text_of(DateTime moment, PostgresType type) {
    auto days = std::chrono::floor<std::chrono::days>(moment);
    if (days < std::chrono::sys_days(std::chrono::year::min() / 1 / 1) ||
        days > std::chrono::sys_days(std::chrono::year::max() / 12 / 31)) {
        throw PostgresArgumentError("a moment beyond the years that a date can have");
    }
    std::chrono::hh_mm_ss time(moment - days);
    std::string text =
        fmt::format(" {:02}:{:02}:{:02}.{:06}{}", time.hours().count(), time.minutes().count(), time.seconds().count(),
                    time.subseconds().count(), type == kTimestamptz ? "+00" : "");
    return text_of(Date(days), text);
}

std::string hex_of(const Bytes& bytes) {
    std::string text = "\\x";
    text.reserve(2 + 2 * bytes.data.size());
    for (std::byte byte : bytes.data) fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned>(byte));
    return text;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<double> parse_double(std::string_view text) {
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
    if (text == "Infinity") return std::numeric_limits<double>::infinity();
    if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
    return parse_number<double>(text);
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

std::optional<Bytes> parse_bytea(std::string_view text) {
    if (!text.starts_with("\\x") || text.size() % 2 != 0) return std::nullopt;
    Bytes bytes;
    bytes.data.reserve(text.size() / 2 - 1);
    for (std::size_t i = 2; i < text.size(); i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes.data.push_back(static_cast<std::byte>(high << 4 | low));
    }
    return bytes;
}

/// Takes ISO dates and times apart, "2024-02-29 12:30:00.5+05:30 BC", from the left.
class IsoReader {
public:
    explicit IsoReader(std::string_view text) : text_(text) {
        if (text_.ends_with(" BC")) {
            before_christ_ = true;
            text_.remove_suffix(3);
        }
    }

    [[nodiscard]] bool at_end() const noexcept { return text_.empty(); }

    /// Whether `c` comes next; then it is taken.
    bool take(char c) noexcept {
        if (!text_.starts_with(c)) return false;
        text_.remove_prefix(1);
        return true;
    }

    /// At least `digits` digits, and no sign.
    std::optional<int> number(std::size_t digits) noexcept {
        std::size_t size = std::min(text_.find_first_not_of("0123456789"), text_.size());
        auto value = size < digits ? std::nullopt : parse_number<int>(text_.substr(0, size));
        text_.remove_prefix(size);
        return value;
    }

    std::optional<Date> date() noexcept {
        auto year = number(4);
        auto month = take('-') ? number(2) : std::nullopt;
        auto day = take('-') ? number(2) : std::nullopt;
        if (!year || !month || !day) return std::nullopt;
        int astronomical = before_christ_ ? 1 - *year : *year;
        if (astronomical < static_cast<int>(std::chrono::year::min()) ||
            astronomical > static_cast<int>(std::chrono::year::max())) {
            return std::nullopt;
        }
        Date date(std::chrono::year(astronomical), std::chrono::month(static_cast<unsigned>(*month)),
                  std::chrono::day(static_cast<unsigned>(*day)));
        return date.ok() ? std::optional(date) : std::nullopt;
    }

    std::optional<std::chrono::microseconds> time() noexcept {
        auto result = hours_and_below(2);
        if (!result || !take('.')) return result;
        std::size_t size = text_.size();
        auto fraction = number(1);
        if (!fraction) return std::nullopt;
        std::chrono::microseconds::rep scaled = *fraction;
        for (std::size_t digits = size - text_.size(); digits < 6; ++digits) scaled *= 10;
        return *result + std::chrono::microseconds(scaled);
    }

    /// "+05:30": what local time is ahead of UTC; zero when there is no zone.
    std::optional<std::chrono::microseconds> offset() noexcept {
        if (take('+')) return hours_and_below(0);
        if (!take('-')) return std::chrono::microseconds(0);
        auto behind = hours_and_below(0);
        return behind ? std::optional(-*behind) : std::nullopt;
    }

private:
    /// "03:04:05", of which the last `required` parts must be there.
    std::optional<std::chrono::microseconds> hours_and_below(int required) noexcept {
        auto hours = number(2);
        if (!hours) return std::nullopt;
        std::chrono::microseconds result = std::chrono::hours(*hours);
        std::chrono::seconds unit = std::chrono::minutes(1);
        for (int part = 0; part < 2; ++part, unit /= 60) {
            if (!take(':')) return part >= required ? std::optional(result) : std::nullopt;
            auto value = number(2);
            if (!value) return std::nullopt;
            result += *value * unit;
        }
        return result;
    }

    std::string_view text_;
    bool before_christ_ = false;
};

std::optional<Date> parse_date(std::string_view text) {
    IsoReader reader(text);
    auto date = reader.date();
    return reader.at_end() ? date : std::nullopt;
}

std::optional<DateTime> parse_date_time(std::string_view text) {
    IsoReader reader(text);
    auto date = reader.date();
    if (!date || !reader.take(' ')) return std::nullopt;
    auto time = reader.time();
    auto offset = reader.offset();
    if (!time || !offset || !reader.at_end()) return std::nullopt;
    return DateTime(std::chrono::sys_days(*date)) + *time - *offset;
}

/// What could not be read stays text: the session's styles may have been changed.
template <class T>
Value value_or_text(std::optional<T> parsed, std::string_view text) {
    if (parsed) return Value(std::move(*parsed));
    return Value(std::string(text));
}

}  // namespace

PostgresArguments::PostgresArguments(std::span<const Value> arguments, std::span<const PostgresType> types) {
    owned_.reserve(arguments.size());  // so that no text moves
    values_.reserve(arguments.size());
    lengths_.reserve(arguments.size());
    formats_.reserve(arguments.size());
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        try {
            encode(arguments[i], types[i]);
        } catch (const PostgresArgumentError& error) {
            throw PostgresArgumentError(fmt::format("argument {} is {}", i + 1, error.what()));
        }
    }
}

void PostgresArguments::encode(const Value& value, PostgresType type) {
    if (std::holds_alternative<std::monostate>(value)) {
        borrow(nullptr, 0, kTextFormat);
    } else if (const auto* boolean = std::get_if<bool>(&value)) {
        own(is_number(type) ? (*boolean ? "1" : "0") : (*boolean ? "true" : "false"));
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        own(std::to_string(*integer));
    } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
        own(std::to_string(*natural));
    } else if (const auto* real = std::get_if<double>(&value)) {
        own(text_of(*real));
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        if (type != kBytea && text->find('\0') != std::string::npos) {
            throw PostgresArgumentError("text with a zero byte, which PostgreSQL can't hold");
        }
        borrow(text->c_str(), text->size(), type == kBytea ? kBinaryFormat : kTextFormat);
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
        if (type != kBytea && !is_text(type)) {
            own(hex_of(*bytes));
        } else {
            const void* data = bytes->data.empty() ? "" : static_cast<const void*>(bytes->data.data());
            borrow(static_cast<const char*>(data), bytes->data.size(), kBinaryFormat);
        }
    } else if (const auto* decimal = std::get_if<Decimal>(&value)) {
        if (decimal->text.find('\0') != std::string::npos) throw PostgresArgumentError("a decimal with a zero byte");
        borrow(decimal->text.c_str(), decimal->text.size(), kTextFormat);
    } else if (const auto* date = std::get_if<Date>(&value)) {
        own(text_of(*date));
    } else {
        own(text_of(std::get<DateTime>(value), type));
    }
}

void PostgresArguments::borrow(const char* data, std::size_t size, int format) {
    if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
        throw PostgresArgumentError("longer than 2 GiB");
    }
    values_.push_back(data);
    lengths_.push_back(static_cast<int>(size));
    formats_.push_back(format);
}

void PostgresArguments::own(std::string text) {
    const std::string& kept = owned_.emplace_back(std::move(text));
    borrow(kept.c_str(), kept.size(), kTextFormat);
}

Value decode_postgres(std::string_view text, PostgresType type) {
    switch (type) {
        case kBool:
            return Value(text == "t");
        case kInt2:
        case kInt4:
        case kInt8:
        case kOid:
            return value_or_text(parse_number<std::int64_t>(text), text);
        case kFloat4:
        case kFloat8:
            return value_or_text(parse_double(text), text);
        case kNumeric:
            return Value(Decimal{std::string(text)});
        case kBytea:
            return value_or_text(parse_bytea(text), text);
        case kDate:
            return value_or_text(parse_date(text), text);
        case kTimestamp:
        case kTimestamptz:
            return value_or_text(parse_date_time(text), text);
        default:
            return Value(std::string(text));
    }
}

}  // namespace caropig::db
