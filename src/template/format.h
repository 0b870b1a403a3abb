#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/options.h>
#include <caropig/template/value.h>

#include <string>
#include <string_view>

/// \file
/// Python's three ways to format: "%s" % value, "{}".format(value), and the format specification that the latter and
/// f-strings share.
namespace caropig::templates {

/// text % values. `values` is a tuple, a dict for %(name)s, or a single value.
std::string format_percent(std::string_view text, const Value& values, const Limits& limits);

/// text.format(*positional, **keywords).
std::string format_braces(std::string_view text, const Arguments& arguments, const Limits& limits);

/// format(value, spec): [[fill]align][sign][#][0][width][grouping][.precision][type].
std::string format_value(const Value& value, std::string_view spec, const Limits& limits);

/// !s, !r or !a before formatting.
std::string convert(const Value& value, char conversion);

}  // namespace caropig::templates
