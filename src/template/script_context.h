#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// Where in a piece of JavaScript or JSON a value would stand: in code, in a string, in a comment. What cannot be told
/// for sure without a parser of JavaScript is opaque, and values are refused there.
namespace caropig::templates {

class ScriptContext {
public:
    enum class Place : std::uint8_t {
        kCode,     ///< a value stands for an expression
        kText,     ///< a value stands inside of quotes or in a comment
        kUnclear,  ///< in a regular expression, a ${...}, or past what was not understood
    };

    void feed(char c);

    /// `<!--` begins a comment of one line in a script.
    void begin_line_comment() noexcept { state_ = State::kLineComment; }

    /// Where a value would stand now.
    [[nodiscard]] Place place() const noexcept;

    /// A value stands here.
    void value_written() noexcept;

    friend bool operator==(const ScriptContext&, const ScriptContext&) = default;

private:
    enum class State : std::uint8_t {
        kCode,
        kSlash,  // a "/" of which the next character tells what it is
        kDouble,
        kSingle,
        kTemplate,
        kRegex,
        kRegexClass,
        kLineComment,
        kBlockComment,
        kOpaque,
    };

    // What a "/" would mean after the code so far.
    enum class Slash : std::uint8_t { kRegex, kDivision, kUnknown };

    void code(char c);
    void after_slash(char c);
    void quoted(char c, char quote);
    [[nodiscard]] Slash slash_here() const noexcept;

    State state_ = State::kCode;
    Slash slash_ = Slash::kRegex;
    bool escaped_ = false;  // a backslash stands before
    bool in_word_ = false;
    char before_ = '\0';  // the last character, where pairs matter
    std::string word_;    // the last identifier, if it is short enough to be a keyword
};

}  // namespace caropig::templates
