#include "template/expression_parser.h"

#include "template/methods.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

constexpr std::array<std::string_view, 35> kKeywords = {
    "False",  "None",     "True", "and",    "as",   "assert", "async",  "await",   "break", "class",  "continue", "def",
    "del",    "elif",     "else", "except", "for",  "from",   "global", "finally", "if",    "import", "in",       "is",
    "lambda", "nonlocal", "not",  "or",     "pass", "raise",  "return", "try",     "while", "with",   "yield"};

bool is_keyword(std::string_view word) { return std::ranges::find(kKeywords, word) != kKeywords.end(); }

struct BinaryLevel {
    std::array<std::pair<std::string_view, BinaryOperator>, 4> operators;
    std::size_t count;
};

// From the loosest to the tightest.
constexpr std::array<BinaryLevel, 6> kLevels = {{
    {{{{"|", BinaryOperator::kBitOr}}}, 1},
    {{{{"^", BinaryOperator::kBitXor}}}, 1},
    {{{{"&", BinaryOperator::kBitAnd}}}, 1},
    {{{{"<<", BinaryOperator::kShiftLeft}, {">>", BinaryOperator::kShiftRight}}}, 2},
    {{{{"+", BinaryOperator::kAdd}, {"-", BinaryOperator::kSubtract}}}, 2},
    {{{{"*", BinaryOperator::kMultiply},
       {"/", BinaryOperator::kDivide},
       {"//", BinaryOperator::kFloorDivide},
       {"%", BinaryOperator::kModulo}}},
     4},
}};

class Parser {
public:
    Parser(std::string_view text, Expressions& expressions, std::size_t nesting)
        : tokens_(tokenize(text)), expressions_(expressions), nesting_(std::min<std::size_t>(nesting, 200)) {}

    NodeIndex whole_expression() {
        const NodeIndex node = expression_list();
        expect_end();
        return node;
    }

    Assignment assignment() {
        Assignment result;
        if (peek().kind == Token::Kind::kName && tokens_.size() > 2) {
            if (const auto op = augmented(tokens_[1].text)) return augment(*op);
        }
        while (is_assignment()) {
            result.targets.push_back(target_list("="));
            expect("=");
        }
        if (result.targets.empty()) fail("expected 'name = expression'");
        result.value = expression_list();
        expect_end();
        return result;
    }

    Assignment for_header() {
        Assignment result;
        result.targets.push_back(target_list("in"));
        expect("in");
        result.value = expression_list();
        expect_end();
        return result;
    }

private:
    class Level {
    public:
        explicit Level(Parser& parser) : parser_(parser) {
            if (++parser_.depth_ > 3 * parser_.nesting_) {  // a pair of parentheses is three
                throw SyntaxError{fmt::format("the expression is nested more than {} levels deep", parser_.nesting_)};
            }
        }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;
        ~Level() { --parser_.depth_; }

    private:
        Parser& parser_;
    };

    [[noreturn]] static void fail(std::string message) { throw SyntaxError{std::move(message)}; }

    const Token& peek() const { return tokens_[at_]; }
    const Token& peek_next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    Token take() { return tokens_[peek().kind == Token::Kind::kEnd ? at_ : at_++]; }
    bool accept(std::string_view symbol) {
        if (!peek().is(symbol)) return false;
        ++at_;
        return true;
    }
    static std::string shown(const Token& token) {
        return token.kind == Token::Kind::kEnd ? std::string("the end") : fmt::format("'{}'", token.text);
    }
    void expect(std::string_view symbol) {
        if (!accept(symbol)) fail(fmt::format("expected '{}' before {}", symbol, shown(peek())));
    }
    void expect_end() {
        if (peek().kind == Token::Kind::kEnd) return;
        if (peek().is("for") || peek().is("async")) comprehension();
        if (peek().is(":=")) fail("':=' is not supported; use {% set %}");
        if (peek().is("=")) fail("expected an expression, not an assignment; use {% set %}");
        fail(fmt::format("expected the end of the expression before {}", shown(peek())));
    }
    [[noreturn]] static void comprehension() {
        fail("comprehensions and generator expressions are not supported; use {% for %} with {% if %}");
    }
    void refuse_comprehension() const {
        if (peek().is("for") || peek().is("async")) comprehension();
    }

    // Adds a node above its children.
    NodeIndex add(Node node, const std::vector<std::uint32_t>& children, std::size_t names_behind = 0) {
        std::size_t height = 0;
        for (std::size_t i = 0; i + names_behind < children.size(); ++i) {
            if (children[i] != kMissing)
                height = std::max<std::size_t>(height, expressions_.nodes[children[i]].height + 1u);
        }
        if (height > nesting_) fail(fmt::format("the expression is nested more than {} levels deep", nesting_));
        node.height = static_cast<std::uint8_t>(height);
        node.first = static_cast<std::uint32_t>(expressions_.children.size());
        node.count = static_cast<std::uint32_t>(children.size() - names_behind);
        expressions_.children.insert(expressions_.children.end(), children.begin(), children.end());
        expressions_.nodes.push_back(node);
        return static_cast<NodeIndex>(expressions_.nodes.size() - 1);
    }
    NodeIndex add(Node::Kind kind, const std::vector<std::uint32_t>& children) {
        Node node;
        node.kind = kind;
        return add(node, children);
    }
    NodeIndex constant(Value value) {
        Node node;
        node.value = static_cast<std::uint32_t>(expressions_.constants.size());
        expressions_.constants.push_back(std::move(value));
        return add(node, {});
    }

    static std::optional<BinaryOperator> augmented(std::string_view symbol) {
        if (symbol.size() < 2 || !symbol.ends_with('=')) return std::nullopt;
        symbol.remove_suffix(1);
        if (symbol == "**") return BinaryOperator::kPower;
        for (const BinaryLevel& level : kLevels) {
            for (std::size_t i = 0; i < level.count; ++i) {
                if (level.operators[i].first == symbol) return level.operators[i].second;
            }
        }
        return std::nullopt;
    }

    Assignment augment(BinaryOperator op) {
        Assignment result;
        const NodeIndex before = name(peek().text);
        result.targets.push_back(target());
        ++at_;
        const NodeIndex operand = expression_list();
        expect_end();
        Node node;
        node.kind = Node::Kind::kBinary;
        node.operation = static_cast<std::uint8_t>(op);
        result.value = add(node, {before, operand});
        return result;
    }

    // Whether an "=" follows outside of all brackets.
    bool is_assignment() const {
        int depth = 0;
        for (std::size_t i = at_; i < tokens_.size(); ++i) {
            const Token& token = tokens_[i];
            if (token.is("(") || token.is("[") || token.is("{")) ++depth;
            if (token.is(")") || token.is("]") || token.is("}")) --depth;
            if (depth == 0 && token.is("=")) return true;
        }
        return false;
    }

    Target target() {
        const Level level(*this);
        Target result;
        if (accept("(") || accept("[")) {
            const std::string_view close = tokens_[at_ - 1].is("(") ? ")" : "]";
            result = target_list(close);
            expect(close);
            // "(x,)" and "[x]" take apart, "(x)" is x.
            if (close == "]" && result.parts.empty()) {
                Target list;
                list.parts.push_back(std::move(result));
                return list;
            }
            return result;
        }
        if (peek().is("*")) fail("starred targets are not supported");
        const Token token = take();
        if (token.kind != Token::Kind::kName || is_keyword(token.text)) {
            fail(fmt::format("expected a name to assign to before {}", shown(token)));
        }
        if (peek().is(".") || peek().is("[")) fail("only names can be assigned to, not attributes or items");
        result.name = expressions_.name(token.text);
        return result;
    }

    Target target_list(std::string_view end) {
        Target first = target();
        if (!peek().is(",")) return first;
        Target result;
        result.parts.push_back(std::move(first));
        while (accept(",")) {
            if (peek().is(end)) break;
            result.parts.push_back(target());
        }
        return result;
    }

    // expression {"," expression}, a tuple if there is a comma.
    NodeIndex expression_list() {
        const NodeIndex first = expression();
        if (!peek().is(",")) return first;
        std::vector<NodeIndex> items{first};
        while (accept(",")) {
            if (peek().kind == Token::Kind::kEnd) break;
            items.push_back(expression());
        }
        return add(Node::Kind::kTuple, items);
    }

    NodeIndex expression() {
        const Level level(*this);
        if (peek().is("lambda")) fail("lambda is not supported; register a function");
        if (peek().is("yield") || peek().is("await")) {
            fail(fmt::format("'{}' is not supported: a template cannot wait", peek().text));
        }
        if (peek().is("*") || peek().is("**")) fail("'*' and '**' before a value are not supported");
        const NodeIndex value = disjunction();
        if (!accept("if")) {
            if (peek().is(":=")) fail("':=' is not supported; use {% set %}");
            return value;
        }
        const NodeIndex condition = disjunction();
        if (!accept("else")) fail(fmt::format("expected 'else' of a conditional expression before {}", shown(peek())));
        return add(Node::Kind::kConditional, {condition, value, expression()});
    }

    NodeIndex disjunction() {
        NodeIndex left = conjunction();
        while (accept("or")) left = add(Node::Kind::kOr, {left, conjunction()});
        return left;
    }

    NodeIndex conjunction() {
        NodeIndex left = inversion();
        while (accept("and")) left = add(Node::Kind::kAnd, {left, inversion()});
        return left;
    }

    NodeIndex inversion() {
        const Level level(*this);
        if (accept("not")) return add(Node::Kind::kNot, {inversion()});
        return comparison();
    }

    std::optional<Comparison> comparison_operator() {
        static constexpr std::array<std::pair<std::string_view, Comparison>, 7> kSymbols = {{
            {"==", Comparison::kEqual},
            {"!=", Comparison::kNotEqual},
            {"<", Comparison::kLess},
            {"<=", Comparison::kLessOrEqual},
            {">", Comparison::kGreater},
            {">=", Comparison::kGreaterOrEqual},
            {"in", Comparison::kIn},
        }};
        for (const auto& [symbol, op] : kSymbols) {
            if (accept(symbol)) return op;
        }
        if (peek().is("not") && peek_next().is("in")) {
            at_ += 2;
            return Comparison::kNotIn;
        }
        if (accept("is")) return accept("not") ? Comparison::kIsNot : Comparison::kIs;
        return std::nullopt;
    }

    NodeIndex comparison() {
        const NodeIndex left = binary(0);
        std::vector<NodeIndex> operands{left};
        std::vector<Comparison> comparisons;
        while (const auto op = comparison_operator()) {
            comparisons.push_back(*op);
            operands.push_back(binary(0));
        }
        if (comparisons.empty()) return left;
        Node node;
        node.kind = Node::Kind::kCompare;
        node.value = static_cast<std::uint32_t>(expressions_.comparisons.size());
        expressions_.comparisons.insert(expressions_.comparisons.end(), comparisons.begin(), comparisons.end());
        return add(node, operands);
    }

    NodeIndex binary(std::size_t level_index) {
        if (level_index == kLevels.size()) return unary();
        const BinaryLevel& level = kLevels[level_index];
        NodeIndex left = binary(level_index + 1);
        for (;;) {
            const auto end = level.operators.begin() + static_cast<std::ptrdiff_t>(level.count);
            const auto op = std::find_if(level.operators.begin(), end,
                                         [&](const auto& candidate) { return peek().is(candidate.first); });
            if (peek().is("@")) fail("the operator '@' is not supported");
            if (op == end) return left;
            ++at_;
            Node node;
            node.kind = Node::Kind::kBinary;
            node.operation = static_cast<std::uint8_t>(op->second);
            left = add(node, {left, binary(level_index + 1)});
        }
    }

    NodeIndex unary() {
        const Level level(*this);
        if (accept("-")) return add(Node::Kind::kNegate, {unary()});
        if (accept("+")) return add(Node::Kind::kPlus, {unary()});
        if (accept("~")) return add(Node::Kind::kInvert, {unary()});
        const NodeIndex base = primary();
        if (!accept("**")) return base;
        Node node;
        node.kind = Node::Kind::kBinary;
        node.operation = static_cast<std::uint8_t>(BinaryOperator::kPower);
        return add(node, {base, unary()});
    }

    NodeIndex primary() {
        NodeIndex node = atom();
        for (;;) {
            if (accept(".")) {
                const Token token = take();
                if (token.kind != Token::Kind::kName)
                    fail(fmt::format("expected a name behind '.' before {}", shown(token)));
                node = accept("(") ? call(node, token.text) : attribute(node, token.text);
            } else if (accept("(")) {
                node = call(node, {});
            } else if (accept("[")) {
                node = subscript(node);
            } else {
                return node;
            }
        }
    }

    NodeIndex name(std::string_view text) {
        Node node;
        node.kind = Node::Kind::kName;
        node.value = expressions_.name(text);
        return add(node, {});
    }

    NodeIndex attribute(NodeIndex object, std::string_view text) {
        Node node;
        node.kind = Node::Kind::kAttribute;
        node.value = expressions_.name(text);
        return add(node, {object});
    }

    // The arguments up to ")"; `method` is empty for a function.
    NodeIndex call(NodeIndex callee, std::string_view method) {
        std::vector<std::uint32_t> children{callee};
        std::vector<std::uint32_t> keyword_names;
        while (!accept(")")) {
            if (peek().is("*") || peek().is("**")) fail("'*' and '**' in a call are not supported");
            if (peek().kind == Token::Kind::kName && peek_next().is("=") && !is_keyword(peek().text)) {
                keyword_names.push_back(expressions_.name(take().text));
                ++at_;
                children.push_back(expression());
            } else {
                if (!keyword_names.empty()) fail("an argument by position cannot follow one by name");
                children.push_back(expression());
                refuse_comprehension();
            }
            if (!peek().is(")")) expect(",");
        }
        if (keyword_names.size() > 100) fail("a call with more than 100 arguments by name");
        Node node;
        node.kind = method.empty() ? Node::Kind::kCall : Node::Kind::kMethod;
        node.keywords = static_cast<std::uint8_t>(keyword_names.size());
        if (!method.empty()) {
            node.value = expressions_.name(method);
            node.method = find_method(method);
        }
        children.insert(children.end(), keyword_names.begin(), keyword_names.end());
        return add(node, children, keyword_names.size());
    }

    NodeIndex subscript(NodeIndex container) {
        const auto ends = [&] { return peek().is(":") || peek().is("]"); };
        if (peek().is("]")) fail("expected an index before ']'");
        NodeIndex start = kMissing;
        if (!ends()) {
            start = expression();
            if (peek().is(",")) {
                std::vector<NodeIndex> items{start};
                while (accept(",")) {
                    if (peek().is("]")) break;
                    items.push_back(expression());
                }
                start = add(Node::Kind::kTuple, items);
            }
        }
        if (accept("]")) return add(Node::Kind::kIndex, {container, start});
        expect(":");
        const NodeIndex stop = ends() ? kMissing : expression();
        const NodeIndex step = accept(":") && !ends() ? expression() : kMissing;
        expect("]");
        return add(Node::Kind::kSlice, {container, start, stop, step});
    }

    NodeIndex atom() {
        const Token token = take();
        switch (token.kind) {
            case Token::Kind::kInteger:
                return constant(integer(token.text));
            case Token::Kind::kFloat:
                return constant(floating(token.text));
            case Token::Kind::kString:
            case Token::Kind::kFormatString:
                return strings(token);
            case Token::Kind::kEnd:
                fail("the expression ends where a value is expected");
            case Token::Kind::kName:
                if (token.text == "None") return constant({});
                if (token.text == "True") return constant(true);
                if (token.text == "False") return constant(false);
                if (!is_keyword(token.text)) return name(token.text);
                break;
            case Token::Kind::kOperator:
                if (token.text == "(") return parenthesized();
                if (token.text == "[") return list();
                if (token.text == "{") return dict();
                if (token.text == "...") fail("'...' is not supported");
                break;
        }
        fail(fmt::format("expected a value before {}", shown(token)));
    }

    NodeIndex parenthesized() {
        if (accept(")")) return add(Node::Kind::kTuple, {});
        const NodeIndex first = expression();
        refuse_comprehension();
        if (accept(")")) return first;
        std::vector<NodeIndex> items{first};
        while (!accept(")")) {
            expect(",");
            if (!peek().is(")")) items.push_back(expression());
        }
        return add(Node::Kind::kTuple, items);
    }

    NodeIndex list() {
        std::vector<NodeIndex> items;
        while (!accept("]")) {
            items.push_back(expression());
            refuse_comprehension();
            if (!peek().is("]")) expect(",");
        }
        return add(Node::Kind::kList, items);
    }

    NodeIndex dict() {
        std::vector<NodeIndex> items;
        while (!accept("}")) {
            items.push_back(expression());
            if (peek().is(",") || peek().is("}")) fail("sets are not supported; use a list");
            refuse_comprehension();
            expect(":");
            items.push_back(expression());
            refuse_comprehension();
            if (!peek().is("}")) expect(",");
        }
        return add(Node::Kind::kDict, items);
    }

    static Value integer(std::string_view text) {
        std::string digits;
        std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '_'; });
        int base = 10;
        std::string_view rest = digits;
        if (rest.size() > 1 && rest[0] == '0' && (rest[1] | 0x20) > '9') {
            const char letter = static_cast<char>(rest[1] | 0x20);
            base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
            rest.remove_prefix(2);
        } else if (rest.size() > 1 && rest[0] == '0' && rest.find_first_not_of('0') != std::string_view::npos) {
            fail(fmt::format("'{}' is no number: leading zeros are not allowed", text));
        }
        std::int64_t value = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
        if (error == std::errc::result_out_of_range) fail(fmt::format("{} is beyond 64 bits with sign", text));
        if (error != std::errc() || end != rest.data() + rest.size()) fail(fmt::format("'{}' is no number", text));
        return value;
    }

    static Value floating(std::string_view text) {
        std::string digits;
        std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c != '_'; });
        double value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (end != digits.data() + digits.size()) fail(fmt::format("'{}' is no number", text));
        // Too large is infinite, too small is nothing, as in Python.
        if (error == std::errc::result_out_of_range) {
            value = digits.find("e-") == std::string::npos ? std::numeric_limits<double>::infinity() : 0.0;
        }
        return value;
    }

    // One or more literals side by side.
    NodeIndex strings(Token token) {
        std::vector<NodeIndex> parts;
        std::string text;
        bool format = false;
        const auto flush = [&] {
            if (!text.empty()) parts.push_back(constant(std::move(text)));
            text.clear();
        };
        for (;;) {
            if (token.kind == Token::Kind::kFormatString) {
                format = true;
                format_string(token.text, token.raw, text, parts, flush, 0);
            } else {
                text += token.string;
            }
            if (peek().kind != Token::Kind::kString && peek().kind != Token::Kind::kFormatString) break;
            token = take();
        }
        if (!format) return constant(std::move(text));
        flush();
        return add(Node::Kind::kFormat, parts);
    }

    // The body of an f-string: literal text goes to `text`, fields to `parts`.
    void format_string(std::string_view body, bool raw, std::string& text, std::vector<NodeIndex>& parts,
                       const auto& flush, int depth) {
        for (std::size_t at = 0; at < body.size();) {
            const std::size_t brace = std::min(body.find_first_of("{}", at), body.size());
            text += unescape(body.substr(at, brace - at), raw);
            at = brace;
            if (at == body.size()) return;
            if (body.substr(at).starts_with("{{") || body.substr(at).starts_with("}}")) {
                text += body[at];
                at += 2;
                continue;
            }
            if (body[at] == '}') fail("a single '}' in an f-string");
            flush();
            at = format_field(body, at + 1, raw, parts, depth);
        }
    }

    // The field that begins at `at`, behind its brace; returns where it ends.
    std::size_t format_field(std::string_view body, std::size_t at, bool raw, std::vector<NodeIndex>& parts,
                             int depth) {
        if (depth > 1) fail("fields of an f-string are nested too deep");
        const std::size_t end = end_of_field_expression(body, at);
        std::string_view source = body.substr(at, end - at);
        if (source.find('\\') != std::string_view::npos) fail("a backslash in a field of an f-string");
        if (source.ends_with('=') && !source.ends_with("==")) fail("'=' in a field of an f-string is not supported");
        Node node;
        node.kind = Node::Kind::kFormatField;
        Parser inner(source, expressions_, nesting_);
        const NodeIndex value = inner.whole_expression();
        at = end;
        if (body.substr(at).starts_with('!')) {
            if (at + 1 >= body.size() || std::string_view("sra").find(body[at + 1]) == std::string_view::npos) {
                fail("a conversion of an f-string is '!s', '!r' or '!a'");
            }
            node.operation = static_cast<std::uint8_t>(body[at + 1]);
            at += 2;
        }
        std::vector<NodeIndex> spec;
        if (body.substr(at).starts_with(':')) {
            const std::size_t start = ++at;
            for (int open = 0; at < body.size() && (open > 0 || body[at] != '}'); ++at) {
                open += body[at] == '{' ? 1 : body[at] == '}' ? -1 : 0;
            }
            std::string text;
            const auto flush = [&] {
                if (!text.empty()) spec.push_back(constant(std::move(text)));
                text.clear();
            };
            format_string(body.substr(start, at - start), raw, text, spec, flush, depth + 1);
            flush();
        }
        if (at >= body.size() || body[at] != '}') fail("a field of an f-string lacks its '}'");
        parts.push_back(add(node, {value, add(Node::Kind::kFormat, spec)}));
        return at + 1;
    }

    static std::size_t end_of_field_expression(std::string_view body, std::size_t at) {
        int depth = 0;
        char quote = '\0';
        for (; at < body.size(); ++at) {
            const char c = body[at];
            if (quote != '\0') {
                if (c == quote) quote = '\0';
            } else if (c == '"' || c == '\'') {
                quote = c;
            } else if (c == '(' || c == '[' || c == '{') {
                ++depth;
            } else if (depth > 0 && (c == ')' || c == ']' || c == '}')) {
                --depth;
            } else if (depth == 0 && (c == '}' || c == ':' || (c == '!' && !body.substr(at).starts_with("!=")))) {
                return at;
            }
        }
        return at;
    }

    std::vector<Token> tokens_;
    Expressions& expressions_;
    std::size_t nesting_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
};

}  // namespace

NodeIndex parse_expression(std::string_view text, Expressions& expressions, std::size_t nesting) {
    return Parser(text, expressions, nesting).whole_expression();
}

Assignment parse_assignment(std::string_view text, Expressions& expressions, std::size_t nesting) {
    return Parser(text, expressions, nesting).assignment();
}

Assignment parse_for(std::string_view text, Expressions& expressions, std::size_t nesting) {
    return Parser(text, expressions, nesting).for_header();
}

bool is_identifier(std::string_view text) {
    if (text.empty() || is_keyword(text)) return false;
    try {
        const std::vector<Token> tokens = tokenize(text);
        return tokens.size() == 2 && tokens[0].kind == Token::Kind::kName && tokens[0].text == text;
    } catch (const SyntaxError&) {
        return false;
    }
}

}  // namespace caropig::templates
