#include "template/operators.h"

#include "template/format.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr int kMaxDepth = 200;

std::string_view symbol_of(BinaryOperator op) noexcept {
    static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "**", "|", "&", "^", "<<", ">>"};
    return kSymbols[static_cast<std::size_t>(op)];
}

std::string_view symbol_of(Comparison op) noexcept {
    static constexpr std::string_view kSymbols[] = {"==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not"};
    return kSymbols[static_cast<std::size_t>(op)];
}

[[noreturn]] void overflow(std::string_view operation) {
    throw Failure(ErrorKind::kOverflow, fmt::format("the result of {} is beyond 64 bits with sign", operation));
}

[[noreturn]] void unsupported(std::string_view symbol, const Value& left, const Value& right) {
    throw Failure(ErrorKind::kType,
                  fmt::format("'{}' is not possible between {} and {}", symbol, left.type_name(), right.type_name()));
}

[[noreturn]] void zero_division() { throw Failure(ErrorKind::kZeroDivision, "division by zero"); }

bool is_integer(const Value& value) noexcept {
    return value.kind() == Value::Kind::kInt || value.kind() == Value::Kind::kBool;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
    if (b == 0) zero_division();
    if (b == -1) {
        if (a == std::numeric_limits<std::int64_t>::min()) overflow("//");
        return -a;
    }
    const std::int64_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t modulo(std::int64_t a, std::int64_t b) {
    if (b == 0) zero_division();
    if (b == -1) return 0;
    const std::int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double modulo(double a, double b) {
    if (b == 0) zero_division();
    const double rest = std::fmod(a, b);
    if (rest == 0) return std::copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_divide(double a, double b) {
    if (b == 0) zero_division();
    const double quotient = (a - modulo(a, b)) / b;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double floored = std::floor(quotient);
    return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) zero_division();
        return std::pow(static_cast<double>(base), static_cast<double>(exponent));
    }
    std::int64_t result = 1;
    for (; exponent != 0; exponent >>= 1) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow("**");
        // The last square is not needed: it may overflow.
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base)) overflow("**");
    }
    return result;
}

Value power(double base, double exponent) {
    if (base == 0 && exponent < 0) zero_division();
    if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
        throw Failure(ErrorKind::kValue, "a fractional power of a negative number is complex");
    }
    const double result = std::pow(base, exponent);
    if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) overflow("**");
    return result;
}

Value shift(BinaryOperator op, std::int64_t left, std::int64_t right) {
    if (right < 0) throw Failure(ErrorKind::kValue, "a shift by a negative count");
    if (op == BinaryOperator::kShiftRight) return left >> std::min<std::int64_t>(right, 63);
    if (left == 0) return 0;
    std::int64_t result = 0;
    if (right > 62 || __builtin_mul_overflow(left, std::int64_t{1} << right, &result)) overflow("<<");
    return result;
}

Value calculate_integers(BinaryOperator op, std::int64_t left, std::int64_t right) {
    std::int64_t result = 0;
    switch (op) {
        case BinaryOperator::kAdd:
            if (__builtin_add_overflow(left, right, &result)) overflow("+");
            return result;
        case BinaryOperator::kSubtract:
            if (__builtin_sub_overflow(left, right, &result)) overflow("-");
            return result;
        case BinaryOperator::kMultiply:
            if (__builtin_mul_overflow(left, right, &result)) overflow("*");
            return result;
        case BinaryOperator::kDivide:
            if (right == 0) zero_division();
            return static_cast<double>(left) / static_cast<double>(right);
        case BinaryOperator::kFloorDivide:
            return floor_divide(left, right);
        case BinaryOperator::kModulo:
            return modulo(left, right);
        case BinaryOperator::kPower:
            return power(left, right);
        case BinaryOperator::kBitOr:
            return left | right;
        case BinaryOperator::kBitAnd:
            return left & right;
        case BinaryOperator::kBitXor:
            return left ^ right;
        case BinaryOperator::kShiftLeft:
        case BinaryOperator::kShiftRight:
            return shift(op, left, right);
    }
    return {};
}

Value calculate_floats(BinaryOperator op, const Value& left, const Value& right) {
    const double a = left.as_double();
    const double b = right.as_double();
    switch (op) {
        case BinaryOperator::kAdd:
            return a + b;
        case BinaryOperator::kSubtract:
            return a - b;
        case BinaryOperator::kMultiply:
            return a * b;
        case BinaryOperator::kDivide:
            if (b == 0) zero_division();
            return a / b;
        case BinaryOperator::kFloorDivide:
            return floor_divide(a, b);
        case BinaryOperator::kModulo:
            return modulo(a, b);
        case BinaryOperator::kPower:
            return power(a, b);
        default:
            unsupported(symbol_of(op), left, right);
    }
}

Value concatenate(const Value& left, const Value& right, const Limits& limits) {
    if (left.is_string()) {
        check_size(left.size() + right.size(), limits);
        std::string text(left.as_string());
        text += right.as_string();
        return text;
    }
    check_items(left.size() + right.size(), limits);
    List items;
    items.reserve(left.size() + right.size());
    for (const Value* part : {&left, &right}) {
        for (std::size_t i = 0; i < part->size(); ++i) items.push_back(part->item(i));
    }
    return left.kind() == Value::Kind::kTuple ? Value::tuple(std::move(items)) : Value(std::move(items));
}

Value repeat(const Value& value, std::int64_t count, const Limits& limits) {
    const std::size_t times = count < 0 ? 0 : static_cast<std::size_t>(count);
    std::size_t total = 0;
    if (__builtin_mul_overflow(value.size(), times, &total)) total = std::numeric_limits<std::size_t>::max();
    if (value.is_string()) {
        check_size(total, limits);
        std::string text;
        text.reserve(total);
        for (std::size_t done = 0; done < total; done += value.size()) text += value.as_string();
        return text;
    }
    check_items(total, limits);
    List items;
    items.reserve(total);
    for (std::size_t i = 0; i < total; ++i) items.push_back(value.item(i % value.size()));
    return value.kind() == Value::Kind::kTuple ? Value::tuple(std::move(items)) : Value(std::move(items));
}

bool is_plain_sequence(const Value& value) noexcept {
    return value.is_string() || value.kind() == Value::Kind::kTuple ||
           (value.kind() == Value::Kind::kList && value.flavour() == Value::Flavour::kPlain);
}

// -1, 0 or 1; 2 where a NaN makes all comparisons false. A long double holds every 64-bit integer.
int order_of_numbers(const Value& left, const Value& right) {
    if (is_integer(left) && is_integer(right)) {
        const std::int64_t a = left.as_int();
        const std::int64_t b = right.as_int();
        return a < b ? -1 : a > b;
    }
    const auto wide = [](const Value& value) {
        return is_integer(value) ? static_cast<long double>(value.as_int())
                                 : static_cast<long double>(value.as_double());
    };
    const long double a = wide(left);
    const long double b = wide(right);
    if (a < b) return -1;
    if (a > b) return 1;
    return a == b ? 0 : 2;
}

bool equal_at(const Value& left, const Value& right, int depth) {
    if (depth > kMaxDepth) throw Failure(ErrorKind::kLimit, "values too deep to compare");
    if (left.is_number() && right.is_number()) return order_of_numbers(left, right) == 0;
    if (left.kind() != right.kind()) return false;
    if (left.same_object(right)) return true;
    switch (left.kind()) {
        case Value::Kind::kUndefined:
        case Value::Kind::kNone:
            return true;
        case Value::Kind::kString:
            return left.as_string() == right.as_string();
        case Value::Kind::kList:
        case Value::Kind::kTuple:
        case Value::Kind::kRange:
            if (left.size() != right.size()) return false;
            for (std::size_t i = 0; i < left.size(); ++i) {
                if (!equal_at(left.item(i), right.item(i), depth + 1)) return false;
            }
            return true;
        case Value::Kind::kDict:
            if (left.size() != right.size()) return false;
            for (std::size_t i = 0; i < left.size(); ++i) {
                const Value other = right.find_key(left.dict_key(i));
                if (other.is_undefined() || !equal_at(left.dict_value(i), other, depth + 1)) return false;
            }
            return true;
        default:
            return false;
    }
}

bool ordered(Comparison op, int order) noexcept {
    switch (op) {
        case Comparison::kLess:
            return order == -1;
        case Comparison::kLessOrEqual:
            return order == -1 || order == 0;
        case Comparison::kGreater:
            return order == 1;
        default:
            return order == 1 || order == 0;
    }
}

bool compare_order(Comparison op, const Value& left, const Value& right, int depth) {
    if (depth > kMaxDepth) throw Failure(ErrorKind::kLimit, "values too deep to compare");
    if (left.is_number() && right.is_number()) return ordered(op, order_of_numbers(left, right));
    if (left.is_string() && right.is_string()) {
        // The order of UTF-8 bytes is the order of code points.
        const int order = left.as_string().compare(right.as_string());
        return ordered(op, order < 0 ? -1 : order > 0);
    }
    if (left.kind() == right.kind() && is_plain_sequence(left)) {
        const std::size_t common = std::min(left.size(), right.size());
        for (std::size_t i = 0; i < common; ++i) {
            const Value a = left.item(i);
            const Value b = right.item(i);
            if (!equal(a, b)) return compare_order(op, a, b, depth + 1);
        }
        return ordered(op, left.size() < right.size() ? -1 : left.size() > right.size());
    }
    unsupported(symbol_of(op), left, right);
}

bool contains(const Value& container, const Value& item) {
    switch (container.kind()) {
        case Value::Kind::kString:
            return container.as_string().find(item.as_string()) != std::string_view::npos;
        case Value::Kind::kDict:
            return !container.find_key(item).is_undefined();
        case Value::Kind::kRange: {
            if (!item.is_number()) return false;
            const Range& range = container.as_range();
            const double number = item.as_double();
            if (item.kind() == Value::Kind::kFloat && (number != std::floor(number) || std::abs(number) > 9e15)) {
                return false;
            }
            const std::int64_t value = is_integer(item) ? item.as_int() : static_cast<std::int64_t>(number);
            const std::size_t size = range.size();
            if (size == 0) return false;
            const std::int64_t last = range.at(size - 1);
            if (value < std::min(range.start, last) || value > std::max(range.start, last)) return false;
            const std::uint64_t distance = static_cast<std::uint64_t>(std::max(value, range.start)) -
                                           static_cast<std::uint64_t>(std::min(value, range.start));
            const std::uint64_t step =
                range.step > 0 ? static_cast<std::uint64_t>(range.step) : 0 - static_cast<std::uint64_t>(range.step);
            return distance % step == 0;
        }
        case Value::Kind::kList:
        case Value::Kind::kTuple:
            for (std::size_t i = 0; i < container.size(); ++i) {
                if (equal(container.item(i), item)) return true;
            }
            return false;
        default:
            throw Failure(ErrorKind::kType, fmt::format("nothing is 'in' a {}", container.type_name()));
    }
}

bool is_same(const Value& left, const Value& right) noexcept {
    if (left.kind() != right.kind()) return false;
    if (left.kind() == Value::Kind::kBool) return left.truthy() == right.truthy();
    return left.is_none() || left.same_object(right);
}

// The byte or item position that `key` means.
std::size_t position_of(const Value& container, const Value& key, std::size_t size) {
    if (!is_integer(key)) {
        throw Failure(ErrorKind::kType, fmt::format("the index of a {} must be an integer, not {}",
                                                    container.type_name(), key.type_name()));
    }
    const auto signed_size = static_cast<std::int64_t>(size);
    const std::int64_t index = key.as_int();
    if (index >= signed_size || index < -signed_size) {
        throw Failure(ErrorKind::kIndex,
                      fmt::format("index {} is outside of a {} of {}", index, container.type_name(), size));
    }
    return static_cast<std::size_t>(index < 0 ? index + signed_size : index);
}

struct SliceBounds {
    std::int64_t start = 0;
    std::int64_t step = 1;
    std::size_t count = 0;
};

SliceBounds bounds_of(const Value& start, const Value& stop, const Value& step, std::size_t length) {
    const auto given = [](const Value& bound) { return !bound.is_undefined() && !bound.is_none(); };
    for (const Value* bound : {&start, &stop, &step}) {
        if (given(*bound) && !is_integer(*bound)) {
            throw Failure(ErrorKind::kType,
                          fmt::format("the bounds of a slice must be integers, not {}", bound->type_name()));
        }
    }
    const auto size = static_cast<std::int64_t>(length);
    SliceBounds bounds;
    if (given(step)) bounds.step = step.as_int();
    if (bounds.step == 0) throw Failure(ErrorKind::kValue, "the step of a slice cannot be zero");
    const bool forward = bounds.step > 0;
    const std::int64_t low = forward ? 0 : -1;
    const std::int64_t high = forward ? size : size - 1;
    const auto clamp = [&](const Value& bound, std::int64_t otherwise) {
        if (!given(bound)) return otherwise;
        const std::int64_t value = bound.as_int();
        return std::clamp(value < 0 ? value + size : value, low, high);
    };
    bounds.start = clamp(start, forward ? low : high);
    bounds.count = Range{bounds.start, clamp(stop, forward ? high : low), bounds.step}.size();
    return bounds;
}

Value slice_of_text(std::string_view text, const Value& start, const Value& stop, const Value& step) {
    const SliceBounds bounds = bounds_of(start, stop, step, unicode::length(text));
    const Range range{bounds.start, 0, bounds.step};
    if (bounds.count == 0) return Value::borrowed("");
    std::string out;
    if (unicode::is_ascii(text)) {
        out.reserve(bounds.count);
        for (std::size_t i = 0; i < bounds.count; ++i) out += text[static_cast<std::size_t>(range.at(i))];
        return out;
    }
    std::vector<std::string_view> characters;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = unicode::decode(text, at).size;
        characters.push_back(text.substr(at, size));
        at += size;
    }
    for (std::size_t i = 0; i < bounds.count; ++i) out += characters[static_cast<std::size_t>(range.at(i))];
    return out;
}

}  // namespace

void check_items(std::size_t count, const Limits& limits) {
    const std::size_t most = limits.value_size / 16;
    if (count > most) throw Failure(ErrorKind::kLimit, fmt::format("a list of more than {} items", most));
}

void check_size(std::size_t bytes, const Limits& limits) {
    if (bytes > limits.value_size) {
        throw Failure(ErrorKind::kLimit, fmt::format("a string of more than {} bytes", limits.value_size));
    }
}

Value calculate(BinaryOperator op, const Value& left, const Value& right, const Limits& limits) {
    if (is_integer(left) && is_integer(right)) {
        const bool both_bool = left.kind() == Value::Kind::kBool && right.kind() == Value::Kind::kBool;
        const bool logical =
            op == BinaryOperator::kBitOr || op == BinaryOperator::kBitAnd || op == BinaryOperator::kBitXor;
        const Value result = calculate_integers(op, left.as_int(), right.as_int());
        return both_bool && logical ? Value(result.truthy()) : result;
    }
    if (left.is_number() && right.is_number()) return calculate_floats(op, left, right);
    if (op == BinaryOperator::kModulo && left.is_string()) return format_percent(left.as_string(), right, limits);
    if (op == BinaryOperator::kAdd && left.kind() == right.kind() && is_plain_sequence(left)) {
        return concatenate(left, right, limits);
    }
    if (op == BinaryOperator::kMultiply) {
        if (is_plain_sequence(left) && is_integer(right)) return repeat(left, right.as_int(), limits);
        if (is_integer(left) && is_plain_sequence(right)) return repeat(right, left.as_int(), limits);
    }
    unsupported(symbol_of(op), left, right);
}

Value negate(const Value& value) {
    if (value.kind() == Value::Kind::kFloat) return -value.as_double();
    if (!is_integer(value)) throw Failure(ErrorKind::kType, fmt::format("a {} has no sign", value.type_name()));
    return calculate_integers(BinaryOperator::kSubtract, 0, value.as_int());
}

Value bit_invert(const Value& value) {
    if (!is_integer(value))
        throw Failure(ErrorKind::kType, fmt::format("'~' is not possible on {}", value.type_name()));
    return ~value.as_int();
}

bool compare(Comparison op, const Value& left, const Value& right) {
    switch (op) {
        case Comparison::kEqual:
            return equal(left, right);
        case Comparison::kNotEqual:
            return !equal(left, right);
        case Comparison::kIn:
            return contains(right, left);
        case Comparison::kNotIn:
            return !contains(right, left);
        case Comparison::kIs:
            return is_same(left, right);
        case Comparison::kIsNot:
            return !is_same(left, right);
        default:
            return compare_order(op, left, right, 0);
    }
}

bool equal(const Value& left, const Value& right) { return equal_at(left, right, 0); }

bool less(const Value& left, const Value& right) { return compare_order(Comparison::kLess, left, right, 0); }

Value index_of(const Value& container, const Value& key) {
    switch (container.kind()) {
        case Value::Kind::kDict: {
            Value value = container.find_key(key);
            if (value.is_undefined()) throw Failure(ErrorKind::kKey, fmt::format("there is no key {}", key.repr()));
            return value;
        }
        case Value::Kind::kList:
            if (container.flavour() != Value::Flavour::kPlain) break;
            [[fallthrough]];
        case Value::Kind::kTuple:
        case Value::Kind::kRange:
            return container.item(position_of(container, key, container.size()));
        case Value::Kind::kString: {
            const std::string_view text = container.as_string();
            const std::size_t position = position_of(container, key, unicode::length(text));
            const std::size_t offset = unicode::offset_of(text, position);
            return text.substr(offset, unicode::decode(text, offset).size);
        }
        default:
            break;
    }
    throw Failure(ErrorKind::kType, fmt::format("a {} has no items to choose from", container.type_name()));
}

Value slice_of(const Value& container, const Value& start, const Value& stop, const Value& step) {
    if (container.is_string()) return slice_of_text(container.as_string(), start, stop, step);
    const bool plain = container.kind() == Value::Kind::kRange || is_plain_sequence(container);
    if (!plain) throw Failure(ErrorKind::kType, fmt::format("a {} cannot be sliced", container.type_name()));
    const SliceBounds bounds = bounds_of(start, stop, step, container.size());
    const Range positions{bounds.start, 0, bounds.step};
    if (container.kind() == Value::Kind::kRange) {
        const Range& range = container.as_range();
        const auto at = [&](std::size_t i) {
            return static_cast<std::int64_t>(static_cast<std::uint64_t>(range.start) +
                                             static_cast<std::uint64_t>(positions.at(i)) *
                                                 static_cast<std::uint64_t>(range.step));
        };
        std::int64_t width = 0;
        if (__builtin_mul_overflow(range.step, bounds.step, &width)) overflow("a slice");
        return Range{at(0), at(bounds.count), width};
    }
    List items;
    items.reserve(bounds.count);
    for (std::size_t i = 0; i < bounds.count; ++i) {
        items.push_back(container.item(static_cast<std::size_t>(positions.at(i))));
    }
    return container.kind() == Value::Kind::kTuple ? Value::tuple(std::move(items)) : Value(std::move(items));
}

List iterate(const Value& iterable, const Limits& limits) {
    List items;
    switch (iterable.kind()) {
        case Value::Kind::kList:
        case Value::Kind::kTuple:
        case Value::Kind::kRange:
            check_items(iterable.size(), limits);
            items.reserve(iterable.size());
            for (std::size_t i = 0; i < iterable.size(); ++i) items.push_back(iterable.item(i));
            return items;
        case Value::Kind::kDict:
            items.reserve(iterable.size());
            for (std::size_t i = 0; i < iterable.size(); ++i) items.push_back(iterable.dict_key(i));
            return items;
        case Value::Kind::kString: {
            const std::string_view text = iterable.as_string();
            check_items(text.size(), limits);
            for (std::size_t at = 0; at < text.size();) {
                const std::size_t size = unicode::decode(text, at).size;
                items.emplace_back(text.substr(at, size));
                at += size;
            }
            return items;
        }
        default:
            throw Failure(ErrorKind::kType, fmt::format("a {} cannot be iterated", iterable.type_name()));
    }
}

}  // namespace caropig::templates
