#pragma once

#include "template/operators.h"
#include <caropig/template/value.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// \file
/// Expressions as trees in flat arrays. A node is an index; its children stand side by side.
namespace caropig::templates {

struct MethodEntry;

using NodeIndex = std::uint32_t;

struct Node {
    enum class Kind : std::uint8_t {
        kConstant,   // value
        kName,       // value: index of the name
        kAttribute,  // value: name; child: the object
        kIndex,      // children: container, key
        kSlice,      // children: container, start, stop, step; kMissing for what is left out
        kCall,       // children: function, arguments; keywords: how many of the last are keywords
        kMethod,     // children: object, arguments; value: name; method: what it may be
        kList,
        kTuple,
        kDict,  // children: key, value, key, value ...
        kNot,
        kNegate,
        kPlus,
        kInvert,
        kAnd,  // children: left, right
        kOr,
        kConditional,  // children: condition, then, otherwise
        kBinary,       // operation: BinaryOperator
        kCompare,      // children: the operands; value: where the operators begin
        kFormat,       // children: the parts of an f-string, all strings
        kFormatField,  // children: value, specification; operation: the conversion
    };

    Kind kind = Kind::kConstant;
    std::uint8_t operation = 0;
    std::uint8_t keywords = 0;
    std::uint8_t height = 0;  // how many levels stand below
    std::uint32_t value = 0;
    std::uint32_t first = 0;  // where its children begin
    std::uint32_t count = 0;  // how many it has, arguments by keyword included; their names follow behind
    const MethodEntry* method = nullptr;
};

/// A bound of a slice that was left out.
inline constexpr NodeIndex kMissing = 0xffffffff;

/// Everything that the expressions of one program refer to.
struct Expressions {
    std::vector<Node> nodes;
    std::vector<std::uint32_t> children;
    std::vector<Comparison> comparisons;
    std::vector<Value> constants;
    std::vector<std::string> names;
    std::unordered_map<std::string, std::uint32_t> name_indices;

    std::uint32_t name(std::string_view text) {
        const auto [it, inserted] =
            name_indices.try_emplace(std::string(text), static_cast<std::uint32_t>(names.size()));
        if (inserted) names.emplace_back(text);
        return it->second;
    }
};

}  // namespace caropig::templates
