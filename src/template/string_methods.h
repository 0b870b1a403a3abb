#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/options.h>
#include <caropig/template/value.h>

/// \file
/// What Python's str can do, where a template has a use for it.
namespace caropig::templates::string_methods {

Value upper(const Value& self, const Arguments& arguments, const Limits& limits);
Value lower(const Value& self, const Arguments& arguments, const Limits& limits);
Value title(const Value& self, const Arguments& arguments, const Limits& limits);
Value capitalize(const Value& self, const Arguments& arguments, const Limits& limits);
Value swapcase(const Value& self, const Arguments& arguments, const Limits& limits);
Value strip(const Value& self, const Arguments& arguments, const Limits& limits);
Value lstrip(const Value& self, const Arguments& arguments, const Limits& limits);
Value rstrip(const Value& self, const Arguments& arguments, const Limits& limits);
Value split(const Value& self, const Arguments& arguments, const Limits& limits);
Value rsplit(const Value& self, const Arguments& arguments, const Limits& limits);
Value splitlines(const Value& self, const Arguments& arguments, const Limits& limits);
Value partition(const Value& self, const Arguments& arguments, const Limits& limits);
Value rpartition(const Value& self, const Arguments& arguments, const Limits& limits);
Value join(const Value& self, const Arguments& arguments, const Limits& limits);
Value replace(const Value& self, const Arguments& arguments, const Limits& limits);
Value startswith(const Value& self, const Arguments& arguments, const Limits& limits);
Value endswith(const Value& self, const Arguments& arguments, const Limits& limits);
Value find(const Value& self, const Arguments& arguments, const Limits& limits);
Value rfind(const Value& self, const Arguments& arguments, const Limits& limits);
Value index(const Value& self, const Arguments& arguments, const Limits& limits);
Value rindex(const Value& self, const Arguments& arguments, const Limits& limits);
Value count(const Value& self, const Arguments& arguments, const Limits& limits);
Value zfill(const Value& self, const Arguments& arguments, const Limits& limits);
Value center(const Value& self, const Arguments& arguments, const Limits& limits);
Value ljust(const Value& self, const Arguments& arguments, const Limits& limits);
Value rjust(const Value& self, const Arguments& arguments, const Limits& limits);
Value format(const Value& self, const Arguments& arguments, const Limits& limits);
Value removeprefix(const Value& self, const Arguments& arguments, const Limits& limits);
Value removesuffix(const Value& self, const Arguments& arguments, const Limits& limits);
Value isdigit(const Value& self, const Arguments& arguments, const Limits& limits);
Value isalpha(const Value& self, const Arguments& arguments, const Limits& limits);
Value isalnum(const Value& self, const Arguments& arguments, const Limits& limits);
Value isspace(const Value& self, const Arguments& arguments, const Limits& limits);
Value isupper(const Value& self, const Arguments& arguments, const Limits& limits);
Value islower(const Value& self, const Arguments& arguments, const Limits& limits);

}  // namespace caropig::templates::string_methods
