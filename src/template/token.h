#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// The words of an expression.
namespace caropig::templates {

struct Token {
    enum class Kind : std::uint8_t { kName, kInteger, kFloat, kString, kFormatString, kOperator, kEnd };

    Kind kind = Kind::kEnd;
    std::string_view text;  // as it is written; of a format string what stands between its quotes
    std::string string;     // what a string means
    bool raw = false;       // a format string whose backslashes are themselves

    [[nodiscard]] bool is(std::string_view symbol) const noexcept {
        return (kind == Kind::kOperator || kind == Kind::kName) && text == symbol;
    }
};

/// What is wrong with an expression; the parser of the template adds file and line.
struct SyntaxError {
    std::string message;
};

/// Splits an expression; the last token is kEnd. Throws SyntaxError. The views are into `text`.
std::vector<Token> tokenize(std::string_view text);

/// Replaces the escapes of a string literal. Throws SyntaxError.
std::string unescape(std::string_view body, bool raw);

}  // namespace caropig::templates
