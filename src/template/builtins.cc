#include "template/builtins.h"

#include "template/escape.h"
#include "template/format.h"
#include "template/number_builtins.h"
#include "template/operators.h"
#include "template/unicode.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace caropig::templates {
namespace {

[[noreturn]] void bad_type(std::string message) { throw Failure(ErrorKind::kType, message); }

Value call(const Value& function, const Value& argument) {
    return function.as_function()(Arguments{std::span(&argument, 1), {}});
}

Value len(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const Value& value = arguments.positional[0];
    if (value.is_string()) return static_cast<std::int64_t>(unicode::length(value.as_string()));
    if (!(value.is_sequence() || value.is_dict()) || value.flavour() == Value::Flavour::kIterator) {
        bad_type(fmt::format("a {} has no length", value.type_name()));
    }
    return static_cast<std::int64_t>(value.size());
}

Value str(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 1);
    return arguments.positional.empty() ? std::string() : arguments.positional[0].str();
}

Value repr(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    return arguments.positional[0].repr();
}

Value format(const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 2);
    return format_value(arguments.positional[0], arguments.get(1, "spec", Value::borrowed("")).as_string(), limits);
}

Value bool_of(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 1);
    return !arguments.positional.empty() && arguments.positional[0].truthy();
}

Value list(const Arguments& arguments, const Limits& limits) {
    arguments.expect(0, 1);
    return arguments.positional.empty() ? List() : iterate(arguments.positional[0], limits);
}

Value tuple(const Arguments& arguments, const Limits& limits) {
    arguments.expect(0, 1);
    return Value::tuple(arguments.positional.empty() ? List() : iterate(arguments.positional[0], limits));
}

Value dict(const Arguments& arguments, const Limits& /*limits*/) {
    if (arguments.positional.size() > 1) bad_type("dict() takes one argument by position");
    Dict items;
    if (!arguments.positional.empty()) {
        const Value& other = arguments.positional[0];
        if (!other.is_dict()) bad_type(fmt::format("dict() needs a dict, not {}", other.type_name()));
        for (std::size_t i = 0; i < other.size(); ++i) items.emplace_back(other.dict_key(i), other.dict_value(i));
    }
    for (const auto& [name, value] : arguments.keywords) {
        const auto same = std::ranges::find_if(
            items, [&](const auto& item) { return item.first.is_string() && item.first.as_string() == name; });
        if (same == items.end()) {
            items.emplace_back(Value(name), value);
        } else {
            same->second = value;
        }
    }
    return items;
}

Value range(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 3);
    for (const Value& value : arguments.positional) {
        if (value.kind() == Value::Kind::kFloat) bad_type("range() needs integers, not float");
    }
    Range result;
    if (arguments.positional.size() == 1) {
        result.stop = arguments.positional[0].as_int();
    } else {
        result.start = arguments.positional[0].as_int();
        result.stop = arguments.positional[1].as_int();
        result.step = arguments.get(2, "step", 1).as_int();
    }
    if (result.step == 0) throw Failure(ErrorKind::kValue, "the step of range() cannot be zero");
    return result;
}

Value enumerate(const Arguments& arguments, const Limits& limits) {
    const List items = iterate(arguments.require(0, "iterable"), limits);
    std::int64_t number = arguments.get(1, "start", 0).as_int();
    List pairs;
    pairs.reserve(items.size());
    for (const Value& item : items) pairs.push_back(Value::tuple({Value(number++), item}));
    return Value::list(std::move(pairs), Value::Flavour::kIterator);
}

Value zip(const Arguments& arguments, const Limits& limits) {
    if (!arguments.keywords.empty()) bad_type("zip() takes no arguments by name");
    std::vector<List> columns;
    for (const Value& iterable : arguments.positional) columns.push_back(iterate(iterable, limits));
    const std::size_t rows = columns.empty() ? 0 : std::ranges::min_element(columns, {}, &List::size)->size();
    List items;
    items.reserve(rows);
    for (std::size_t row = 0; row < rows; ++row) {
        List tuple;
        for (const List& column : columns) tuple.push_back(column[row]);
        items.push_back(Value::tuple(std::move(tuple)));
    }
    return Value::list(std::move(items), Value::Flavour::kIterator);
}

Value reversed(const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 1);
    List items = iterate(arguments.positional[0], limits);
    std::ranges::reverse(items);
    return Value::list(std::move(items), Value::Flavour::kIterator);
}

Value map(const Arguments& arguments, const Limits& limits) {
    arguments.expect(2, 2);
    List items = iterate(arguments.positional[1], limits);
    for (Value& item : items) item = call(arguments.positional[0], item);
    return Value::list(std::move(items), Value::Flavour::kIterator);
}

Value filter(const Arguments& arguments, const Limits& limits) {
    arguments.expect(2, 2);
    const Value& function = arguments.positional[0];
    List items = iterate(arguments.positional[1], limits);
    std::erase_if(items,
                  [&](const Value& item) { return !(function.is_none() ? item : call(function, item)).truthy(); });
    return Value::list(std::move(items), Value::Flavour::kIterator);
}

Value sorted(const Arguments& arguments, const Limits& limits) {
    if (arguments.positional.size() != 1) bad_type("sorted() takes one argument by position");
    List items = iterate(arguments.positional[0], limits);
    const Value key = arguments.get(1, "key");
    const bool reverse = arguments.get(1, "reverse", false).truthy();
    std::vector<std::pair<Value, Value>> keyed;
    keyed.reserve(items.size());
    for (Value& item : items) {
        Value by = key.is_none() ? item : call(key, item);
        keyed.emplace_back(std::move(by), std::move(item));
    }
    std::ranges::stable_sort(
        keyed, [&](const auto& a, const auto& b) { return reverse ? less(b.first, a.first) : less(a.first, b.first); });
    std::ranges::transform(keyed, items.begin(), [](auto& pair) { return std::move(pair.second); });
    return items;
}

Value extreme(const Arguments& arguments, const Limits& limits, bool largest) {
    if (arguments.positional.empty()) bad_type("min() and max() need an argument");
    const bool several = arguments.positional.size() > 1;
    const List items = several ? List(arguments.positional.begin(), arguments.positional.end())
                               : iterate(arguments.positional[0], limits);
    Value otherwise = arguments.get(100, "default", Value::undefined());
    const Value key = arguments.get(100, "key");
    if (items.empty()) {
        if (otherwise.is_undefined()) throw Failure(ErrorKind::kValue, "min() or max() of nothing");
        return otherwise;
    }
    const auto key_of = [&](const Value& item) { return key.is_none() ? item : call(key, item); };
    std::size_t best = 0;
    Value best_key = key_of(items[0]);
    for (std::size_t i = 1; i < items.size(); ++i) {
        Value candidate = key_of(items[i]);
        if (largest ? less(best_key, candidate) : less(candidate, best_key)) {
            best = i;
            best_key = std::move(candidate);
        }
    }
    return items[best];
}

Value min(const Arguments& arguments, const Limits& limits) { return extreme(arguments, limits, false); }

Value max(const Arguments& arguments, const Limits& limits) { return extreme(arguments, limits, true); }

Value sum(const Arguments& arguments, const Limits& limits) {
    Value total = arguments.get(1, "start", 0);
    if (total.is_string()) bad_type("sum() does not add strings; use ''.join()");
    for (const Value& item : iterate(arguments.require(0, "iterable"), limits)) {
        total = calculate(BinaryOperator::kAdd, total, item, limits);
    }
    return total;
}

Value any(const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 1);
    return std::ranges::any_of(iterate(arguments.positional[0], limits), &Value::truthy);
}

Value all(const Arguments& arguments, const Limits& limits) {
    arguments.expect(1, 1);
    return std::ranges::all_of(iterate(arguments.positional[0], limits), &Value::truthy);
}

Value ord(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const std::string_view text = arguments.positional[0].as_string();
    if (unicode::length(text) != 1) bad_type("ord() needs a single character");
    return static_cast<std::int64_t>(unicode::decode(text, 0).code);
}

Value chr(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    const std::int64_t code = arguments.positional[0].as_int();
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        throw Failure(ErrorKind::kValue, fmt::format("{} is no character", code));
    }
    std::string out;
    unicode::append(out, static_cast<char32_t>(code));
    return out;
}

Value html(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    std::string out;
    append_html(out, arguments.positional[0].as_string());
    return out;
}

Value url(const Arguments& arguments, const Limits& /*limits*/) {
    return url_escape(arguments.require(0, "value").as_string(), arguments.get(1, "plus", true).truthy());
}

Value json(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    return Value::json_text(json_encode(arguments.positional[0]));
}

Value squeezed(const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    return squeeze(arguments.positional[0].as_string());
}

Value linked(const Arguments& arguments, const Limits& /*limits*/) { return linkify(arguments); }

struct Entry {
    std::string_view name;
    Builtin function;
};

// Sorted by name.
constexpr std::array<Entry, 34> kBuiltins = {{
    {"abs", abs_of},        {"all", all},          {"any", any},        {"bool", bool_of},
    {"chr", chr},           {"dict", dict},        {"divmod", divmod},  {"enumerate", enumerate},
    {"escape", html},       {"filter", filter},    {"float", float_of}, {"format", format},
    {"int", int_of},        {"json_encode", json}, {"len", len},        {"linkify", linked},
    {"list", list},         {"map", map},          {"max", max},        {"min", min},
    {"ord", ord},           {"pow", pow_of},       {"range", range},    {"repr", repr},
    {"reversed", reversed}, {"round", round_of},   {"sorted", sorted},  {"squeeze", squeezed},
    {"str", str},           {"sum", sum},          {"tuple", tuple},    {"url_escape", url},
    {"xhtml_escape", html}, {"zip", zip},
}};

}  // namespace

Builtin find_builtin(std::string_view name) noexcept {
    const auto it = std::ranges::lower_bound(kBuiltins, name, {}, &Entry::name);
    return it != kBuiltins.end() && it->name == name ? it->function : nullptr;
}

std::string_view why_unsupported(std::string_view name) noexcept {
    if (name == "datetime") return "the module datetime is not supported; pass formatted times, or register a function";
    return {};
}

}  // namespace caropig::templates
