#include "template/token.h"

#include "template/unicode.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_hex_digit(char c) noexcept { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

unsigned hex_value(char c) noexcept { return static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10); }

bool is_name_start(char c) noexcept {
    return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || static_cast<unsigned char>(c) >= 0x80;
}

class Tokenizer {
public:
    explicit Tokenizer(std::string_view text) : text_(text) {}

    std::vector<Token> run() {
        for (;;) {
            while (at_ < text_.size() && std::string_view(" \t\r\n\f").find(text_[at_]) != std::string_view::npos)
                ++at_;
            if (at_ == text_.size()) break;
            next();
        }
        tokens_.push_back({Token::Kind::kEnd, text_.substr(text_.size()), {}, false});
        return std::move(tokens_);
    }

private:
    char peek(std::size_t ahead = 0) const noexcept { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

    void next() {
        const char c = peek();
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
            number();
        } else if (c == '"' || c == '\'') {
            string("");
        } else if (is_name_start(c)) {
            name();
        } else {
            symbol();
        }
    }

    void add(Token::Kind kind, std::size_t start) {
        tokens_.push_back({kind, text_.substr(start, at_ - start), {}, false});
    }

    void name() {
        const std::size_t start = at_;
        while (is_name_start(peek()) || is_digit(peek())) ++at_;
        const std::string_view word = text_.substr(start, at_ - start);
        if ((peek() == '"' || peek() == '\'') && word.size() <= 2) {
            string(word);
        } else {
            add(Token::Kind::kName, start);
        }
    }

    void digits(auto&& accept) {
        while (accept(peek()) || (peek() == '_' && accept(peek(1)))) ++at_;
    }

    void number() {
        const std::size_t start = at_;
        bool floating = false;
        const char base = static_cast<char>(peek(1) | 0x20);
        if (peek() == '0' && (base == 'x' || base == 'o' || base == 'b')) {
            at_ += 2;
            digits(is_hex_digit);
        } else {
            digits(is_digit);
            if (peek() == '.') {
                floating = true;
                ++at_;
                digits(is_digit);
            }
            const bool signed_exponent = peek(1) == '+' || peek(1) == '-';
            if ((peek() | 0x20) == 'e' && is_digit(peek(signed_exponent ? 2 : 1))) {
                floating = true;
                at_ += signed_exponent ? 2 : 1;
                digits(is_digit);
            }
        }
        if (is_name_start(peek()) || is_digit(peek())) {
            throw SyntaxError{fmt::format("'{}{}' is no number", text_.substr(start, at_ - start), peek())};
        }
        add(floating ? Token::Kind::kFloat : Token::Kind::kInteger, start);
    }

    void string(std::string_view prefix) {
        bool raw = false;
        bool format = false;
        for (const char c : prefix) {
            const char letter = static_cast<char>(c | 0x20);
            if (letter == 'b') throw SyntaxError{"bytes literals are not supported; strings are UTF-8"};
            if (letter != 'r' && letter != 'f' && letter != 'u') {
                throw SyntaxError{fmt::format("'{}' before a string means nothing", prefix)};
            }
            raw = raw || letter == 'r';
            format = format || letter == 'f';
        }
        const char quote = peek();
        const bool triple = peek(1) == quote && peek(2) == quote;
        at_ += triple ? 3 : 1;
        const std::size_t start = at_;
        for (;; ++at_) {
            if (at_ >= text_.size() || (!triple && text_[at_] == '\n'))
                throw SyntaxError{"a string lacks its closing quote"};
            if (text_[at_] == '\\') {
                ++at_;
            } else if (text_[at_] == quote && (!triple || (peek(1) == quote && peek(2) == quote))) {
                break;
            }
        }
        Token token;
        token.kind = format ? Token::Kind::kFormatString : Token::Kind::kString;
        token.text = text_.substr(start, at_ - start);
        token.raw = raw;
        if (!format) token.string = unescape(token.text, raw);
        tokens_.push_back(std::move(token));
        at_ += triple ? 3 : 1;
    }

    void symbol() {
        static constexpr std::array<std::string_view, 36> kSymbols = {
            "**=", "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "<=", ">=", "==",
            "!=",  "->",  ":=",  "+=",  "-=",  "*=", "/=", "%=", "&=", "|=", "^=", "@=",
            "+",   "-",   "*",   "/",   "%",   "<",  ">",  "&",  "|",  "^",  "~",  "="};
        static constexpr std::string_view kSingle = "()[]{},:.@;!";
        const std::size_t start = at_;
        const auto found = std::ranges::find_if(
            kSymbols, [&](std::string_view symbol) { return text_.substr(at_).starts_with(symbol); });
        if (found != kSymbols.end()) {
            at_ += found->size();
        } else if (kSingle.find(peek()) != std::string_view::npos) {
            ++at_;
        } else {
            throw SyntaxError{fmt::format("'{}' has no meaning in an expression", peek())};
        }
        add(Token::Kind::kOperator, start);
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Token> tokens_;
};

// The escape behind the backslash at `at`; moves `at` behind it.
void append_escape(std::string& out, std::string_view body, std::size_t& at) {
    const char c = body[at++];
    const auto hexadecimal = [&](std::size_t size) {
        char32_t code = 0;
        for (std::size_t i = 0; i < size; ++i, ++at) {
            if (at >= body.size() || !is_hex_digit(body[at])) {
                throw SyntaxError{fmt::format("'\\{}' in a string needs {} hexadecimal digits", c, size)};
            }
            code = code << 4 | hex_value(body[at]);
        }
        if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw SyntaxError{"an escape that is no character"};
        unicode::append(out, code);
    };
    switch (c) {
        case '\n':
            break;
        case '\\':
        case '\'':
        case '"':
            out += c;
            break;
        case 'n':
            out += '\n';
            break;
        case 'r':
            out += '\r';
            break;
        case 't':
            out += '\t';
            break;
        case 'a':
            out += '\a';
            break;
        case 'b':
            out += '\b';
            break;
        case 'f':
            out += '\f';
            break;
        case 'v':
            out += '\v';
            break;
        case 'x':
            hexadecimal(2);
            break;
        case 'u':
            hexadecimal(4);
            break;
        case 'U':
            hexadecimal(8);
            break;
        case 'N':
            throw SyntaxError{"'\\N{...}' in a string is not supported; write the character"};
        default:
            if (c >= '0' && c <= '7') {
                char32_t code = static_cast<unsigned char>(c - '0');
                for (int i = 0; i < 2 && at < body.size() && body[at] >= '0' && body[at] <= '7'; ++i, ++at) {
                    code = code * 8 + static_cast<unsigned char>(body[at] - '0');
                }
                unicode::append(out, code);
            } else {
                out += '\\';
                out += c;
            }
    }
}

}  // namespace

std::string unescape(std::string_view body, bool raw) {
    if (raw) return std::string(body);
    std::string out;
    for (std::size_t at = 0; at < body.size();) {
        if (body[at] != '\\' || at + 1 == body.size()) {
            out += body[at++];
        } else {
            ++at;
            append_escape(out, body, at);
        }
    }
    return out;
}

std::vector<Token> tokenize(std::string_view text) { return Tokenizer(text).run(); }

}  // namespace caropig::templates
