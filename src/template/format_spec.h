#pragma once

#include <caropig/template/options.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// How a number or a text is laid out: what `%` formatting and format specifications have in common.
namespace caropig::templates {

struct FormatSpec {
    std::string_view fill = " ";
    char align = '\0';  // '<' '>' '=' '^', or none
    char sign = '-';
    bool alternate = false;
    bool zero = false;
    std::size_t width = 0;
    char grouping = '\0';
    std::optional<std::size_t> precision;
    char type = '\0';
};

/// Reads a specification of str.format; Failure (kValue) if it is none.
FormatSpec parse_format_spec(std::string_view text, const Limits& limits);

/// `digits` with a sign and a prefix such as "0x" in front, grouped and padded to the width; to the right unless the
/// specification says otherwise.
std::string lay_out_number(bool negative, std::string_view prefix, std::string digits, const FormatSpec& spec);

/// `text` cut to the precision and padded to the width, `align` where the specification has none.
std::string lay_out_text(std::string_view text, const FormatSpec& spec, char align);

/// An integer in the base of the type b, o, d, x or X, without sign and prefix.
std::string digits_of(std::int64_t value, char type);

/// A float as the types e, E, f, F, g, G, % and none write it, without its sign.
std::string digits_of(double value, const FormatSpec& spec);

}  // namespace caropig::templates
