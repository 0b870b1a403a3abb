#pragma once

#include <caropig/template/options.h>
#include <caropig/template/value.h>

#include <cstdint>
#include <string_view>

/// \file
/// Python's operators on values. All throw Failure where Python raises an error; integers that leave 64 bits are an
/// error too.
namespace caropig::templates {

enum class BinaryOperator : std::uint8_t {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kFloorDivide,
    kModulo,
    kPower,
    kBitOr,
    kBitAnd,
    kBitXor,
    kShiftLeft,
    kShiftRight,
};

enum class Comparison : std::uint8_t {
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kIn,
    kNotIn,
    kIs,  // with None, True or False on one side
    kIsNot,
};

Value calculate(BinaryOperator op, const Value& left, const Value& right, const Limits& limits);
Value negate(const Value& value);
Value bit_invert(const Value& value);

bool compare(Comparison op, const Value& left, const Value& right);

/// `==`, which never fails.
bool equal(const Value& left, const Value& right);

/// `<`, for sorting: Failure (kType) for values without an order between them.
bool less(const Value& left, const Value& right);

/// container[key]; negative positions count from the end.
Value index_of(const Value& container, const Value& key);

/// container[start:stop:step]; undefined() for a bound that was left out.
Value slice_of(const Value& container, const Value& start, const Value& stop, const Value& step);

/// What `for` and functions that take an iterable go through: the items of a list, tuple or range, the keys of a dict,
/// the characters of a string.
List iterate(const Value& iterable, const Limits& limits);

/// Failure (kLimit) if that many items or bytes are more than a value may have.
void check_items(std::size_t count, const Limits& limits);
void check_size(std::size_t bytes, const Limits& limits);

}  // namespace caropig::templates
