#pragma once

#include <caropig/db/outcome.h>
#include <caropig/db/value.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// \file
/// What a query gives: rows whose cells are asked for by type, since the program knows what it selected and a database
/// has its own idea of types. What can be had from what:
///
/// | asked for                | what the cell may hold                                                          |
/// |--------------------------|---------------------------------------------------------------------------------|
/// | bool                     | a bool; an integer 0 or 1                                                       |
/// | an integer               | an integer in its range; a bool; a decimal without a fraction (sums)            |
/// | double, float            | a double; a decimal; an integer that fits exactly                               |
/// | std::string, string_view | text; a decimal, as it is written                                               |
/// | db::Bytes                | bytes                                                                           |
/// | db::Decimal              | a decimal; an integer; a double, in its shortest form; text that is a number    |
/// | db::Date                 | a date; text "2026-03-01"                                                       |
/// | db::DateTime             | a date with time; a date (midnight); text "2026-03-01 12:30:00.5", also with "T", |
/// |                          | without seconds, and with "Z" or "+00:00" at its end                            |
/// | std::optional<any>       | the same, or NULL                                                               |
/// | db::Value                | anything, as it is                                                              |
///
/// SQLite has neither bool nor dates: it gives integers and text.
namespace caropig::db {

/// A column is missing, stands twice, or holds what can't be had as the type that was asked for. what() names the
/// column, what it holds and what was asked, never the value.
class ColumnError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Row;

namespace detail {

/// Reads a row into a described struct: #include <caropig/db/described.h>.
template <class T>
struct DescribedRow;

std::size_t index_of(const std::vector<std::string>& columns, std::string_view name);
[[noreturn]] void refuse_index(std::size_t index, std::size_t columns);

bool read_bool(std::string_view column, const Value& cell);
std::int64_t read_signed(std::string_view column, const Value& cell, std::int64_t least, std::int64_t most);
std::uint64_t read_unsigned(std::string_view column, const Value& cell, std::uint64_t most);
double read_double(std::string_view column, const Value& cell);
std::string_view read_text(std::string_view column, const Value& cell);
const Bytes& read_bytes(std::string_view column, const Value& cell);
Decimal read_decimal(std::string_view column, const Value& cell);
Date read_date(std::string_view column, const Value& cell);
DateTime read_date_time(std::string_view column, const Value& cell);

template <class T>
T read_cell(std::string_view column, const Value& cell) {
    if constexpr (is_optional<T>) {
        if (std::holds_alternative<std::monostate>(cell)) return std::nullopt;
        return read_cell<typename T::value_type>(column, cell);
    } else if constexpr (std::same_as<T, Value>) {
        return cell;
    } else if constexpr (std::same_as<T, bool>) {
        return read_bool(column, cell);
    } else if constexpr (std::signed_integral<T> && !std::same_as<T, char>) {
        using Limits = std::numeric_limits<T>;
        return static_cast<T>(read_signed(column, cell, Limits::min(), Limits::max()));
    } else if constexpr (std::unsigned_integral<T>) {
        return static_cast<T>(read_unsigned(column, cell, std::numeric_limits<T>::max()));
    } else if constexpr (std::floating_point<T>) {
        return static_cast<T>(read_double(column, cell));
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>) {
        return T(read_text(column, cell));
    } else if constexpr (std::same_as<T, Bytes>) {
        return read_bytes(column, cell);
    } else if constexpr (std::same_as<T, Decimal>) {
        return read_decimal(column, cell);
    } else if constexpr (std::same_as<T, Date>) {
        return read_date(column, cell);
    } else if constexpr (std::same_as<T, DateTime>) {
        return read_date_time(column, cell);
    } else {
        static_assert(sizeof(T) == 0, "not a type of a column: see the table in caropig/db/row.h");
    }
}

}  // namespace detail

/// One row, a view: valid as long as the Rows it is of, or until the next RowStream::next().
class Row {
public:
    /// For those who hold the cells.
    Row(const std::vector<std::string>& columns, const Value* cells) noexcept : columns_(&columns), cells_(cells) {}

    /// The cell of a column, by the table above: `row.get<std::int64_t>("id")`. Throws ColumnError. A string_view is
    /// valid as long as the row.
    template <class T>
    [[nodiscard]] T get(std::string_view column) const {
        return detail::read_cell<T>(column, cells_[detail::index_of(*columns_, column)]);
    }
    /// By the column's place, from 0 on.
    template <class T>
    [[nodiscard]] T get(std::size_t column) const {
        if (column >= size()) detail::refuse_index(column, size());
        return detail::read_cell<T>((*columns_)[column], cells_[column]);
    }

    /// The row as a struct that is described with Boost.Describe, members by their names; columns without a member
    /// are left out. Needs <caropig/db/described.h>. Throws ColumnError.
    template <class T>
    [[nodiscard]] T as() const {
        return detail::DescribedRow<T>(*columns_).read(*this);
    }

    [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return *columns_; }
    /// How many cells it has.
    [[nodiscard]] std::size_t size() const noexcept { return columns_->size(); }

private:
    const std::vector<std::string>* columns_;
    const Value* cells_;
};

/// The whole result of a query.
class Rows {
public:
    class Iterator {
    public:
        using value_type = Row;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        Iterator(const Rows& rows, std::size_t index) noexcept : rows_(&rows), index_(index) {}
        Row operator*() const { return (*rows_)[index_]; }
        Iterator& operator++() noexcept {
            ++index_;
            return *this;
        }
        Iterator operator++(int) noexcept { return {*rows_, index_++}; }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        const Rows* rows_ = nullptr;
        std::size_t index_ = 0;
    };

    Rows() = default;
    /// For those who make results: `cells` row by row.
    Rows(std::shared_ptr<const std::vector<std::string>> columns, std::vector<Value> cells, const Outcome& outcome)
        : columns_(std::move(columns)), cells_(std::move(cells)), outcome_(outcome) {}

    [[nodiscard]] std::size_t size() const noexcept { return columns().empty() ? 0 : cells_.size() / columns().size(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Throws std::out_of_range. Not of a temporary, which the row would outlive.
    [[nodiscard]] Row operator[](std::size_t index) const&;
    Row operator[](std::size_t index) && = delete;

    [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
    [[nodiscard]] Iterator end() const noexcept { return {*this, size()}; }

    /// The names, in the order of the SELECT; none when the statement gives no rows.
    [[nodiscard]] const std::vector<std::string>& columns() const noexcept;

    /// What else the statement did: of an INSERT … RETURNING, say.
    [[nodiscard]] const Outcome& outcome() const noexcept { return outcome_; }

    /// All rows as described structs; see Row::as().
    template <class T>
    [[nodiscard]] std::vector<T> as() const {
        std::vector<T> all;
        if (empty()) return all;
        all.reserve(size());
        const detail::DescribedRow<T> described(columns());
        for (Row row : *this) all.push_back(described.read(row));
        return all;
    }

private:
    std::shared_ptr<const std::vector<std::string>> columns_;
    std::vector<Value> cells_;
    Outcome outcome_;
};

}  // namespace caropig::db
