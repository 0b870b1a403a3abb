#include "template/evaluator.h"

#include "template/format.h"
#include "template/methods.h"
#include "template/operators.h"
#include <caropig/template/error.h>

#include <array>

#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace caropig::templates {

Evaluator::Evaluator(const Program& program, const boost::json::object& values, const Environment* environment)
    : program_(program),
      expressions_(program.expressions),
      values_(values),
      environment_(environment),
      locals_(expressions_.names.size(), Value::undefined()),
      globals_(expressions_.names.size()),
      hints_(expressions_.nodes.size()) {}

const Value& Evaluator::look(NodeIndex index, Value& storage) {
    if (index != kMissing) {
        const Node& node = expressions_.nodes[index];
        if (node.kind == Node::Kind::kName) return name(node.value);
        if (node.kind == Node::Kind::kConstant) return expressions_.constants[node.value];
        if (node.kind == Node::Kind::kConditional) {
            const bool condition = look(child(node, 0), storage).truthy();
            return look(child(node, condition ? 1 : 2), storage);
        }
    }
    storage = evaluate(index);
    return storage;
}

Value Evaluator::evaluate(NodeIndex index) {
    if (index == kMissing) return Value::undefined();
    const Node& node = expressions_.nodes[index];
    switch (node.kind) {
        case Node::Kind::kConstant:
            return expressions_.constants[node.value];
        case Node::Kind::kName:
            return name(node.value);
        case Node::Kind::kAttribute:
            return attribute(node, hints_[index]);
        case Node::Kind::kIndex: {
            Value storage[2];
            const Value& container = look(child(node, 0), storage[0]);
            return index_of(container, look(child(node, 1), storage[1]));
        }
        case Node::Kind::kSlice: {
            const Value container = evaluate(child(node, 0));
            const Value start = evaluate(child(node, 1));
            const Value stop = evaluate(child(node, 2));
            return slice_of(container, start, stop, evaluate(child(node, 3)));
        }
        case Node::Kind::kCall:
            return call_node(node);
        case Node::Kind::kMethod:
            return method(node);
        case Node::Kind::kList:
        case Node::Kind::kTuple:
            return items(node);
        case Node::Kind::kDict:
            return dict(node);
        case Node::Kind::kNot: {
            Value storage;
            return !look(child(node, 0), storage).truthy();
        }
        case Node::Kind::kNegate:
            return negate(evaluate(child(node, 0)));
        case Node::Kind::kPlus: {
            Value value = evaluate(child(node, 0));
            return value.kind() == Value::Kind::kFloat ? value : Value(value.as_int());
        }
        case Node::Kind::kInvert:
            return bit_invert(evaluate(child(node, 0)));
        case Node::Kind::kAnd: {
            Value left = evaluate(child(node, 0));
            return left.truthy() ? evaluate(child(node, 1)) : left;
        }
        case Node::Kind::kOr: {
            Value left = evaluate(child(node, 0));
            return left.truthy() ? left : evaluate(child(node, 1));
        }
        case Node::Kind::kConditional:
            return evaluate(child(node, evaluate(child(node, 0)).truthy() ? 1 : 2));
        case Node::Kind::kBinary: {
            Value storage[2];
            const Value& left = look(child(node, 0), storage[0]);
            const Value& right = look(child(node, 1), storage[1]);
            return calculate(static_cast<BinaryOperator>(node.operation), left, right, program_.limits);
        }
        case Node::Kind::kCompare:
            return compare_chain(node);
        case Node::Kind::kFormat:
            return format(node);
        case Node::Kind::kFormatField: {
            const Value value = evaluate(child(node, 0));
            const Value spec = evaluate(child(node, 1));
            if (node.operation == 0) return format_value(value, spec.as_string(), program_.limits);
            return format_value(convert(value, static_cast<char>(node.operation)), spec.as_string(), program_.limits);
        }
    }
    return {};
}

const Value& Evaluator::name(std::uint32_t index) {
    const Value& local = locals_[index];
    if (!local.is_undefined()) return local;
    Global& found = global(index);
    if (!found.value.is_undefined()) return found.value;
    if (found.builtin != nullptr) {
        // Only where a function is used as a value: sorted(names, key=len).
        found.value = Value(Function([builtin = found.builtin, limits = program_.limits](const Arguments& arguments) {
            return builtin(arguments, limits);
        }));
        return found.value;
    }
    const std::string& text = expressions_.names[index];
    const std::string_view why = why_unsupported(text);
    throw Failure(ErrorKind::kName, why.empty() ? fmt::format("name '{}' is not defined", text) : std::string(why));
}

Evaluator::Global& Evaluator::global(std::uint32_t index) {
    Global& found = globals_[index];
    if (found.resolved) return found;
    const std::string& text = expressions_.names[index];
    if (const auto it = values_.find(text); it != values_.end()) found.value = Value::from_json(it->value());
    if (found.value.is_undefined() && environment_ != nullptr) found.value = environment_->find(text);
    if (found.value.is_undefined() && program_.functions) found.value = program_.functions->find(text);
    if (found.value.is_undefined()) found.builtin = find_builtin(text);
    found.resolved = true;
    return found;
}

Value Evaluator::attribute(const Node& node, std::uint32_t& hint) {
    Value storage;
    const Value& object = look(child(node, 0), storage);
    const std::string& text = expressions_.names[node.value];
    Value value = object.find(text, hint);
    if (!value.is_undefined()) return value;
    const MethodEntry* const entry = find_method(text);
    const bool method = entry != nullptr && method_for(*entry, object) != nullptr;
    throw Failure(ErrorKind::kAttribute, fmt::format("a {} has no attribute '{}'{}", object.type_name(), text,
                                                     method ? "; the method of that name needs its ()" : ""));
}

Value Evaluator::compare_chain(const Node& node) {
    // Each operand is evaluated once: the right one of a comparison is the left one of the next.
    Value storage[2];
    const Value* left = &look(child(node, 0), storage[0]);
    for (std::uint32_t i = 1; i < node.count; ++i) {
        const Value* const right = &look(child(node, i), storage[i % 2]);
        if (!compare(expressions_.comparisons[node.value + i - 1], *left, *right)) return false;
        left = right;
    }
    return true;
}

Value Evaluator::items(const Node& node) {
    List list;
    list.reserve(node.count);
    for (std::uint32_t i = 0; i < node.count; ++i) list.push_back(evaluate(child(node, i)));
    return node.kind == Node::Kind::kTuple ? Value::tuple(std::move(list)) : Value(std::move(list));
}

Value Evaluator::dict(const Node& node) {
    Dict dict;
    dict.reserve(node.count / 2);
    for (std::uint32_t i = 0; i < node.count; i += 2) {
        Value key = evaluate(child(node, i));
        const bool hashable = key.is_string() || key.is_number() || key.is_none() || key.kind() == Value::Kind::kTuple;
        if (!hashable) throw Failure(ErrorKind::kType, fmt::format("a {} cannot be a key", key.type_name()));
        Value value = evaluate(child(node, i + 1));
        bool known = false;
        for (auto& [name, old] : dict) {
            if (!equal(name, key)) continue;
            old = value;
            known = true;
        }
        if (!known) dict.emplace_back(std::move(key), std::move(value));
    }
    return dict;
}

template <class Call>
Value Evaluator::with_arguments(const Node& node, Call&& function) {
    const std::size_t count = node.count - 1;
    const std::size_t positional = count - node.keywords;
    std::array<Value, 4> few;
    List many;
    if (positional > few.size()) many.resize(positional);
    const std::span<Value> values = many.empty() ? std::span(few).first(positional) : std::span(many);
    for (std::size_t i = 0; i < positional; ++i) values[i] = evaluate(child(node, i + 1));
    std::vector<Arguments::Keyword> keywords;
    keywords.reserve(node.keywords);
    for (std::size_t i = 0; i < node.keywords; ++i) {
        const std::uint32_t keyword = expressions_.children[node.first + node.count + i];
        keywords.emplace_back(expressions_.names[keyword], evaluate(child(node, positional + 1 + i)));
    }
    return function(Arguments{values, keywords});
}

Value Evaluator::call_node(const Node& node) {
    const Node& callee = expressions_.nodes[child(node, 0)];
    if (callee.kind == Node::Kind::kName && locals_[callee.value].is_undefined()) {
        const Global& found = global(callee.value);
        if (found.builtin != nullptr) {
            return with_arguments(node, [&](const Arguments& given) { return found.builtin(given, program_.limits); });
        }
    }
    const Value function = evaluate(child(node, 0));
    const Function& target = function.as_function();
    return with_arguments(node, target);
}

Value Evaluator::method(const Node& node) {
    const Value object = evaluate(child(node, 0));
    if (node.method != nullptr) {
        if (const Method target = method_for(*node.method, object)) {
            return with_arguments(node, [&](const Arguments& given) { return target(object, given, program_.limits); });
        }
    }
    const std::string& text = expressions_.names[node.value];
    const Value member = object.find(text);
    if (member.is_undefined()) {
        throw Failure(ErrorKind::kAttribute, fmt::format("a {} has no method '{}'", object.type_name(), text));
    }
    return with_arguments(node, member.as_function());
}

Value Evaluator::format(const Node& node) {
    std::string out;
    for (std::uint32_t i = 0; i < node.count; ++i) {
        out += evaluate(child(node, i)).as_string();
        check_size(out.size(), program_.limits);
    }
    return out;
}

Value Evaluator::call_module(NodeIndex index) {
    const Node& node = expressions_.nodes[index];
    const std::string& text = expressions_.names[expressions_.nodes[child(node, 0)].value];
    Value module = environment_ != nullptr ? environment_->find_module(text) : Value::undefined();
    if (module.is_undefined() && program_.functions) module = program_.functions->find_module(text);
    if (module.is_undefined()) throw Failure(ErrorKind::kName, fmt::format("there is no module '{}'", text));
    return with_arguments(node, module.as_function());
}

Value Evaluator::call(const Value& function, const Value& argument) {
    return function.as_function()(Arguments{std::span(&argument, 1), {}});
}

void Evaluator::assign(std::uint32_t target, Value value) {
    const FlatTarget& flat = program_.targets[target];
    if (flat.name != kNowhere) {
        locals_[flat.name] = std::move(value);
        return;
    }
    const List parts = iterate(value, program_.limits);
    if (parts.size() != flat.count) {
        throw Failure(ErrorKind::kValue,
                      fmt::format("{} values cannot be assigned to {} names", parts.size(), flat.count));
    }
    for (std::uint32_t i = 0; i < flat.count; ++i) assign(flat.first + i, parts[i]);
}

}  // namespace caropig::templates
