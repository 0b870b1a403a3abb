#include "template/expression_parser.h"
#include "template/statement.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr std::string_view kBlanks = " \t\r\n\f\v";

std::string_view trim(std::string_view text) {
    const std::size_t start = text.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return {};
    return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

// As str.strip('"').strip("'").
std::string_view without_quotes(std::string_view text) {
    for (const char quote : {'"', '\''}) {
        while (text.starts_with(quote)) text.remove_prefix(1);
        while (text.ends_with(quote)) text.remove_suffix(1);
    }
    return text;
}

std::optional<Whitespace> parse_whitespace(std::string_view name) {
    if (name == "all") return Whitespace::kAll;
    if (name == "single") return Whitespace::kSingle;
    if (name == "oneline") return Whitespace::kOneline;
    return std::nullopt;
}

struct Operator {
    std::string_view name;
    Statement::Kind kind;
};

constexpr std::array<Operator, 6> kBlocks = {{
    {"if", Statement::Kind::kIf},
    {"for", Statement::Kind::kFor},
    {"while", Statement::Kind::kWhile},
    {"try", Statement::Kind::kTry},
    {"apply", Statement::Kind::kApply},
    {"block", Statement::Kind::kBlock},
}};

constexpr std::array<Operator, 6> kSimple = {{
    {"raw", Statement::Kind::kRaw},
    {"module", Statement::Kind::kModule},
    {"set", Statement::Kind::kSet},
    {"include", Statement::Kind::kInclude},
    {"break", Statement::Kind::kBreak},
    {"continue", Statement::Kind::kContinue},
}};

bool is_loop(Statement::Kind kind) noexcept { return kind == Statement::Kind::kFor || kind == Statement::Kind::kWhile; }

class FileParser {
public:
    FileParser(LoadedFile& file, std::string_view text, const LoaderOptions& options)
        : file_(file), text_(text), options_(options) {
        const bool page = file.name.ends_with(".html") || file.name.ends_with(".js");
        whitespace_ = options.whitespace.value_or(page ? Whitespace::kSingle : Whitespace::kAll);
        if (options.autoescape) file.autoescape = "xhtml_escape";
    }

    void run() { body(nullptr, file_.body, false, 0); }

private:
    [[noreturn]] void fail(int line, std::string_view message) const { throw ParseError(file_.name, line, message); }

    // Consumes up to `end` and what it stands in; the text before it.
    std::string_view take(std::size_t end) {
        const std::string_view taken = text_.substr(at_, end - at_);
        line_ += static_cast<int>(std::ranges::count(taken, '\n'));
        at_ = end;
        return taken;
    }

    std::string_view take_through(std::string_view mark, int line, std::string_view missing) {
        const std::size_t end = text_.find(mark, at_);
        if (end == std::string_view::npos) fail(line, missing);
        const std::string_view inside = take(end);
        at_ += mark.size();
        return trim(inside);
    }

    // Where the next tag begins: of several braces in a row, the last two. npos if there is none.
    std::size_t next_tag() const {
        for (std::size_t at = text_.find('{', at_); at != std::string_view::npos; at = text_.find('{', at + 1)) {
            if (at + 1 == text_.size()) return std::string_view::npos;
            const char next = text_[at + 1];
            if (next != '{' && next != '%' && next != '#') continue;
            if (next == '{' && at + 2 < text_.size() && text_[at + 2] == '{') continue;
            return at;
        }
        return std::string_view::npos;
    }

    void add_text(std::vector<Statement>& out, std::string_view text) {
        if (text.empty()) return;
        // What stands beside <pre> stays as it is.
        const bool keep = text.find("<pre>") != std::string_view::npos;
        Statement statement;
        statement.line = line_;
        statement.text = keep ? std::string(text) : filter_whitespace(whitespace_, text);
        out.push_back(std::move(statement));
    }

    // Reads up to {% end %} of `block` (or the end of the file) into `out`; a clause's tag continues in a new clause.
    void body(Statement* block, std::vector<Statement>& out, bool in_loop, std::size_t depth) {
        if (depth > options_.limits.nesting)
            fail(line_, fmt::format("tags are nested more than {} levels deep", depth - 1));
        std::vector<Statement>* into = &out;
        for (;;) {
            const std::size_t tag = next_tag();
            if (tag == std::string_view::npos) {
                if (block != nullptr) {
                    fail(block->line, fmt::format("'{}' lacks its {{% end %}}", block->clauses[0].keyword));
                }
                add_text(*into, take(text_.size()));
                return;
            }
            add_text(*into, take(tag));
            const std::string_view brace = text_.substr(at_, 2);
            at_ += 2;
            const int line = line_;
            if (text_.substr(at_).starts_with('!')) {
                ++at_;
                add_text(*into, brace);
            } else if (brace == "{#") {
                take_through("#}", line, "a comment lacks its '#}'");
            } else if (brace == "{{") {
                const std::string_view expression = take_through("}}", line, "an expression lacks its '}}'");
                if (expression.empty()) fail(line, "an expression is empty");
                check_expression(line, expression);
                simple(*into, Statement::Kind::kValue, line, expression);
            } else {
                const std::string_view contents = take_through("%}", line, "a tag lacks its '%}'");
                if (contents.empty()) fail(line, "a tag is empty");
                const std::size_t space = std::min(contents.find_first_of(kBlanks), contents.size());
                const std::string_view word = contents.substr(0, space);
                const std::string_view rest = trim(contents.substr(space));
                if (word == "end") {
                    if (block == nullptr) fail(line, "{% end %} without a block that it could end");
                    return;
                }
                if (clause(block, word, rest, line)) {
                    into = &block->clauses.back().body;
                } else {
                    tag_statement(*into, word, rest, line, in_loop, depth);
                }
            }
        }
    }

    static void simple(std::vector<Statement>& out, Statement::Kind kind, int line, std::string_view text) {
        Statement statement;
        statement.kind = kind;
        statement.line = line;
        statement.text = text;
        out.push_back(std::move(statement));
    }

    // Opens a new clause of `block` if `word` is else, elif, except or finally.
    bool clause(Statement* block, std::string_view word, std::string_view rest, int line) {
        if (word != "else" && word != "elif" && word != "except" && word != "finally") return false;
        if (block == nullptr) fail(line, fmt::format("'{}' outside of a block that it could belong to", word));
        const Statement::Kind kind = block->kind;
        const std::string& owner = block->clauses[0].keyword;
        const bool fits = word == "elif" ? kind == Statement::Kind::kIf
                          : word == "else"
                              ? kind == Statement::Kind::kIf || is_loop(kind) || kind == Statement::Kind::kTry
                              : kind == Statement::Kind::kTry;
        if (!fits) fail(line, fmt::format("'{}' does not belong to '{}'", word, owner));
        const std::string& before = block->clauses.back().keyword;
        if (before == "finally" || (before == "else" && word != "finally")) {
            fail(line, fmt::format("'{}' behind '{}'", word, before));
        }
        if (word == "else" && kind == Statement::Kind::kTry && before != "except") {
            fail(line, "'else' of a 'try' needs an 'except' before it");
        }
        if (word == "except" && before == "except" && block->clauses.back().header.empty()) {
            fail(line, "an 'except' without a name must be the last");
        }
        if (word == "elif") check_condition(line, word, rest);
        if ((word == "else" || word == "finally") && !rest.empty()) {
            fail(line,
                 fmt::format("expected nothing behind '{}'{}", word, rest.starts_with("if ") ? "; write 'elif'" : ""));
        }
        block->clauses.push_back({std::string(word), std::string(rest), line, {}});
        return true;
    }

    void tag_statement(std::vector<Statement>& out, std::string_view word, std::string_view rest, int line,
                       bool in_loop, std::size_t depth) {
        if (word == "comment") return;
        if (const auto block = std::ranges::find(kBlocks, word, &Operator::name); block != kBlocks.end()) {
            block_statement(out, *block, rest, line, in_loop, depth);
            return;
        }
        const auto found = std::ranges::find(kSimple, word, &Operator::name);
        if (found == kSimple.end()) {
            directive(word, rest, line, depth);
            return;
        }
        std::string_view text = rest;
        if (found->kind == Statement::Kind::kBreak || found->kind == Statement::Kind::kContinue) {
            if (!in_loop) fail(line, fmt::format("'{}' outside of a loop", word));
        } else if (found->kind == Statement::Kind::kInclude) {
            text = without_quotes(rest);
            if (text.empty()) fail(line, "'include' lacks the name of a file");
        } else if (rest.empty()) {
            fail(line, fmt::format("'{}' lacks what it is about", word));
        } else if (found->kind == Statement::Kind::kSet) {
            check(line, [&](Expressions& scratch) { parse_assignment(rest, scratch, options_.limits.nesting); });
        } else {
            check_expression(line, rest);
        }
        simple(out, found->kind, line, text);
    }

    // What leaves no statement behind.
    void directive(std::string_view word, std::string_view rest, int line, std::size_t depth) {
        if (word == "extends") {
            const std::string_view name = without_quotes(rest);
            if (name.empty()) fail(line, "'extends' lacks the name of a file");
            if (depth != 0) fail(line, "'extends' stands inside of another tag");
            if (file_.extends) fail(line, "a second 'extends'");
            file_.extends = Extends{std::string(name), line};
        } else if (word == "autoescape") {
            if (rest.empty()) fail(line, "'autoescape' lacks the name of a function, or None");
            file_.autoescape.reset();
            if (rest == "None") return;
            check_expression(line, rest);
            file_.autoescape = rest;
        } else if (word == "whitespace") {
            const std::optional<Whitespace> mode = parse_whitespace(rest);
            if (!mode) fail(line, fmt::format("expected all, single or oneline behind 'whitespace', not '{}'", rest));
            whitespace_ = *mode;
        } else if (word == "import" || word == "from") {
            fail(line, "'import' is not supported: a template has no Python; register functions instead");
        } else if (word.starts_with("end")) {
            fail(line, fmt::format("unknown tag '{}'; every block ends with {{% end %}}", word));
        } else {
            fail(line, fmt::format("unknown tag '{}'", word));
        }
    }

    void block_statement(std::vector<Statement>& out, const Operator& op, std::string_view rest, int line, bool in_loop,
                         std::size_t depth) {
        Statement statement;
        statement.kind = op.kind;
        statement.line = line;
        statement.clauses.push_back({std::string(op.name), std::string(rest), line, {}});
        switch (op.kind) {
            case Statement::Kind::kFor:
                if (rest.empty()) fail(line, "'for' lacks 'name in expression'");
                check(line, [&](Expressions& scratch) { parse_for(rest, scratch, options_.limits.nesting); });
                break;
            case Statement::Kind::kBlock:
                if (!is_identifier(rest)) fail(line, fmt::format("'block' needs a name, not '{}'", rest));
                break;
            case Statement::Kind::kTry:
                if (!rest.empty()) fail(line, "expected nothing behind 'try'");
                break;
            default:
                check_condition(line, op.name, rest);
        }
        const bool loop = is_loop(op.kind) || (in_loop && op.kind != Statement::Kind::kApply);
        // `statement` gains clauses while it is read: each body is where its clause is then.
        std::vector<Statement> first;
        body(&statement, first, loop, depth + 1);
        statement.clauses[0].body = std::move(first);
        if (op.kind == Statement::Kind::kTry && statement.clauses.size() == 1) {
            fail(line, "'try' needs an 'except' or a 'finally'");
        }
        out.push_back(std::move(statement));
    }

    void check(int line, auto&& parse) const {
        Expressions scratch;
        try {
            parse(scratch);
        } catch (const SyntaxError& error) {
            fail(line, error.message);
        }
    }

    void check_expression(int line, std::string_view text) const {
        check(line, [&](Expressions& scratch) { parse_expression(text, scratch, options_.limits.nesting); });
    }

    void check_condition(int line, std::string_view word, std::string_view text) const {
        if (text.empty()) fail(line, fmt::format("'{}' lacks its expression", word));
        check_expression(line, text);
    }

    LoadedFile& file_;
    std::string_view text_;
    const LoaderOptions& options_;
    Whitespace whitespace_ = Whitespace::kAll;
    std::size_t at_ = 0;
    int line_ = 1;
};

}  // namespace

LoadedFile parse_file(std::string name, std::string_view text, const LoaderOptions& options) {
    LoadedFile file;
    file.name = std::move(name);
    if (!unicode::is_valid(text)) throw ParseError(file.name, 0, "the file is not UTF-8");
    FileParser(file, text, options).run();
    return file;
}

}  // namespace caropig::templates
