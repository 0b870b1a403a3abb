#include "template/escape.h"
#include "template/evaluator.h"
#include "template/print.h"
#include "template/program.h"
#include <caropig/template/template.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace caropig::templates {
namespace {

// A `for` on its way.
struct Loop {
    Value iterable;
    std::size_t index = 0;
    std::size_t size = 0;

    Loop(Value value, const Limits& limits) : iterable(std::move(value)) {
        if (iterable.is_string()) iterable = iterate(iterable, limits);
        if (!iterable.is_sequence() && !iterable.is_dict()) {
            throw Failure(ErrorKind::kType, fmt::format("a {} cannot be iterated", iterable.type_name()));
        }
        size = iterable.size();
    }

    Value next() { return iterable.is_dict() ? iterable.dict_key(index++) : iterable.item(index++); }
};

struct Error {
    ErrorKind kind;
    std::string message;
    std::uint32_t place;
};

// Where an error goes, and how much of the stacks is left then.
struct Handler {
    std::uint32_t address;
    std::size_t loops;
    std::size_t applies;
    std::size_t errors;
    std::size_t finallies;
};

struct Apply {
    std::string output;
    std::uint32_t names;  // what the block assigns, with the values from before it
    List saved;
};

constexpr std::uint32_t kRaiseAgain = std::numeric_limits<std::uint32_t>::max();

}  // namespace

class Rendering::State {
public:
    State(std::shared_ptr<const Program> program, const boost::json::object& values, const Environment* environment)
        : program_(std::move(program)), evaluator_(*program_, values, environment) {
        // A piece ends with the value that fills it.
        output_.reserve(kPieceSize + 1024);
    }

    // Runs until `piece_size` bytes are there or the end is reached. What was written, valid until the next call.
    std::string_view run(std::size_t piece_size) {
        written_ += output_.size();
        output_.clear();
        const bool ends = std::exchange(ended_, true);
        if (ends) return {};
        direct_ = {};
        for (;;) {
            try {
                steps(piece_size);
                ended_ = program_->code[at_].code == Instruction::Code::kStop && direct_.empty();
                return direct_.empty() ? std::string_view(output_) : std::exchange(direct_, {});
            } catch (const Failure& failure) {
                raise({failure.kind(), failure.what(), program_->code[at_].place});
            }
        }
    }

    [[nodiscard]] std::string take_output() { return std::move(output_); }

private:
    std::string& sink() { return applies_.empty() ? output_ : applies_.back().output; }

    void check_output() {
        if (written_ + sink().size() > program_->limits.output) {
            throw Failure(ErrorKind::kLimit, fmt::format("the page is larger than {} bytes", program_->limits.output));
        }
    }

    void steps(std::size_t piece_size) {
        const std::vector<Instruction>& code = program_->code;
        for (;;) {
            const Instruction& instruction = code[at_];
            if (instruction.code == Instruction::Code::kStop) return;
            if (instruction.code == Instruction::Code::kText && instruction.text.size() >= piece_size &&
                applies_.empty()) {
                // A long text goes out as it lies in the template.
                if (!output_.empty()) return;
                direct_ = instruction.text;
                written_ += direct_.size();
                check_output();
                ++at_;
                return;
            }
            step(instruction);
            if (output_.size() >= piece_size && applies_.empty()) return;
        }
    }

    void step(const Instruction& instruction) {
        using Code = Instruction::Code;
        switch (instruction.code) {
            case Code::kText:
                sink() += instruction.text;
                check_output();
                break;
            case Code::kEmit: {
                Value storage;
                emit(instruction, evaluator_.look(instruction.a, storage));
                check_output();
                break;
            }
            case Code::kModule:
                append_str(sink(), evaluator_.call_module(instruction.a), program_->limits.output);
                check_output();
                break;
            case Code::kSet: {
                const Value value = evaluator_.evaluate(instruction.a);
                for (const std::uint32_t target : program_->target_lists[instruction.b])
                    evaluator_.assign(target, value);
                break;
            }
            case Code::kJump:
                at_ = instruction.a;
                return;
            case Code::kJumpUnless: {
                Value storage;
                if (evaluator_.look(instruction.a, storage).truthy()) break;
                at_ = instruction.b;
                return;
            }
            case Code::kLoopBegin:
                loops_.emplace_back(evaluator_.evaluate(instruction.a), program_->limits);
                break;
            case Code::kLoopNext:
                if (loops_.back().index == loops_.back().size) {
                    loops_.pop_back();
                    at_ = instruction.a;
                    return;
                }
                tick();
                evaluator_.assign(instruction.b, loops_.back().next());
                break;
            case Code::kLoopEnd:
                loops_.pop_back();
                break;
            case Code::kTick:
                tick();
                break;
            case Code::kApplyBegin:
                begin_apply(instruction.b);
                break;
            case Code::kApplyEnd:
                end_apply(instruction);
                break;
            default:
                error_step(instruction);
                return;
        }
        ++at_;
    }

    // The instructions of try, except and finally.
    void error_step(const Instruction& instruction) {
        using Code = Instruction::Code;
        switch (instruction.code) {
            case Code::kTryBegin:
                handlers_.push_back({instruction.a, loops_.size(), applies_.size(), errors_.size(), finallies_.size()});
                break;
            case Code::kTryEnd:
                handlers_.pop_back();
                break;
            case Code::kCatch:
                if ((instruction.a >> static_cast<unsigned>(errors_.back().kind) & 1U) != 0) break;
                at_ = instruction.b;
                return;
            case Code::kErrorName:
                evaluator_.local(instruction.a) = Value(errors_.back().message);
                break;
            case Code::kCaught:
                errors_.pop_back();
                if (instruction.a != kNowhere) evaluator_.local(instruction.a) = Value::undefined();
                break;
            case Code::kRaise:
                raise_again();
                return;
            case Code::kCallFinally:
                finallies_.push_back(at_ + 1);
                at_ = instruction.a;
                return;
            case Code::kRaiseFinally:
                finallies_.push_back(kRaiseAgain);
                break;
            case Code::kFinallyEnd: {
                const std::uint32_t back = finallies_.back();
                finallies_.pop_back();
                if (back == kRaiseAgain) {
                    raise_again();
                } else {
                    at_ = back;
                }
                return;
            }
            case Code::kFinallyLeft:
                if (finallies_.back() == kRaiseAgain) errors_.pop_back();
                finallies_.pop_back();
                break;
            default:
                break;
        }
        ++at_;
    }

    void raise_again() {
        Error error = std::move(errors_.back());
        errors_.pop_back();
        raise(std::move(error));
    }

    // Goes to the innermost handler, or ends the rendering.
    void raise(Error error) {
        if (handlers_.empty() || error.kind == ErrorKind::kLimit) {
            const Place& place = program_->places[error.place];
            throw RenderError(error.kind, place.file->name, place.line, error.message, via(place));
        }
        const Handler handler = handlers_.back();
        handlers_.pop_back();
        loops_.erase(loops_.begin() + static_cast<std::ptrdiff_t>(handler.loops), loops_.end());
        while (applies_.size() > handler.applies) restore_names();
        errors_.resize(handler.errors, Error{});
        finallies_.resize(handler.finallies);
        errors_.push_back(std::move(error));
        at_ = handler.address;
    }

    [[nodiscard]] std::string via(const Place& place) const {
        std::string out;
        for (std::uint32_t index = place.via; index != kNowhere; index = program_->places[index].via) {
            const Place& outer = program_->places[index];
            out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", outer.file->name, outer.line);
        }
        return out;
    }

    void tick() {
        if (++iterations_ > program_->limits.iterations) {
            throw Failure(ErrorKind::kLimit, fmt::format("loops took more than {} turns", program_->limits.iterations));
        }
    }

    void emit(const Instruction& instruction, const Value& value) {
        std::string& out = sink();
        switch (instruction.escape) {
            case Escape::kNone:
                append_str(out, value, program_->limits.output);
                return;
            case Escape::kScriptValue:
                append_script_value(out, value);
                return;
            case Escape::kHtml:
                if (value.is_string()) {
                    if (value.flavour() == Value::Flavour::kMarkup && instruction.b != kEscapeMarkup) {
                        out += value.as_string();
                    } else {
                        append_html(out, value.as_string());
                    }
                    return;
                }
                if (value.is_number() || value.is_none()) {
                    append_str(out, value);
                    return;
                }
                break;
            default:
                break;
        }
        scratch_.clear();
        append_str(scratch_, value, program_->limits.output);
        switch (instruction.escape) {
            case Escape::kUrl:
                append_url(out, program_->prefixes[instruction.b], scratch_);
                break;
            case Escape::kScriptText:
                append_script_text(out, scratch_);
                break;
            case Escape::kStyle:
                append_style(out, scratch_);
                break;
            case Escape::kFunction: {
                const Value function = evaluator_.evaluate(instruction.b);
                append_str(sink(), Evaluator::call(function, Value(scratch_)), program_->limits.output);
                break;
            }
            default:
                append_html(out, scratch_);
        }
    }

    void begin_apply(std::uint32_t names) {
        Apply apply{{}, names, {}};
        for (const std::uint32_t name : program_->name_lists[names]) apply.saved.push_back(evaluator_.local(name));
        applies_.push_back(std::move(apply));
    }

    void end_apply(const Instruction& instruction) {
        std::string output = std::move(applies_.back().output);
        restore_names();
        const Value function = evaluator_.evaluate(instruction.a);
        append_str(sink(), Evaluator::call(function, Value(std::move(output))), program_->limits.output);
        check_output();
    }

    void restore_names() {
        Apply& apply = applies_.back();
        const std::vector<std::uint32_t>& names = program_->name_lists[apply.names];
        for (std::size_t i = 0; i < names.size(); ++i) evaluator_.local(names[i]) = std::move(apply.saved[i]);
        applies_.pop_back();
    }

    std::shared_ptr<const Program> program_;
    Evaluator evaluator_;
    std::uint32_t at_ = 0;
    bool ended_ = false;
    std::string output_;
    std::string_view direct_;
    std::string scratch_;
    std::size_t written_ = 0;
    std::uint64_t iterations_ = 0;
    std::vector<Loop> loops_;
    std::vector<Apply> applies_;
    std::vector<Handler> handlers_;
    std::vector<Error> errors_;
    std::vector<std::uint32_t> finallies_;
};

Rendering::Rendering(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Rendering::Rendering(Rendering&& other) noexcept = default;
Rendering& Rendering::operator=(Rendering&& other) noexcept = default;
Rendering::~Rendering() = default;

std::optional<std::string_view> Rendering::next() {
    const std::string_view piece = state_->run(kPieceSize);
    if (piece.empty()) return std::nullopt;
    return piece;
}

Template::Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

bool Template::mentions(std::string_view name) const noexcept {
    return std::ranges::find(program_->expressions.names, name) != program_->expressions.names.end();
}

const std::string& Template::name() const noexcept { return program_->name; }

std::string Template::render(const boost::json::object& values, const Environment* environment) const {
    Rendering::State state(program_, values, environment);
    static_cast<void>(state.run(std::numeric_limits<std::size_t>::max()));
    return state.take_output();
}

Rendering Template::start(const boost::json::object& values, const Environment* environment) const {
    return Rendering(std::make_unique<Rendering::State>(program_, values, environment));
}

}  // namespace caropig::templates
