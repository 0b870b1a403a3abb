#include "db/postgres_placeholders.h"

#include <algorithm>

namespace caropig::db {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool starts_identifier(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool continues_tag(char c) noexcept { return starts_identifier(c) || is_digit(c); }
bool continues_identifier(char c) noexcept { return continues_tag(c) || c == '$'; }
bool is_newline(char c) noexcept { return c == '\n' || c == '\r'; }
bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\f' || is_newline(c); }

/// Follows PostgreSQL's lexer (scan.l) as far as needed to know what is code. Each function that skips takes the
/// position of a token and returns the one behind it; what is not terminated reaches to the end, and the server will
/// say so.
class Scanner {
public:
    explicit Scanner(std::string_view sql) : sql_(sql) {}

    NumberedStatement run() {
        result_.sql.reserve(sql_.size() + 16);
        std::size_t at = 0;
        while (at < sql_.size()) {
            if (sql_[at] != '?') {
                std::size_t end = skip_token(at);
                result_.sql += sql_.substr(at, end - at);
                at = end;
            } else if (sql_.substr(at).starts_with("??")) {
                result_.sql += '?';
                at += 2;
            } else {
                put_placeholder(at + 1);
                ++at;
            }
        }
        return std::move(result_);
    }

private:
    void put_placeholder(std::size_t next) {
        if (!result_.sql.empty() && continues_identifier(result_.sql.back())) result_.sql += ' ';
        result_.sql += '$';
        result_.sql += std::to_string(++result_.placeholders);
        if (next < sql_.size() && continues_identifier(sql_[next])) result_.sql += ' ';
    }

    std::size_t skip_token(std::size_t at) {
        char c = sql_[at];
        std::string_view rest = sql_.substr(at);
        if (c == '\'' || c == '"') return skip_quoted(at + 1, c);
        if (rest.starts_with("--")) return skip_line(at);
        if (rest.starts_with("/*")) return skip_comment(at);
        if (c == '$') return skip_dollar(at);
        if (!starts_identifier(c)) return at + 1;
        std::size_t end = find_if_not(at + 1, continues_identifier);
        bool escapes = end == at + 1 && (c == 'e' || c == 'E') && end < sql_.size() && sql_[end] == '\'';
        return escapes ? skip_escape_string(end + 1) : end;
    }

    /// A doubled quote ends and begins again, which comes to the same.
    std::size_t skip_quoted(std::size_t at, char quote) const { return behind(sql_.find(quote, at), 1); }

    /// E'…': a backslash takes the next character, and a doubled quote is one. It goes on behind a newline: E'…'⏎'…' is
    /// one string.
    std::size_t skip_escape_string(std::size_t at) const {
        while (at < sql_.size()) {
            if (sql_[at] == '\\' || sql_.substr(at).starts_with("''")) {
                at = std::min(at + 2, sql_.size());
            } else if (sql_[at] != '\'') {
                ++at;
            } else {
                std::size_t next = behind_newline(at + 1);
                if (next == sql_.size() || sql_[next] != '\'') return at + 1;
                at = next + 1;
            }
        }
        return at;
    }

    /// The next token, if a newline is among the spaces and line comments before it; else the end of the text.
    std::size_t behind_newline(std::size_t at) const {
        bool newline = false;
        while (at < sql_.size()) {
            if (sql_.substr(at).starts_with("--")) {
                at = skip_line(at);
            } else if (is_space(sql_[at])) {
                newline = newline || is_newline(sql_[at]);
                ++at;
            } else {
                break;
            }
        }
        return newline ? at : sql_.size();
    }

    std::size_t skip_line(std::size_t at) const {
        return find_if_not(at, [](char c) { return !is_newline(c); });
    }

    std::size_t skip_comment(std::size_t at) const {
        std::size_t depth = 0;
        while (at < sql_.size()) {
            std::string_view rest = sql_.substr(at);
            if (rest.starts_with("/*")) {
                ++depth;
                at += 2;
            } else if (rest.starts_with("*/")) {
                at += 2;
                if (--depth == 0) break;
            } else {
                ++at;
            }
        }
        return at;
    }

    /// $tag$…$tag$, or $1, or a lone $.
    std::size_t skip_dollar(std::size_t at) {
        std::size_t end = at + 1;
        if (end < sql_.size() && is_digit(sql_[end])) {
            result_.has_numbers = true;
            return find_if_not(end, is_digit);
        }
        if (end < sql_.size() && starts_identifier(sql_[end])) end = find_if_not(end, continues_tag);
        if (end == sql_.size() || sql_[end] != '$') return at + 1;
        std::string_view delimiter = sql_.substr(at, end + 1 - at);
        return behind(sql_.find(delimiter, end + 1), delimiter.size());
    }

    template <class Condition>
    std::size_t find_if_not(std::size_t at, Condition condition) const {
        auto from = sql_.begin() + static_cast<std::ptrdiff_t>(at);
        return static_cast<std::size_t>(std::find_if_not(from, sql_.end(), condition) - sql_.begin());
    }
    [[nodiscard]] std::size_t behind(std::size_t found, std::size_t length) const {
        return found == std::string_view::npos ? sql_.size() : found + length;
    }

    std::string_view sql_;
    NumberedStatement result_;
};

}  // namespace

NumberedStatement number_placeholders(std::string_view sql) { return Scanner(sql).run(); }

}  // namespace caropig::db
