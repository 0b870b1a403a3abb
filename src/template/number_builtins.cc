#include "template/number_builtins.h"

#include "template/operators.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\v\f";

// Without blanks around it, the "_" between digits, and a "+" in front.
std::string cleaned(std::string_view text) {
    const std::size_t start = text.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return {};
    text = text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto is_word = [&](std::size_t at) {
            return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
        };
        if (text[i] == '_' && i > 0 && is_word(i - 1) && is_word(i + 1)) continue;
        if (text[i] == '+' && i == 0 && is_word(1)) continue;
        out += text[i];
    }
    return out;
}

std::int64_t truncated(double number) {
    if (std::isnan(number)) throw Failure(ErrorKind::kValue, "NaN is no integer");
    if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) {
        throw Failure(ErrorKind::kOverflow, "the number is beyond 64 bits with sign");
    }
    return static_cast<std::int64_t>(number);
}

Value integer_of_text(std::string_view text, std::int64_t base) {
    std::string digits = cleaned(text);
    const bool negative = digits.starts_with('-');
    std::size_t head = negative ? 1 : 0;
    const auto letter =
        digits.size() > head + 1 && digits[head] == '0' ? static_cast<char>(digits[head + 1] | 0x20) : '\0';
    const std::int64_t named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (named != 0 && (base == named || base == 0)) {
        digits.erase(head, 2);
        base = named;
    }
    if (base == 0) base = 10;
    if (base < 2 || base > 36) throw Failure(ErrorKind::kValue, "the base of int() is 2 to 36");
    std::int64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, static_cast<int>(base));
    if (error == std::errc::result_out_of_range) {
        throw Failure(ErrorKind::kOverflow, "the number is beyond 64 bits with sign");
    }
    if (error != std::errc() || stop != end) {
        throw Failure(ErrorKind::kValue, fmt::format("{} is no integer of base {}", Value(text).repr(), base));
    }
    return value;
}

// Halves go to the even neighbour.
std::int64_t round_to_power(std::int64_t value, std::int64_t digits) {
    if (digits > 18) return 0;
    std::int64_t power = 1;
    for (; digits > 0; --digits) power *= 10;
    const std::int64_t rest = value % power;
    std::int64_t result = value - rest;
    const std::uint64_t twice = 2 * static_cast<std::uint64_t>(rest < 0 ? -rest : rest);
    const bool up = twice > static_cast<std::uint64_t>(power) ||
                    (twice == static_cast<std::uint64_t>(power) && (result / power) % 2 != 0);
    if (up && __builtin_add_overflow(result, value < 0 ? -power : power, &result)) {
        throw Failure(ErrorKind::kOverflow, "the number is beyond 64 bits with sign");
    }
    return result;
}

Value round_float(double value, std::int64_t digits) {
    if (!std::isfinite(value) || digits > 323) return value;
    if (digits < 0) {
        if (digits < -308) return std::copysign(0.0, value);
        const double power = std::pow(10.0, static_cast<double>(-digits));
        return std::nearbyint(value / power) * power;
    }
    // The decimal that is nearest to the exact value of the double, as Python does it.
    std::string text(700, '\0');
    const auto end =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, static_cast<int>(digits))
            .ptr;
    double result = 0;
    std::from_chars(text.data(), end, result);
    return result;
}

}  // namespace

Value abs_of(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const Value& value = arguments.positional[0];
    if (value.kind() == Value::Kind::kFloat) return std::abs(value.as_double());
    return value.as_int() < 0 ? negate(value) : Value(value.as_int());
}

Value int_of(const Arguments& arguments, const Limits& /*limits*/) {
    if (arguments.positional.empty()) return 0;
    const Value& value = arguments.positional[0];
    const Value base = arguments.get(1, "base");
    if (value.is_string()) return integer_of_text(value.as_string(), base.is_none() ? 10 : base.as_int());
    if (!base.is_none()) throw Failure(ErrorKind::kType, "int() takes a base with a string only");
    return value.kind() == Value::Kind::kFloat ? truncated(value.as_double()) : value.as_int();
}

Value float_of(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 1);
    if (arguments.positional.empty()) return 0.0;
    const Value& value = arguments.positional[0];
    if (!value.is_string()) return value.as_double();
    const std::string text = cleaned(value.as_string());
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (stop != end || text.empty() || text.find('(') != std::string::npos) {
        throw Failure(ErrorKind::kValue, fmt::format("{} is no number", value.repr()));
    }
    if (error == std::errc::result_out_of_range) {
        // Too small is 0, too large is infinite.
        const bool small = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
        number = small ? 0.0 : std::numeric_limits<double>::infinity();
        if (text.starts_with('-')) number = -number;
    }
    return number;
}

Value round_of(const Arguments& arguments, const Limits& /*limits*/) {
    const Value value = arguments.require(0, "number");
    const Value digits = arguments.get(1, "ndigits");
    const bool floating = value.kind() == Value::Kind::kFloat;
    if (digits.is_none()) return floating ? truncated(std::nearbyint(value.as_double())) : value.as_int();
    if (floating) return round_float(value.as_double(), digits.as_int());
    return digits.as_int() >= 0 ? value.as_int()
                                : round_to_power(value.as_int(), -std::max<std::int64_t>(digits.as_int(), -100));
}

Value divmod(const Arguments& arguments, const Limits& limits) {
    arguments.expect(2, 2);
    const Value& a = arguments.positional[0];
    const Value& b = arguments.positional[1];
    return Value::tuple(
        {calculate(BinaryOperator::kFloorDivide, a, b, limits), calculate(BinaryOperator::kModulo, a, b, limits)});
}

Value pow_of(const Arguments& arguments, const Limits& limits) {
    arguments.expect(2, 2);
    return calculate(BinaryOperator::kPower, arguments.positional[0], arguments.positional[1], limits);
}

}  // namespace caropig::templates
