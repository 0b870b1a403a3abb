#pragma once

#include <caropig/base/result.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Patterns made of segments: literal ones, and those with {name:type} in them.
namespace caropig::web::detail {

enum class ParameterType : std::uint8_t { kNone, kString, kInt, kUint, kUuid, kPath };

/// What a pattern wants between two slashes: prefix, one parameter, suffix; or, with kNone, the prefix alone.
struct Segment {
    std::string prefix;
    ParameterType type = ParameterType::kNone;
    std::string name;
    std::string suffix;
};

/// Splits a path that means itself. The error says what is wrong with it.
[[nodiscard]] Result<std::vector<Segment>, std::string> parse_literal(std::string_view text);

/// Reads a pattern with {name} and {name:type}. The error says what is wrong with it.
[[nodiscard]] Result<std::vector<Segment>, std::string> parse_braces(std::string_view text);

/// Whether the encoded `text` is a value of `type`, which is not kNone.
[[nodiscard]] bool fits(ParameterType type, std::string_view text) noexcept;

}  // namespace caropig::web::detail
