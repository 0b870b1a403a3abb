#pragma once

#include <caropig/template/options.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// A template file as a tree of statements: what its text says, before extends and include bring files together.
namespace caropig::templates {

struct Statement;

/// A part of if, for, while, try, apply or block: what stands between its tag and the next.
struct Clause {
    std::string keyword;  // "if", "elif", "else", "except" ...
    std::string header;   // what follows the keyword
    int line = 0;
    std::vector<Statement> body;
};

struct Statement {
    enum class Kind : std::uint8_t {
        kText,
        kValue,  // {{ }}
        kRaw,
        kModule,
        kSet,
        kInclude,
        kBreak,
        kContinue,
        kIf,
        kFor,
        kWhile,
        kTry,
        kApply,
        kBlock,
    };

    Kind kind = Kind::kText;
    int line = 0;
    std::string text;             // literal text, an expression, the name of a file
    std::vector<Clause> clauses;  // the first is the tag's own
};

struct Extends {
    std::string name;
    int line = 0;
};

/// One file. Immutable once it was parsed, and shared by all templates that contain it.
struct LoadedFile {
    std::string name;
    std::string stamp;
    std::vector<Statement> body;
    std::optional<std::string> autoescape;  // the function's name; empty if the file escapes nothing
    std::optional<Extends> extends;
};

/// Parses the text of the file `name`. Throws ParseError, also for mistakes in expressions.
LoadedFile parse_file(std::string name, std::string_view text, const LoaderOptions& options);

/// Applies a whitespace mode to literal text, as Tornado's filter_whitespace does.
std::string filter_whitespace(Whitespace mode, std::string_view text);

}  // namespace caropig::templates
