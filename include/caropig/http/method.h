#pragma once

#include <cstdint>
#include <string_view>

/// \file
/// The request methods that a framework treats by name (RFC 9110 section 9, RFC 5789).
namespace caropig::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kTrace, kConnect, kOther };

/// "GET" and so on; "OTHER" for kOther, whose text is in the request itself.
std::string_view to_string(Method method) noexcept;

/// Methods are case-sensitive (RFC 9110 9.1): "get" is kOther, like any that is not listed.
Method parse_method(std::string_view text) noexcept;

}  // namespace caropig::http
