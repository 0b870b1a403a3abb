#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/options.h>
#include <caropig/template/value.h>

/// \file
/// Python's functions that make or round numbers.
namespace caropig::templates {

Value abs_of(const Arguments& arguments, const Limits& limits);
Value int_of(const Arguments& arguments, const Limits& limits);
Value float_of(const Arguments& arguments, const Limits& limits);
Value round_of(const Arguments& arguments, const Limits& limits);
Value divmod(const Arguments& arguments, const Limits& limits);
Value pow_of(const Arguments& arguments, const Limits& limits);

}  // namespace caropig::templates
