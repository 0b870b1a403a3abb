#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/options.h>
#include <caropig/template/value.h>

#include <string_view>

/// \file
/// The functions that every template has: Python's, and those that Tornado adds.
namespace caropig::templates {

using Builtin = Value (*)(const Arguments& arguments, const Limits& limits);

/// Null if there is none of that name.
Builtin find_builtin(std::string_view name) noexcept;

/// What Python has and a template here has not, with the reason; empty for any other name.
std::string_view why_unsupported(std::string_view name) noexcept;

}  // namespace caropig::templates
