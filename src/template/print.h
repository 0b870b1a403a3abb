#pragma once

#include <caropig/template/value.h>

#include <cstddef>
#include <string>

/// \file
/// Values as text, as Python's str() and repr() make it.
namespace caropig::templates {

/// How much text printing may make; a list that holds one list many times prints it as often.
inline constexpr std::size_t kPrintLimit = std::size_t{64} << 20;

/// repr() of a float: the shortest digits that mean the same number, "1.0", "1e+16", "inf".
void append_float(std::string& out, double number);

/// A character as \xNN, \uNNNN or \UNNNNNNNN, the shortest that holds it.
void append_escape(std::string& out, char32_t code);

/// str(value) to the end of `out`. Failure (kLimit) when `out` grows beyond `limit`.
void append_str(std::string& out, const Value& value, std::size_t limit = kPrintLimit);

/// repr(value) likewise.
void append_repr(std::string& out, const Value& value, std::size_t limit = kPrintLimit);

}  // namespace caropig::templates
