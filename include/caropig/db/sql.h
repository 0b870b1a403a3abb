#pragma once

#include <caropig/db/value.h>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// \file
/// A statement's text comes from the program and its arguments from anywhere; who mixes them up has an injection. So
/// the text is a constant that the compiler checks, and arguments go to the database beside it, never inside of it.
namespace caropig::db {

/// The text of a statement: a string literal converts to it, anything that is put together at run time doesn't. `?`
/// stands for an argument in every database.
class Sql {
public:
    /// Only constants: `database.query("SELECT name FROM users WHERE id = ?", id)`.
    consteval Sql(const char* literal) : text_(literal) {}  // NOLINT: implicit, so that a literal will do
    Sql(const std::string& text) = delete;

    /// For a text that has to be put together at run time: a list of `?`, the name of a table. From constants only,
    /// never from what a user sent: that goes into an argument. The text must live until query() has returned its
    /// task, not longer: `database.query(Sql::composed("SELECT … IN (" + marks + ")"), …)`.
    static Sql composed(std::string_view text) noexcept { return {text, false}; }

    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    /// Whether the text lives as long as the program.
    [[nodiscard]] bool is_literal() const noexcept { return literal_; }

private:
    Sql(std::string_view text, bool literal) noexcept : text_(text), literal_(literal) {}

    std::string_view text_;
    bool literal_ = true;
};

namespace detail {

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

/// The argument as a Value that owns what it holds.
template <class Argument>
Value to_value(Argument&& argument) {
    using T = std::remove_cvref_t<Argument>;
    if constexpr (std::same_as<T, std::nullptr_t> || std::same_as<T, std::nullopt_t>) {
        return std::monostate();
    } else if constexpr (is_optional<T>) {
        return argument ? to_value(*std::forward<Argument>(argument)) : Value();
    } else if constexpr (std::same_as<T, bool>) {
        return argument;
    } else if constexpr (std::signed_integral<T> && !Character<T>) {
        return std::int64_t{argument};
    } else if constexpr (std::unsigned_integral<T> && !Character<T>) {
        return std::uint64_t{argument};
    } else if constexpr (std::same_as<T, float> || std::same_as<T, double>) {
        return double{argument};
    } else if constexpr (std::same_as<T, std::string> || std::same_as<T, Bytes> || std::same_as<T, Decimal> ||
                         std::same_as<T, Date> || std::same_as<T, Value>) {
        return std::forward<Argument>(argument);
    } else if constexpr (std::is_convertible_v<Argument, std::string_view>) {
        return std::string(std::string_view(argument));
    } else if constexpr (std::is_convertible_v<Argument, DateTime>) {
        return DateTime(argument);
    } else {
        static_assert(sizeof(T) == 0,
                      "not an argument of a statement: give a number, bool, text, db::Bytes, db::Decimal, db::Date, "
                      "db::DateTime, nullptr, or a std::optional of one of these");
    }
}

/// A statement with its arguments, which it owns: what query(sql, args...) makes before anything can wait.
class Statement {
public:
    template <class... Arguments>
    explicit Statement(Sql sql, Arguments&&... arguments) {
        if (sql.is_literal()) {
            literal_ = sql.text();
        } else {
            owned_ = sql.text();
        }
        if constexpr (sizeof...(Arguments) != 0) {
            arguments_.reserve(sizeof...(Arguments));
            (arguments_.push_back(to_value(std::forward<Arguments>(arguments))), ...);
        }
    }

    [[nodiscard]] std::string_view text() const noexcept { return owned_.empty() ? literal_ : owned_; }
    [[nodiscard]] const std::vector<Value>& arguments() const noexcept { return arguments_; }

private:
    std::string_view literal_;
    std::string owned_;
    std::vector<Value> arguments_;
};

}  // namespace detail
}  // namespace caropig::db
