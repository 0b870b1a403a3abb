#include "template/operators.h"
#include "template/print.h"
#include <caropig/template/error.h>
#include <caropig/template/value.h>

#include <limits>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace caropig::templates {
namespace {

[[noreturn]] void wrong_type(std::string_view expected, const Value& value) {
    throw Failure(ErrorKind::kType, fmt::format("expected {}, not {}", expected, value.type_name()));
}

// What json.dumps makes of a key.
std::string json_key(const Value& key) {
    switch (key.kind()) {
        case Value::Kind::kNone:
            return "null";
        case Value::Kind::kBool:
            return key.truthy() ? "true" : "false";
        case Value::Kind::kInt:
        case Value::Kind::kFloat:
        case Value::Kind::kString:
            return key.str();
        default:
            throw Failure(ErrorKind::kType, fmt::format("a key of JSON cannot be a {}", key.type_name()));
    }
}

constexpr int kMaxJsonDepth = 200;

boost::json::value json_of(const Value& value, int depth) {
    if (depth > kMaxJsonDepth) throw Failure(ErrorKind::kLimit, "a value too deep for JSON");
    switch (value.kind()) {
        case Value::Kind::kNone:
            return nullptr;
        case Value::Kind::kBool:
            return value.truthy();
        case Value::Kind::kInt:
            return value.as_int();
        case Value::Kind::kFloat:
            return value.as_double();
        case Value::Kind::kString:
            return boost::json::value(value.as_string());
        case Value::Kind::kList:
        case Value::Kind::kTuple:
        case Value::Kind::kRange: {
            boost::json::array array;
            for (std::size_t i = 0; i < value.size(); ++i) array.push_back(json_of(value.item(i), depth + 1));
            return array;
        }
        case Value::Kind::kDict: {
            boost::json::object object;
            for (std::size_t i = 0; i < value.size(); ++i) {
                object.insert_or_assign(json_key(value.dict_key(i)), json_of(value.dict_value(i), depth + 1));
            }
            return object;
        }
        default:
            throw Failure(ErrorKind::kType, fmt::format("a {} is no JSON", value.type_name()));
    }
}

}  // namespace

std::size_t Range::size() const noexcept {
    if (step == 0 || (step > 0 ? start >= stop : start <= stop)) return 0;
    // In unsigned arithmetic the distance of any two numbers fits.
    const auto from = static_cast<std::uint64_t>(step > 0 ? start : stop);
    const auto to = static_cast<std::uint64_t>(step > 0 ? stop : start);
    const std::uint64_t width = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
    return (to - from - 1) / width + 1;
}

std::int64_t Range::at(std::size_t index) const noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + index * static_cast<std::uint64_t>(step));
}

Value::Value(Kind kind, Flavour flavour, std::shared_ptr<const std::string> text) : kind_(kind), flavour_(flavour) {
    payload_.text = {text->data(), text->size()};
    owner_ = std::move(text);
}

Value::Value(std::string text)
    : Value(Kind::kString, Flavour::kPlain, std::make_shared<const std::string>(std::move(text))) {}

Value::Value(std::string_view text) : Value(std::string(text)) {}

Value::Value(const char* text) : Value(std::string(text)) {}

Value::Value(List items) : kind_(Kind::kList) {
    auto owned = std::make_shared<const List>(std::move(items));
    payload_.list = owned.get();
    owner_ = std::move(owned);
}

Value::Value(Dict items) : kind_(Kind::kDict) {
    auto owned = std::make_shared<const Dict>(std::move(items));
    payload_.dict = owned.get();
    owner_ = std::move(owned);
}

Value::Value(Range range) : kind_(Kind::kRange) {
    auto owned = std::make_shared<const Range>(range);
    payload_.range = owned.get();
    owner_ = std::move(owned);
}

Value::Value(Function function) : kind_(Kind::kFunction) {
    auto owned = std::make_shared<const Function>(std::move(function));
    payload_.function = owned.get();
    owner_ = std::move(owned);
}

Value Value::markup(std::string html) {
    return {Kind::kString, Flavour::kMarkup, std::make_shared<const std::string>(std::move(html))};
}

Value Value::json_text(std::string json) {
    return {Kind::kString, Flavour::kJson, std::make_shared<const std::string>(std::move(json))};
}

Value Value::borrowed(std::string_view text) noexcept {
    Value value;
    value.kind_ = Kind::kString;
    value.payload_.text = {text.data(), text.size()};
    return value;
}

Value Value::borrowed(const Function& function) noexcept {
    Value value;
    value.kind_ = Kind::kFunction;
    value.payload_.function = &function;
    return value;
}

Value Value::tuple(List items) {
    Value value(std::move(items));
    value.kind_ = Kind::kTuple;
    return value;
}

Value Value::list(List items, Flavour flavour) {
    Value value(std::move(items));
    value.flavour_ = flavour;
    return value;
}

Value Value::undefined() noexcept {
    Value value;
    value.kind_ = Kind::kUndefined;
    return value;
}

Value Value::from_json(const boost::json::value& json) {
    switch (json.kind()) {
        case boost::json::kind::null:
            return {};
        case boost::json::kind::bool_:
            return json.get_bool();
        case boost::json::kind::int64:
            return json.get_int64();
        case boost::json::kind::uint64:
            if (json.get_uint64() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                throw Failure(ErrorKind::kOverflow, "an integer of the data is beyond 64 bits with sign");
            }
            return static_cast<std::int64_t>(json.get_uint64());
        case boost::json::kind::double_:
            return json.get_double();
        case boost::json::kind::string:
            return borrowed(std::string_view(json.get_string()));
        case boost::json::kind::array: {
            Value value;
            value.kind_ = Kind::kList;
            value.json_ = true;
            value.payload_.array = &json.get_array();
            return value;
        }
        case boost::json::kind::object:
            return from_json(json.get_object());
    }
    return {};
}

Value Value::from_json(const boost::json::object& json) noexcept {
    Value value;
    value.kind_ = Kind::kDict;
    value.json_ = true;
    value.payload_.object = &json;
    return value;
}

bool Value::is_sequence() const noexcept {
    return kind_ == Kind::kList || kind_ == Kind::kTuple || kind_ == Kind::kRange;
}

std::string_view Value::type_name() const noexcept {
    switch (kind_) {
        case Kind::kUndefined:
            return "undefined";
        case Kind::kNone:
            return "NoneType";
        case Kind::kBool:
            return "bool";
        case Kind::kInt:
            return "int";
        case Kind::kFloat:
            return "float";
        case Kind::kString:
            return "str";
        case Kind::kList:
            switch (flavour_) {
                case Flavour::kKeys:
                    return "dict_keys";
                case Flavour::kValues:
                    return "dict_values";
                case Flavour::kItems:
                    return "dict_items";
                case Flavour::kIterator:
                    return "iterator";
                default:
                    return "list";
            }
        case Kind::kTuple:
            return "tuple";
        case Kind::kDict:
            return "dict";
        case Kind::kRange:
            return "range";
        case Kind::kFunction:
            return "function";
    }
    return "";
}

std::string_view Value::as_string() const {
    if (kind_ != Kind::kString) wrong_type("a string", *this);
    return {payload_.text.data, payload_.text.size};
}

std::int64_t Value::as_int() const {
    if (kind_ == Kind::kBool) return payload_.boolean ? 1 : 0;
    if (kind_ != Kind::kInt) wrong_type("an integer", *this);
    return payload_.integer;
}

double Value::as_double() const {
    if (kind_ == Kind::kFloat) return payload_.number;
    if (kind_ != Kind::kInt && kind_ != Kind::kBool) wrong_type("a number", *this);
    return static_cast<double>(as_int());
}

const Function& Value::as_function() const {
    if (kind_ != Kind::kFunction) throw Failure(ErrorKind::kType, fmt::format("a {} cannot be called", type_name()));
    return *payload_.function;
}

const Range& Value::as_range() const {
    if (kind_ != Kind::kRange) wrong_type("a range", *this);
    return *payload_.range;
}

bool Value::truthy() const noexcept {
    switch (kind_) {
        case Kind::kUndefined:
        case Kind::kNone:
            return false;
        case Kind::kBool:
            return payload_.boolean;
        case Kind::kInt:
            return payload_.integer != 0;
        case Kind::kFloat:
            return payload_.number != 0;
        case Kind::kFunction:
            return true;
        default:
            return size() != 0;
    }
}

std::size_t Value::size() const noexcept {
    switch (kind_) {
        case Kind::kString:
            return payload_.text.size;
        case Kind::kList:
            return json_ ? payload_.array->size() : payload_.list->size();
        case Kind::kTuple:
            return payload_.list->size();
        case Kind::kDict:
            return json_ ? payload_.object->size() : payload_.dict->size();
        case Kind::kRange:
            return payload_.range->size();
        default:
            return 0;
    }
}

Value Value::item(std::size_t index) const {
    if (kind_ == Kind::kRange) return payload_.range->at(index);
    if (!json_) return (*payload_.list)[index];
    return from_json((*payload_.array)[index]);
}

Value Value::dict_key(std::size_t index) const {
    if (!json_) return (*payload_.dict)[index].first;
    return borrowed(std::string_view(payload_.object->begin()[static_cast<std::ptrdiff_t>(index)].key()));
}

Value Value::dict_value(std::size_t index) const {
    if (!json_) return (*payload_.dict)[index].second;
    return from_json(payload_.object->begin()[static_cast<std::ptrdiff_t>(index)].value());
}

Value Value::find(std::string_view key) const {
    if (kind_ != Kind::kDict) return undefined();
    if (json_) {
        const auto it = payload_.object->find(key);
        return it == payload_.object->end() ? undefined() : from_json(it->value());
    }
    for (const auto& [name, value] : *payload_.dict) {
        if (name.is_string() && name.as_string() == key) return value;
    }
    return undefined();
}

Value Value::find(std::string_view key, std::uint32_t& hint) const {
    if (kind_ != Kind::kDict || !json_) return find(key);
    const boost::json::object& object = *payload_.object;
    if (hint < object.size()) {
        const boost::json::key_value_pair& pair = object.begin()[hint];
        if (std::string_view(pair.key()) == key) return from_json(pair.value());
    }
    const auto it = object.find(key);
    if (it == object.end()) return undefined();
    hint = static_cast<std::uint32_t>(it - object.begin());
    return from_json(it->value());
}

Value Value::find_key(const Value& key) const {
    if (key.is_string()) return find(key.as_string());
    if (kind_ != Kind::kDict || json_) return undefined();
    for (const auto& [name, value] : *payload_.dict) {
        if (equal(name, key)) return value;
    }
    return undefined();
}

std::string Value::str() const {
    std::string out;
    append_str(out, *this);
    return out;
}

std::string Value::repr() const {
    std::string out;
    append_repr(out, *this);
    return out;
}

boost::json::value Value::to_json() const { return json_of(*this, 0); }

bool Value::same_object(const Value& other) const noexcept {
    if (kind_ != other.kind_ || json_ != other.json_) return false;
    switch (kind_) {
        case Kind::kString:
            return payload_.text.data == other.payload_.text.data && payload_.text.size == other.payload_.text.size;
        case Kind::kList:
        case Kind::kTuple:
        case Kind::kDict:
        case Kind::kRange:
        case Kind::kFunction:
            return payload_.list == other.payload_.list;
        default:
            return false;
    }
}

}  // namespace caropig::templates
