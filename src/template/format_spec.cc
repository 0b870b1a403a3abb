#include "template/format_spec.h"

#include "template/operators.h"
#include "template/print.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

bool is_align(char c) noexcept { return c == '<' || c == '>' || c == '=' || c == '^'; }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Groups from the right: 1234567 as 1,234,567.
std::string group(std::string_view digits, char separator, std::size_t size) {
    const std::size_t whole = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
    std::string out;
    for (std::size_t i = 0; i < whole; ++i) {
        if (i != 0 && (whole - i) % size == 0) out += separator;
        out += digits[i];
    }
    out += digits.substr(whole);
    return out;
}

// Zeros between sign and digits; grouped, the zeros are grouped with them and may overshoot by one.
std::string zero_padded(std::string digits, std::size_t width, char separator, std::size_t size) {
    if (separator == '\0') {
        if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
        return digits;
    }
    const auto whole_of = [](const std::string& text) { return std::min(text.find_first_of(".e%"), text.size()); };
    const std::size_t rest = digits.size() - whole_of(digits);
    const std::size_t room = width > rest ? width - rest : 0;
    // n digits take n + (n - 1) / size characters.
    std::size_t count = whole_of(digits);
    while (count + (count - 1) / size < room) ++count;
    digits.insert(0, count - whole_of(digits), '0');
    return group(digits, separator, size);
}

// Digits of the type none with a precision: as g, but never without a digit after the point.
std::string general_with_point(double value, std::size_t precision) {
    std::string text(precision + 40, '\0');
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific,
                                   static_cast<int>(precision) - 1)
                         .ptr;
    text.resize(static_cast<std::size_t>(end - text.data()));
    const std::size_t e = text.find('e');
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    if (exponent < -4 || exponent + 1 > static_cast<int>(precision) - 1) {
        std::string mantissa = text.substr(0, e);
        if (mantissa.find('.') != std::string::npos) {
            mantissa.erase(mantissa.find_last_not_of('0') + 1);
            if (mantissa.ends_with('.')) mantissa.pop_back();
        }
        return mantissa + text.substr(e);
    }
    double rounded = 0;
    std::from_chars(text.data(), text.data() + text.size(), rounded);
    std::string out;
    append_float(out, rounded);
    return out;
}

}  // namespace

FormatSpec parse_format_spec(std::string_view text, const Limits& limits) {
    FormatSpec spec;
    std::size_t at = 0;
    const auto next_is = [&](auto&& predicate) { return at < text.size() && predicate(text[at]); };
    const auto number = [&] {
        std::size_t value = 0;
        while (next_is(is_digit)) {
            value = value * 10 + static_cast<std::size_t>(text[at++] - '0');
            check_size(value, limits);
        }
        return value;
    };
    if (!text.empty()) {
        const std::size_t size = unicode::decode(text, 0).size;
        if (size < text.size() && is_align(text[size])) {
            spec.fill = text.substr(0, size);
            spec.align = text[size];
            at = size + 1;
        } else if (is_align(text[0])) {
            spec.align = text[0];
            at = 1;
        }
    }
    if (next_is([](char c) { return c == '+' || c == '-' || c == ' '; })) spec.sign = text[at++];
    if (next_is([](char c) { return c == '#'; })) {
        spec.alternate = true;
        ++at;
    }
    if (next_is([](char c) { return c == '0'; })) {
        ++at;
        if (spec.align == '\0') {
            spec.fill = "0";
            spec.zero = true;
        } else if (spec.fill == " " && text[0] != ' ') {
            spec.fill = "0";
        }
    }
    spec.width = number();
    if (next_is([](char c) { return c == ',' || c == '_'; })) spec.grouping = text[at++];
    if (next_is([](char c) { return c == '.'; })) {
        ++at;
        if (!next_is(is_digit)) throw Failure(ErrorKind::kValue, "a format specification lacks digits after its '.'");
        spec.precision = number();
    }
    if (at < text.size()) spec.type = text[at++];
    if (at != text.size()) {
        throw Failure(ErrorKind::kValue, fmt::format("'{}' is no format specification", text));
    }
    return spec;
}

std::string lay_out_number(bool negative, std::string_view prefix, std::string digits, const FormatSpec& spec) {
    std::string head;
    if (negative) {
        head += '-';
    } else if (spec.sign != '-') {
        head += spec.sign;
    }
    head += prefix;
    const std::size_t group_size = spec.type == 'b' || spec.type == 'o' || spec.type == 'x' || spec.type == 'X' ? 4 : 3;
    if (spec.fill == "0" && (spec.zero || spec.align == '=')) {
        const std::size_t room = spec.width > head.size() ? spec.width - head.size() : 0;
        return head + zero_padded(std::move(digits), room, spec.grouping, group_size);
    }
    if (spec.grouping != '\0') digits = group(digits, spec.grouping, group_size);
    if (spec.align == '=') {
        const std::size_t used = head.size() + digits.size();
        for (std::size_t i = used; i < spec.width; ++i) head += spec.fill;
        return head + digits;
    }
    FormatSpec padding = spec;
    padding.precision.reset();
    return lay_out_text(head + digits, padding, '>');
}

std::string lay_out_text(std::string_view text, const FormatSpec& spec, char align) {
    if (spec.precision) text = text.substr(0, unicode::offset_of(text, *spec.precision));
    const std::size_t length = unicode::length(text);
    if (length >= spec.width) return std::string(text);
    const std::size_t missing = spec.width - length;
    if (spec.align != '\0') align = spec.align;
    const std::size_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    std::string out;
    for (std::size_t i = 0; i < left; ++i) out += spec.fill;
    out += text;
    for (std::size_t i = left; i < missing; ++i) out += spec.fill;
    return out;
}

std::string digits_of(std::int64_t value, char type) {
    const std::uint64_t magnitude =
        value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    switch (type) {
        case 'b':
            return fmt::format("{:b}", magnitude);
        case 'o':
            return fmt::format("{:o}", magnitude);
        case 'x':
            return fmt::format("{:x}", magnitude);
        case 'X':
            return fmt::format("{:X}", magnitude);
        default:
            return fmt::format("{}", magnitude);
    }
}

std::string digits_of(double value, const FormatSpec& spec) {
    value = std::abs(value);
    const bool upper = spec.type == 'E' || spec.type == 'F' || spec.type == 'G';
    const char type = upper ? static_cast<char>(spec.type + 0x20) : spec.type == 'n' ? 'g' : spec.type;
    if (type == '%') value *= 100;
    std::string text;
    if (!std::isfinite(value)) {
        text = std::isnan(value) ? "nan" : "inf";
    } else if (type == '\0' && !spec.precision) {
        append_float(text, value);
    } else if (type == '\0') {
        text = general_with_point(value, std::max<std::size_t>(*spec.precision, 1));
    } else {
        std::size_t precision = spec.precision.value_or(6);
        if (type == 'g') precision = std::max<std::size_t>(precision, 1);
        const std::chars_format format = type == 'e'   ? std::chars_format::scientific
                                         : type == 'g' ? std::chars_format::general
                                                       : std::chars_format::fixed;
        // Digits before the point: up to 309 where the number is written out, else a few.
        text.resize(precision + (type == 'f' || type == '%' ? (value < 1e15 ? 24 : 330) : 24));
        const auto end =
            std::to_chars(text.data(), text.data() + text.size(), value, format, static_cast<int>(precision)).ptr;
        text.resize(static_cast<std::size_t>(end - text.data()));
    }
    if (type == '%') text += '%';
    if (upper)
        std::ranges::transform(text, text.begin(),
                               [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c; });
    return text;
}

}  // namespace caropig::templates
