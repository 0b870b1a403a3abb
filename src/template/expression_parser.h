#pragma once

#include "template/expression.h"
#include "template/token.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

/// \file
/// Python's expressions, as far as they have a meaning in a template, from text to trees. What is not supported is
/// named by its Python name in the error.
namespace caropig::templates {

/// What `for` and `set` assign to: a name, or a tuple of targets.
struct Target {
    std::uint32_t name = 0;  // if `parts` is empty
    std::vector<Target> parts;
};

/// What `set` does: targets = value, in order from the left.
struct Assignment {
    std::vector<Target> targets;
    NodeIndex value = 0;
};

/// Reads an expression and adds it to `expressions`. A tuple may go without parentheses. Throws SyntaxError.
NodeIndex parse_expression(std::string_view text, Expressions& expressions, std::size_t nesting);

/// "x = 1", "a, b = pair", "n += 1".
Assignment parse_assignment(std::string_view text, Expressions& expressions, std::size_t nesting);

/// "k, v in d.items()".
Assignment parse_for(std::string_view text, Expressions& expressions, std::size_t nesting);

/// Whether `text` is one name that is no word of the language.
bool is_identifier(std::string_view text);

}  // namespace caropig::templates
