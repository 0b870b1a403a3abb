#pragma once

#include <caropig/db/value.h>

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Values on their way to PostgreSQL and back. Arguments take the form that suits the type which the server has
/// inferred for the parameter; results come as text, in the styles that the driver sets for its session.
namespace caropig::db {

/// A type's number in pg_type, fixed for the built-in ones.
using PostgresType = unsigned int;

/// An argument can't be sent: it has no form in PostgreSQL. what() names it by its position, never by its value.
class PostgresArgumentError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The arguments of one statement as libpq takes them. Text and bytes are borrowed from `arguments`, which must
/// outlive it.
///
/// Text, numbers, dates and booleans go as text, which the server reads as the parameter's type: an int64 fits int2,
/// int4, numeric or text alike. Bytes, and text for a bytea, go as they are, so that no zero byte or backslash means
/// anything.
class PostgresArguments {
public:
    /// `types` are those of the statement's parameters, as many as `arguments`. Throws PostgresArgumentError: text
    /// with a zero byte, a date that is none.
    PostgresArguments(std::span<const Value> arguments, std::span<const PostgresType> types);
    PostgresArguments(const PostgresArguments&) = delete;
    PostgresArguments& operator=(const PostgresArguments&) = delete;
    ~PostgresArguments() = default;

    [[nodiscard]] int count() const noexcept { return static_cast<int>(values_.size()); }
    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }
    [[nodiscard]] const int* lengths() const noexcept { return lengths_.data(); }
    [[nodiscard]] const int* formats() const noexcept { return formats_.data(); }

    /// What was sent for the argument at `index`; empty for NULL.
    [[nodiscard]] std::string_view text(std::size_t index) const noexcept {
        return values_[index] == nullptr ? std::string_view()
                                         : std::string_view(values_[index], static_cast<std::size_t>(lengths_[index]));
    }

private:
    void encode(const Value& value, PostgresType type);
    void borrow(const char* data, std::size_t size, int format);
    void own(std::string text);

    std::vector<std::string> owned_;
    std::vector<const char*> values_;
    std::vector<int> lengths_;
    std::vector<int> formats_;
};

/// A cell of a result, in text form. What Date and DateTime can't hold (infinity, years beyond 32767) stays text.
Value decode_postgres(std::string_view text, PostgresType type);

}  // namespace caropig::db
