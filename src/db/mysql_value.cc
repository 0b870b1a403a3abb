#include "db/mysql_value.h"

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace caropig::db {
namespace {

constexpr unsigned kBinaryCharset = 63;

bool is_decimal(std::string_view text) noexcept {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    bool digits = false;
    bool point = false;
    for (const char c : text) {
        if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9') {
            digits = true;
        } else {
            return false;
        }
    }
    return digits;
}

/// Nothing for what the database has no date for: its years have four digits.
std::optional<MYSQL_TIME> to_time(std::chrono::year_month_day date) noexcept {
    const int year = static_cast<int>(date.year());
    if (!date.ok() || year < 0 || year > 9999) return std::nullopt;
    MYSQL_TIME time{};
    time.year = static_cast<unsigned>(year);
    time.month = static_cast<unsigned>(date.month());
    time.day = static_cast<unsigned>(date.day());
    time.time_type = MYSQL_TIMESTAMP_DATE;
    return time;
}

std::optional<MYSQL_TIME> to_time(DateTime moment) noexcept {
    const auto midnight = std::chrono::floor<std::chrono::days>(moment);
    std::optional<MYSQL_TIME> time = to_time(std::chrono::year_month_day(midnight));
    if (!time) return std::nullopt;
    const std::chrono::hh_mm_ss clock(moment - midnight);
    time->hour = static_cast<unsigned>(clock.hours().count());
    time->minute = static_cast<unsigned>(clock.minutes().count());
    time->second = static_cast<unsigned>(clock.seconds().count());
    time->second_part = static_cast<unsigned long>(clock.subseconds().count());
    time->time_type = MYSQL_TIMESTAMP_DATETIME;
    return time;
}

Date to_date(const MYSQL_TIME& time) noexcept {
    return std::chrono::year(static_cast<int>(time.year)) / std::chrono::month(time.month) / std::chrono::day(time.day);
}

/// "0000-00-00" and "2024-00-00" are no days, and stand for an unknown one: NULL.
Value date_value(const MYSQL_TIME& time) noexcept {
    const Date date = to_date(time);
    return date.ok() ? Value(date) : Value();
}

Value date_time_value(const MYSQL_TIME& time) noexcept {
    const Date date = to_date(time);
    if (!date.ok()) return {};
    return DateTime(std::chrono::sys_days(date)) + std::chrono::hours(time.hour) + std::chrono::minutes(time.minute) +
           std::chrono::seconds(time.second) + std::chrono::microseconds(time.second_part);
}

/// Makes an argument of each kind of value. The result is what is wrong with it, or null.
struct Binder {
    MYSQL_BIND& bind;
    std::vector<MYSQL_TIME>& times;
    std::size_t& bytes;

    const char* operator()(std::monostate) const noexcept { return plain(MYSQL_TYPE_NULL, nullptr); }
    const char* operator()(const bool& value) const noexcept { return plain(MYSQL_TYPE_TINY, &value); }
    const char* operator()(const std::int64_t& value) const noexcept { return plain(MYSQL_TYPE_LONGLONG, &value); }
    const char* operator()(const std::uint64_t& value) const noexcept {
        bind.is_unsigned = 1;
        return plain(MYSQL_TYPE_LONGLONG, &value);
    }
    const char* operator()(const double& value) const noexcept { return plain(MYSQL_TYPE_DOUBLE, &value); }
    const char* operator()(const std::string& value) const noexcept {
        return sized(MYSQL_TYPE_STRING, value.data(), value.size());
    }
    const char* operator()(const Bytes& value) const noexcept {
        return sized(MYSQL_TYPE_LONG_BLOB, value.data.data(), value.data.size());
    }
    const char* operator()(const Decimal& value) const noexcept {
        if (!is_decimal(value.text)) return "no decimal number";
        return sized(MYSQL_TYPE_NEWDECIMAL, value.text.data(), value.text.size());
    }
    const char* operator()(const Date& value) const { return time(MYSQL_TYPE_DATE, to_time(value)); }
    const char* operator()(const DateTime& value) const { return time(MYSQL_TYPE_DATETIME, to_time(value)); }

private:
    const char* plain(enum_field_types type, const void* data) const noexcept {
        bind.buffer_type = type;
        bind.buffer = const_cast<void*>(data);
        return nullptr;
    }
    const char* sized(enum_field_types type, const void* data, std::size_t size) const noexcept {
        bind.buffer_length = size;
        bytes += size;
        return plain(type, data != nullptr ? data : "");  // null would be NULL
    }
    const char* time(enum_field_types type, const std::optional<MYSQL_TIME>& value) const {
        if (!value) return "no date of the years 0 to 9999";
        times.push_back(*value);
        return plain(type, &times.back());
    }
};

}  // namespace

std::expected<MysqlArguments, std::string> MysqlArguments::make(std::span<const Value> values) {
    MysqlArguments result;
    result.binds_.resize(values.size());
    result.times_.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const char* wrong = std::visit(Binder{result.binds_[i], result.times_, result.bytes_}, values[i]);
        if (wrong != nullptr) return std::unexpected(fmt::format("argument {} is {}", i + 1, wrong));
    }
    return result;
}

MysqlRow::Kind MysqlRow::kind_of(const MYSQL_FIELD& field) noexcept {
    switch (field.type) {
        case MYSQL_TYPE_NULL:
            return Kind::kNull;
        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_SHORT:
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_LONGLONG:
        case MYSQL_TYPE_YEAR:
            return (field.flags & UNSIGNED_FLAG) != 0 ? Kind::kUnsigned : Kind::kSigned;
        case MYSQL_TYPE_FLOAT:
            return Kind::kFloat;
        case MYSQL_TYPE_DOUBLE:
            return Kind::kDouble;
        case MYSQL_TYPE_DATE:
        case MYSQL_TYPE_NEWDATE:
            return Kind::kDate;
        case MYSQL_TYPE_DATETIME:
        case MYSQL_TYPE_TIMESTAMP:
            return Kind::kDateTime;
        case MYSQL_TYPE_BIT:
            return Kind::kBit;
        case MYSQL_TYPE_DECIMAL:
        case MYSQL_TYPE_NEWDECIMAL:
            return Kind::kDecimal;
        case MYSQL_TYPE_TIME:
        case MYSQL_TYPE_JSON:  // MySQL says that its JSON is binary
            return Kind::kText;
        default:
            return field.charsetnr == kBinaryCharset ? Kind::kBytes : Kind::kText;
    }
}

void MysqlRow::bind(const Cell& cell, MYSQL_BIND& bind) noexcept {
    switch (cell.kind) {
        case Kind::kNull:
            bind.buffer_type = MYSQL_TYPE_NULL;
            return;
        case Kind::kSigned:
        case Kind::kUnsigned:
            bind.buffer_type = MYSQL_TYPE_LONGLONG;
            bind.is_unsigned = cell.kind == Kind::kUnsigned ? 1 : 0;
            break;
        case Kind::kFloat:
            bind.buffer_type = MYSQL_TYPE_FLOAT;
            break;
        case Kind::kDouble:
            bind.buffer_type = MYSQL_TYPE_DOUBLE;
            break;
        case Kind::kDate:
            bind.buffer_type = MYSQL_TYPE_DATE;
            break;
        case Kind::kDateTime:
            bind.buffer_type = MYSQL_TYPE_DATETIME;
            break;
        default:  // only the length, for now
            bind.buffer_type = MYSQL_TYPE_LONG_BLOB;
            return;
    }
    const bool has_date = cell.kind == Kind::kDate || cell.kind == Kind::kDateTime;
    bind.buffer = const_cast<void*>(has_date ? static_cast<const void*>(&cell.time) : &cell.number);
    bind.buffer_length = has_date ? sizeof cell.time : sizeof cell.number;
}

MysqlRow::MysqlRow(std::span<const MYSQL_FIELD> fields) : cells_(fields.size()), binds_(fields.size()) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
        cells_[i].kind = kind_of(fields[i]);
        bind(cells_[i], binds_[i]);
        binds_[i].is_null = &cells_[i].is_null;
        binds_[i].length = &cells_[i].length;
        binds_[i].error = &cells_[i].error;
    }
}

bool MysqlRow::append_to(std::vector<Value>& cells, MYSQL_STMT* statement) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        const Cell& cell = cells_[i];
        Value& value = cells.emplace_back();
        if (cell.is_null != 0) continue;
        // The rest of what the library still holds goes straight into the value.
        auto read_into = [&](void* data, std::size_t size) {
            MYSQL_BIND whole{};
            whole.buffer_type = MYSQL_TYPE_LONG_BLOB;
            whole.buffer = data;
            whole.buffer_length = size;
            return size == 0 || ::mysql_stmt_fetch_column(statement, &whole, static_cast<unsigned>(i), 0) == 0;
        };
        auto read_text = [&](std::string& text) {
            text.resize(cell.length);
            return read_into(text.data(), text.size());
        };
        bool complete = true;
        switch (cell.kind) {
            case Kind::kNull:
                break;
            case Kind::kSigned:
                value = cell.number.signed_number;
                break;
            case Kind::kUnsigned:
                value = cell.number.unsigned_number;
                break;
            case Kind::kFloat:
                value = static_cast<double>(cell.number.float_number);
                break;
            case Kind::kDouble:
                value = cell.number.double_number;
                break;
            case Kind::kDate:
                value = date_value(cell.time);
                break;
            case Kind::kDateTime:
                value = date_time_value(cell.time);
                break;
            case Kind::kBit: {
                std::array<unsigned char, 8> bytes{};
                const std::size_t size = std::min<std::size_t>(cell.length, bytes.size());
                complete = read_into(bytes.data(), size);
                std::uint64_t bits = 0;
                for (std::size_t at = 0; at < size; ++at) bits = bits << 8 | bytes[at];
                value = bits;
                break;
            }
            case Kind::kDecimal:
                complete = read_text(value.emplace<Decimal>().text);
                break;
            case Kind::kText:
                complete = read_text(value.emplace<std::string>());
                break;
            case Kind::kBytes: {
                auto& data = value.emplace<Bytes>().data;
                data.resize(cell.length);
                complete = read_into(data.data(), data.size());
                break;
            }
        }
        if (!complete) return false;
    }
    return true;
}

}  // namespace caropig::db
