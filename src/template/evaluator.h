#pragma once

#include "template/builtins.h"
#include "template/program.h"
#include <caropig/template/functions.h>
#include <caropig/template/value.h>

#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

/// \file
/// Evaluates the expressions of a program: names, operators, calls.
namespace caropig::templates {

class Evaluator {
public:
    /// All must outlive the evaluator; `environment` may be null.
    Evaluator(const Program& program, const boost::json::object& values, const Environment* environment);

    /// The value of an expression. Throws Failure, and what functions throw.
    Value evaluate(NodeIndex index);

    /// The same without a copy of what a name or a constant has as its value; `storage` holds any other.
    const Value& look(NodeIndex index, Value& storage);

    /// The result of a call whose function is a module.
    Value call_module(NodeIndex index);

    /// `function` called with one argument.
    static Value call(const Value& function, const Value& argument);

    /// Gives `value` to a name, or takes it apart.
    void assign(std::uint32_t target, Value value);

    /// A name that was assigned in the template: undefined() if it was not.
    Value& local(std::uint32_t name) { return locals_[name]; }

private:
    struct Global {
        Value value = Value::undefined();
        Builtin builtin = nullptr;
        bool resolved = false;
    };

    NodeIndex child(const Node& node, std::size_t index) const { return expressions_.children[node.first + index]; }
    const Value& name(std::uint32_t index);
    Global& global(std::uint32_t index);
    Value attribute(const Node& node, std::uint32_t& hint);
    Value compare_chain(const Node& node);
    Value items(const Node& node);
    Value dict(const Node& node);
    Value call_node(const Node& node);
    Value method(const Node& node);
    Value format(const Node& node);

    // Evaluates the arguments of a call and hands them to `function`.
    template <class Call>
    Value with_arguments(const Node& node, Call&& function);

    const Program& program_;
    const Expressions& expressions_;
    const boost::json::object& values_;
    const Environment* environment_;
    std::vector<Value> locals_;
    std::vector<Global> globals_;
    std::vector<std::uint32_t> hints_;  // of an attribute's node: where its key was in the last object
};

}  // namespace caropig::templates
