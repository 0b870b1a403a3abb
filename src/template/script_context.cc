#include "template/script_context.h"

#include <algorithm>
#include <array>

namespace caropig::templates {
namespace {

bool is_identifier_char(char c) noexcept {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// Behind these words a slash begins a regular expression.
constexpr std::array<std::string_view, 14> kBeforeRegex = {"return", "typeof",     "case",  "do",     "else",
                                                           "in",     "instanceof", "new",   "delete", "void",
                                                           "throw",  "of",         "yield", "await"};

constexpr std::size_t kLongestKeyword = 10;

}  // namespace

ScriptContext::Slash ScriptContext::slash_here() const noexcept {
    const bool keyword = std::ranges::find(kBeforeRegex, word_) != kBeforeRegex.end();
    return keyword ? Slash::kRegex : slash_;
}

void ScriptContext::feed(char c) {
    switch (state_) {
        case State::kCode:
            code(c);
            break;
        case State::kSlash:
            after_slash(c);
            break;
        case State::kDouble:
            quoted(c, '"');
            break;
        case State::kSingle:
            quoted(c, '\'');
            break;
        case State::kTemplate:
            if (!escaped_ && before_ == '$' && c == '{') state_ = State::kOpaque;
            before_ = escaped_ ? '\0' : c;
            if (state_ == State::kTemplate) quoted(c, '`');
            break;
        case State::kRegex:
        case State::kRegexClass:
            if (c == '\n' || c == '\r') {
                state_ = State::kOpaque;
            } else if (escaped_) {
                escaped_ = false;
            } else if (c == '\\') {
                escaped_ = true;
            } else if (state_ == State::kRegexClass) {
                if (c == ']') state_ = State::kRegex;
            } else if (c == '[') {
                state_ = State::kRegexClass;
            } else if (c == '/') {
                state_ = State::kCode;
                slash_ = Slash::kDivision;
            }
            break;
        case State::kLineComment:
            if (c == '\n' || c == '\r') state_ = State::kCode;
            break;
        case State::kBlockComment:
            if (before_ == '*' && c == '/') state_ = State::kCode;
            before_ = c;
            break;
        case State::kOpaque:
            break;
    }
}

void ScriptContext::code(char c) {
    if (is_identifier_char(c)) {
        if (!in_word_) word_.clear();
        in_word_ = true;
        if (word_.size() <= kLongestKeyword) word_ += c;
        slash_ = Slash::kDivision;
        return;
    }
    in_word_ = false;
    before_ = '\0';
    escaped_ = false;
    switch (c) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case '\f':
        case '\v':
            return;
        case '/':
            state_ = State::kSlash;
            return;
        case '"':
            state_ = State::kDouble;
            break;
        case '\'':
            state_ = State::kSingle;
            break;
        case '`':
            state_ = State::kTemplate;
            break;
        case ')':
        case ']':
            slash_ = Slash::kDivision;
            break;
        // The end of a block or of an object.
        case '}':
            slash_ = Slash::kUnknown;
            break;
        default:
            slash_ = Slash::kRegex;
    }
    word_.clear();
}

void ScriptContext::after_slash(char c) {
    const Slash meaning = slash_here();
    before_ = '\0';
    if (c == '/') {
        state_ = State::kLineComment;
    } else if (c == '*') {
        state_ = State::kBlockComment;
    } else if (meaning == Slash::kUnknown) {
        state_ = State::kOpaque;
    } else {
        word_.clear();
        slash_ = Slash::kRegex;
        state_ = meaning == Slash::kRegex ? State::kRegex : State::kCode;
        feed(c);
    }
}

void ScriptContext::quoted(char c, char quote) {
    if (escaped_) {
        escaped_ = false;
    } else if (c == '\\') {
        escaped_ = true;
    } else if (c == quote) {
        state_ = State::kCode;
        slash_ = Slash::kDivision;
        before_ = '\0';
    } else if (quote != '`' && (c == '\n' || c == '\r')) {
        state_ = State::kOpaque;
    }
}

ScriptContext::Place ScriptContext::place() const noexcept {
    switch (state_) {
        case State::kCode:
            return in_word_ ? Place::kUnclear : Place::kCode;
        case State::kSlash:
            return slash_here() == Slash::kDivision ? Place::kCode : Place::kUnclear;
        case State::kDouble:
        case State::kSingle:
            return escaped_ ? Place::kUnclear : Place::kText;
        case State::kTemplate:
            return escaped_ || before_ == '$' ? Place::kUnclear : Place::kText;
        case State::kLineComment:
            return Place::kText;
        case State::kBlockComment:
            return before_ == '*' ? Place::kUnclear : Place::kText;
        default:
            return Place::kUnclear;
    }
}

void ScriptContext::value_written() noexcept {
    before_ = '\0';
    if (state_ != State::kCode && state_ != State::kSlash) return;
    state_ = State::kCode;
    in_word_ = false;
    word_.clear();
    slash_ = Slash::kDivision;
}

}  // namespace caropig::templates
