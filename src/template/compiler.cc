#include "template/compiler.h"

#include "template/expression_parser.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

using Code = Instruction::Code;

// Names that end so are no HTML: values are escaped by the function alone, as Tornado does it for all files.
bool is_html(std::string_view name) {
    static constexpr std::array<std::string_view, 9> kOthers = {".txt", ".js", ".json", ".css", ".xml",
                                                                ".csv", ".md", ".tex",  ".eml"};
    return std::ranges::none_of(kOthers, [&](std::string_view ending) { return name.ends_with(ending); });
}

// The kinds that an `except` catches, as bits; nothing for a name that is none.
std::optional<std::uint32_t> kinds_of(std::string_view name) {
    const auto bit = [](ErrorKind kind) { return std::uint32_t{1} << static_cast<unsigned>(kind); };
    if (name == "Exception") return 0xffffffff;
    if (name == "LookupError") return bit(ErrorKind::kKey) | bit(ErrorKind::kIndex);
    if (name == "ArithmeticError") return bit(ErrorKind::kZeroDivision) | bit(ErrorKind::kOverflow);
    if (name == "UnboundLocalError") return bit(ErrorKind::kName);
    for (const ErrorKind kind :
         {ErrorKind::kName, ErrorKind::kType, ErrorKind::kValue, ErrorKind::kKey, ErrorKind::kIndex,
          ErrorKind::kAttribute, ErrorKind::kZeroDivision, ErrorKind::kOverflow}) {
        if (name_of(kind) == name) return bit(kind);
    }
    return std::nullopt;
}

// Where a named block stands.
struct Block {
    const Statement* statement;
    const LoadedFile* file;
};

// What break and continue have to leave, from the outermost.
struct Enclosure {
    enum class Kind { kLoop, kWhile, kTry, kFinallyTry, kExcept, kFinally, kApply };

    Kind kind;
    std::uint32_t name = kNowhere;               // kExcept: the name of the error
    std::vector<std::uint32_t> to_finally = {};  // kFinallyTry: calls of its finally
    std::vector<std::uint32_t> breaks = {};      // loops: jumps behind them
    std::uint32_t start = 0;                     // loops: where a turn begins
    std::optional<HtmlContext> at_break = {};    // loops: the context behind a break
    std::optional<HtmlContext> at_start = {};    // loops: what continue leads to
    std::optional<HtmlContext> at_error = {};    // tries: the context where an error leaves
    std::set<std::uint32_t> names = {};          // kApply: what is assigned inside
};

class Compiler {
public:
    Compiler(const FileSource& files, const LoaderOptions& options) : source_(files), options_(options) {}

    std::shared_ptr<const Program> run(const std::string& name) {
        program_->name = name;
        program_->limits = options_.limits;
        program_->functions = options_.functions;
        contexts_ = is_html(name);
        // The file and what it extends; the last is the page, the others only have blocks.
        std::vector<const LoadedFile*> ancestors{file(name, "", nullptr, 0)};
        while (const auto& extends = ancestors.back()->extends) {
            if (ancestors.size() > options_.limits.nesting) {
                throw ParseError(ancestors.back()->name, extends->line, "files extend each other without an end");
            }
            ancestors.push_back(file(extends->name, ancestors.back()->name, ancestors.back(), extends->line));
        }
        for (auto it = ancestors.rbegin(); it != ancestors.rend(); ++it) find_blocks((*it)->body, *it, 0);
        file_ = ancestors.back();
        statements(file_->body);
        line_ = 0;
        add(Code::kStop);
        return std::move(program_);
    }

private:
    // --- files

    const LoadedFile* file(const std::string& name, const std::string& parent, const LoadedFile* from, int line) {
        std::shared_ptr<const LoadedFile> loaded;
        try {
            loaded = source_(name, parent);
        } catch (const ParseError& error) {
            // A file that is missing is the mistake of whoever names it.
            if (from == nullptr || error.line() != 0) throw;
            throw ParseError(from->name, line, error.message(), via());
        }
        const LoadedFile* const file = loaded.get();
        if (std::ranges::find(program_->files, loaded) == program_->files.end())
            program_->files.push_back(std::move(loaded));
        return file;
    }

    // The last file that has a block decides what stands in it: the nearest to the template that was asked for.
    void find_blocks(const std::vector<Statement>& body, const LoadedFile* file_with, std::size_t depth) {
        if (depth > options_.limits.nesting) {
            throw ParseError(file_with->name, 0, "files include each other without an end");
        }
        for (const Statement& statement : body) {
            count_work(file_with->name, statement.line);
            if (statement.kind == Statement::Kind::kBlock) {
                blocks_.insert_or_assign(statement.clauses[0].header, Block{&statement, file_with});
            }
            if (statement.kind == Statement::Kind::kInclude) {
                const LoadedFile* const included = file(statement.text, file_with->name, file_with, statement.line);
                find_blocks(included->body, included, depth + 1);
            }
            for (const Clause& clause : statement.clauses) find_blocks(clause.body, file_with, depth + 1);
        }
    }

    [[nodiscard]] std::string via() const {
        std::string out;
        for (std::uint32_t index = via_; index != kNowhere; index = program_->places[index].via) {
            const Place& place = program_->places[index];
            out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", place.file->name, place.line);
        }
        return out;
    }

    [[noreturn]] void fail(std::string_view message) const { throw ParseError(file_->name, line_, message, via()); }

    void count_work(const std::string& name, int line) {
        if (++work_ > options_.limits.instructions) {
            throw ParseError(name, line,
                             fmt::format("the template has more than {} instructions", options_.limits.instructions));
        }
    }

    // Statements of another file, or of a block: `visit` runs with that file, deeper by one.
    void inside(const LoadedFile* other, auto&& visit) {
        if (++depth_ > options_.limits.nesting) fail("files and blocks contain each other without an end");
        const std::uint32_t outer_via = std::exchange(via_, place());
        const LoadedFile* const outer_file = std::exchange(file_, other);
        const int outer_line = line_;
        visit();
        file_ = outer_file;
        via_ = outer_via;
        line_ = outer_line;
        --depth_;
    }

    // --- instructions

    std::uint32_t place() {
        auto& places = program_->places;
        if (places.empty() || places.back().file != file_ || places.back().line != line_ || places.back().via != via_) {
            places.push_back({file_, line_, via_});
        }
        return static_cast<std::uint32_t>(places.size() - 1);
    }

    std::uint32_t add(Code code, std::uint32_t a = 0, std::uint32_t b = 0) {
        count_work(file_->name, line_);
        Instruction instruction;
        instruction.code = code;
        instruction.a = a;
        instruction.b = b;
        instruction.place = place();
        program_->code.push_back(instruction);
        return here() - 1;
    }

    [[nodiscard]] std::uint32_t here() const { return static_cast<std::uint32_t>(program_->code.size()); }
    Instruction& at(std::uint32_t address) { return program_->code[address]; }

    // An instruction that evaluates something, and so may fail: a try around it has to expect the context of now.
    std::uint32_t add_fallible(Code code, std::uint32_t a = 0, std::uint32_t b = 0) {
        for (Enclosure& enclosure : enclosures_) {
            if (enclosure.at_error) enclosure.at_error->join(context_, line_);
        }
        return add(code, a, b);
    }

    void join(std::optional<HtmlContext>& into, const HtmlContext& context) const {
        if (into) {
            into->join(context, line_);
        } else {
            into = context;
        }
    }

    auto parsed(auto&& parse) {
        try {
            return parse();
        } catch (const SyntaxError& error) {
            fail(error.message);
        }
    }

    NodeIndex expression(std::string_view text) {
        return parsed([&] { return parse_expression(text, program_->expressions, options_.limits.nesting); });
    }

    // --- targets

    std::uint32_t flatten(const Target& target) {
        const auto index = static_cast<std::uint32_t>(program_->targets.size());
        program_->targets.emplace_back();
        fill(index, target);
        return index;
    }

    void fill(std::uint32_t index, const Target& target) {
        if (target.parts.empty()) {
            program_->targets[index].name = target.name;
            assigned(target.name);
            return;
        }
        const auto first = static_cast<std::uint32_t>(program_->targets.size());
        program_->targets[index].first = first;
        program_->targets[index].count = static_cast<std::uint32_t>(target.parts.size());
        program_->targets.resize(first + target.parts.size());
        for (std::size_t i = 0; i < target.parts.size(); ++i)
            fill(first + static_cast<std::uint32_t>(i), target.parts[i]);
    }

    void assigned(std::uint32_t name) {
        for (Enclosure& enclosure : enclosures_) {
            if (enclosure.kind == Enclosure::Kind::kApply) enclosure.names.insert(name);
        }
    }

    // --- statements

    void statements(const std::vector<Statement>& body) {
        for (const Statement& statement : body) {
            line_ = statement.line;
            this->statement(statement);
        }
    }

    void statement(const Statement& statement) {
        switch (statement.kind) {
            case Statement::Kind::kText: {
                if (statement.text.empty()) break;
                const std::uint32_t address = add(Code::kText);
                at(address).text = statement.text;
                if (contexts_) context_.feed(statement.text);
                break;
            }
            case Statement::Kind::kValue:
                value(statement.text);
                break;
            case Statement::Kind::kRaw:
                add_fallible(Code::kEmit, expression(statement.text));
                context_.value_written();
                break;
            case Statement::Kind::kModule:
                module(statement.text);
                break;
            case Statement::Kind::kSet:
                set(statement.text);
                break;
            case Statement::Kind::kInclude:
                include(statement);
                break;
            case Statement::Kind::kBreak:
                leave(true);
                break;
            case Statement::Kind::kContinue:
                leave(false);
                break;
            case Statement::Kind::kIf:
                branch(statement);
                break;
            case Statement::Kind::kFor:
            case Statement::Kind::kWhile:
                loop(statement);
                break;
            case Statement::Kind::kTry:
                attempt(statement);
                break;
            case Statement::Kind::kApply:
                apply(statement);
                break;
            case Statement::Kind::kBlock: {
                const Block& block = blocks_.at(statement.clauses[0].header);
                inside(block.file, [&] { statements(block.statement->clauses[0].body); });
                break;
            }
        }
    }

    void value(std::string_view text) {
        const NodeIndex node = expression(text);
        Escape escape = Escape::kNone;
        std::uint32_t more = 0;
        if (file_->autoescape) {
            const std::string& function = *file_->autoescape;
            if (function != "xhtml_escape" && function != "escape") {
                escape = Escape::kFunction;
                more = expression(function);
            } else if (!contexts_) {
                escape = Escape::kHtml;
            } else {
                const Placement placement = context_.placement();
                if (!placement.refusal.empty()) {
                    fail(fmt::format("the value {{{{ {} }}}} cannot stand here: {}", text, placement.refusal));
                }
                escape = placement.escape;
                more = escape == Escape::kHtml && !placement.text ? kEscapeMarkup : 0;
                if (escape == Escape::kUrl) {
                    more = static_cast<std::uint32_t>(program_->prefixes.size());
                    program_->prefixes.push_back(placement.prefix);
                }
            }
        }
        const std::uint32_t address = add_fallible(Code::kEmit, node, more);
        at(address).escape = escape;
        context_.value_written();
    }

    void module(std::string_view text) {
        const NodeIndex node = expression(text);
        const Node& call = program_->expressions.nodes[node];
        const bool named =
            call.kind == Node::Kind::kCall &&
            program_->expressions.nodes[program_->expressions.children[call.first]].kind == Node::Kind::kName;
        if (!named) fail("expected 'Name(arguments)' behind 'module'");
        add_fallible(Code::kModule, node);
        context_.value_written();
    }

    void set(std::string_view text) {
        const Assignment assignment =
            parsed([&] { return parse_assignment(text, program_->expressions, options_.limits.nesting); });
        std::vector<std::uint32_t> targets;
        targets.reserve(assignment.targets.size());
        for (const Target& target : assignment.targets) targets.push_back(flatten(target));
        program_->target_lists.push_back(std::move(targets));
        add_fallible(Code::kSet, assignment.value, static_cast<std::uint32_t>(program_->target_lists.size() - 1));
    }

    void include(const Statement& statement) {
        const LoadedFile* const included = file(statement.text, file_->name, file_, statement.line);
        if (included->extends) fail(fmt::format("'{}' cannot be included: it extends another file", included->name));
        inside(included, [&] { statements(included->body); });
    }

    void branch(const Statement& statement) {
        const HtmlContext start = context_;
        std::optional<HtmlContext> end;
        std::vector<std::uint32_t> ends;
        bool otherwise = false;
        for (const Clause& clause : statement.clauses) {
            line_ = clause.line;
            context_ = start;
            otherwise = clause.keyword == "else";
            std::optional<std::uint32_t> skip;
            if (!otherwise) skip = add_fallible(Code::kJumpUnless, expression(clause.header));
            statements(clause.body);
            line_ = statement.line;
            join(end, context_);
            if (&clause != &statement.clauses.back()) ends.push_back(add(Code::kJump));
            if (skip) at(*skip).b = here();
        }
        if (!otherwise) end->join(start, statement.line);
        for (const std::uint32_t address : ends) at(address).a = here();
        context_ = *end;
    }

    // A loop's body may have to be compiled again: it begins where the text before the loop ends, and where it ends
    // itself. The context in which it begins only ever becomes more general, so that this comes to an end.
    void loop(const Statement& statement) {
        const bool is_for = statement.kind == Statement::Kind::kFor;
        const Clause& clause = statement.clauses[0];
        std::uint32_t target = 0;
        NodeIndex node = 0;
        if (is_for) {
            const Assignment header =
                parsed([&] { return parse_for(clause.header, program_->expressions, options_.limits.nesting); });
            target = flatten(header.targets[0]);
            node = header.value;
            add_fallible(Code::kLoopBegin, node);
        } else {
            node = expression(clause.header);
        }
        const std::uint32_t start = here();
        HtmlContext entry = context_;
        for (;;) {
            context_ = entry;
            Enclosure enclosure{is_for ? Enclosure::Kind::kLoop : Enclosure::Kind::kWhile};
            enclosure.start = start;
            const std::uint32_t head =
                add_fallible(is_for ? Code::kLoopNext : Code::kJumpUnless, is_for ? 0 : node, target);
            if (!is_for) add(Code::kTick);
            enclosures_.push_back(std::move(enclosure));
            statements(clause.body);
            line_ = statement.line;
            add(Code::kJump, start);
            enclosure = std::move(enclosures_.back());
            enclosures_.pop_back();
            HtmlContext again = entry;
            again.join(context_, line_);
            if (enclosure.at_start) again.join(*enclosure.at_start, line_);
            if (again != entry) {
                entry = std::move(again);
                forget_code(start);
                continue;
            }
            (is_for ? at(head).a : at(head).b) = here();
            context_ = entry;
            if (statement.clauses.size() > 1) statements(statement.clauses[1].body);
            if (enclosure.at_break) context_.join(*enclosure.at_break, statement.line);
            for (const std::uint32_t address : enclosure.breaks) at(address).a = here();
            return;
        }
    }

    void forget_code(std::uint32_t from) {
        program_->code.resize(from);
        for (Enclosure& enclosure : enclosures_) {
            std::erase_if(enclosure.to_finally, [&](std::uint32_t address) { return address >= from; });
            std::erase_if(enclosure.breaks, [&](std::uint32_t address) { return address >= from; });
        }
    }

    // break, or continue.
    void leave(bool ends_loop) {
        std::size_t index = enclosures_.size();
        for (;;) {
            // A block may stand in a loop where it is written, and in none where it is put.
            if (index == 0) fail(fmt::format("'{}' outside of a loop", ends_loop ? "break" : "continue"));
            Enclosure& enclosure = enclosures_[--index];
            switch (enclosure.kind) {
                case Enclosure::Kind::kTry:
                    add(Code::kTryEnd);
                    continue;
                case Enclosure::Kind::kFinallyTry:
                    add(Code::kTryEnd);
                    enclosure.at_error->join(context_, line_);
                    enclosure.to_finally.push_back(add(Code::kCallFinally));
                    continue;
                case Enclosure::Kind::kExcept:
                    add(Code::kCaught, enclosure.name);
                    continue;
                case Enclosure::Kind::kFinally:
                    add(Code::kFinallyLeft);
                    continue;
                case Enclosure::Kind::kApply:
                    fail("a loop cannot be left from inside of an 'apply'");
                case Enclosure::Kind::kLoop:
                case Enclosure::Kind::kWhile:
                    break;
            }
            if (!ends_loop) {
                join(enclosure.at_start, context_);
                add(Code::kJump, enclosure.start);
                return;
            }
            join(enclosure.at_break, context_);
            if (enclosure.kind == Enclosure::Kind::kLoop) add(Code::kLoopEnd);
            enclosure.breaks.push_back(add(Code::kJump));
            return;
        }
    }

    void attempt(const Statement& statement) {
        const Clause& last = statement.clauses.back();
        if (last.keyword != "finally") {
            attempt_except(statement);
            return;
        }
        const std::uint32_t begin = add(Code::kTryBegin);
        Enclosure guarded{Enclosure::Kind::kFinallyTry};
        guarded.at_error = context_;
        enclosures_.push_back(std::move(guarded));
        if (statement.clauses.size() == 2) {
            statements(statement.clauses[0].body);
        } else {
            attempt_except(statement);
        }
        line_ = last.line;
        guarded = std::move(enclosures_.back());
        enclosures_.pop_back();
        guarded.at_error->join(context_, statement.line);
        const HtmlContext normal = context_;
        add(Code::kTryEnd);
        guarded.to_finally.push_back(add(Code::kCallFinally));
        const std::uint32_t end = add(Code::kJump);
        at(begin).a = here();
        add(Code::kRaiseFinally);
        for (const std::uint32_t address : guarded.to_finally) at(address).a = here();
        context_ = *guarded.at_error;
        enclosures_.push_back({Enclosure::Kind::kFinally});
        statements(last.body);
        enclosures_.pop_back();
        add(Code::kFinallyEnd);
        at(end).a = here();
    }

    // try, except and else, without finally.
    void attempt_except(const Statement& statement) {
        const auto& clauses = statement.clauses;
        const std::uint32_t begin = add(Code::kTryBegin);
        Enclosure guarded{Enclosure::Kind::kTry};
        guarded.at_error = context_;
        enclosures_.push_back(std::move(guarded));
        statements(clauses[0].body);
        line_ = statement.line;
        guarded = std::move(enclosures_.back());
        enclosures_.pop_back();
        add(Code::kTryEnd);
        for (const Clause& clause : clauses) {
            if (clause.keyword == "else") statements(clause.body);
        }
        std::optional<HtmlContext> end = context_;
        std::vector<std::uint32_t> ends{add(Code::kJump)};
        at(begin).a = here();
        for (const Clause& clause : clauses) {
            if (clause.keyword != "except") continue;
            line_ = clause.line;
            const auto [kinds, name] = handled(clause.header);
            const std::uint32_t check = add(Code::kCatch, kinds);
            if (name != kNowhere) add(Code::kErrorName, name);
            context_ = *guarded.at_error;
            Enclosure handler{Enclosure::Kind::kExcept};
            handler.name = name;
            enclosures_.push_back(std::move(handler));
            statements(clause.body);
            enclosures_.pop_back();
            line_ = clause.line;
            add(Code::kCaught, name);
            ends.push_back(add(Code::kJump));
            end->join(context_, statement.line);
            at(check).b = here();
        }
        add(Code::kRaise);
        for (const std::uint32_t address : ends) at(address).a = here();
        context_ = *end;
    }

    // "", "KeyError", "(KeyError, IndexError) as e".
    std::pair<std::uint32_t, std::uint32_t> handled(std::string_view header) {
        std::uint32_t name = kNowhere;
        if (const std::size_t as = header.find(" as "); as != std::string_view::npos) {
            std::string_view text = header.substr(as + 4);
            text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
            if (!is_identifier(text)) fail(fmt::format("expected a name behind 'as', not '{}'", text));
            name = program_->expressions.name(text);
            assigned(name);
            header = header.substr(0, as);
        }
        std::uint32_t kinds = header.empty() ? 0xffffffff : 0;
        while (!header.empty()) {
            const std::size_t start = std::min(header.find_first_not_of(" (,)"), header.size());
            header.remove_prefix(start);
            const std::string_view word = header.substr(0, header.find_first_of(" (,)"));
            header.remove_prefix(word.size());
            if (word.empty()) continue;
            const std::optional<std::uint32_t> kind = kinds_of(word);
            if (!kind) fail(fmt::format("'{}' is no error that a template can catch", word));
            kinds |= *kind;
        }
        return {kinds, name};
    }

    void apply(const Statement& statement) {
        const HtmlContext start = context_;
        const std::uint32_t begin = add(Code::kApplyBegin);
        enclosures_.push_back({Enclosure::Kind::kApply});
        statements(statement.clauses[0].body);
        line_ = statement.line;
        const auto list = static_cast<std::uint32_t>(program_->name_lists.size());
        program_->name_lists.emplace_back(enclosures_.back().names.begin(), enclosures_.back().names.end());
        enclosures_.pop_back();
        at(begin).b = list;
        context_.join(start, line_);
        add_fallible(Code::kApplyEnd, expression(statement.clauses[0].header), list);
    }

    const FileSource& source_;
    const LoaderOptions& options_;
    std::shared_ptr<Program> program_ = std::make_shared<Program>();
    std::map<std::string, Block, std::less<>> blocks_;
    std::vector<Enclosure> enclosures_;
    const LoadedFile* file_ = nullptr;
    HtmlContext context_;
    std::uint32_t via_ = kNowhere;
    std::size_t depth_ = 0;
    std::size_t work_ = 0;
    int line_ = 0;
    bool contexts_ = false;
};

}  // namespace

std::shared_ptr<const Program> compile(const std::string& name, const FileSource& files, const LoaderOptions& options) {
    return Compiler(files, options).run(name);
}

}  // namespace caropig::templates
