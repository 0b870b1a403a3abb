#include <caropig/template/error.h>
#include <caropig/template/functions.h>

#include <fmt/format.h>

namespace caropig::templates {

Value Arguments::get(std::size_t position, std::string_view name, Value fallback) const {
    if (position < positional.size()) return positional[position];
    for (const auto& [keyword, value] : keywords) {
        if (keyword == name) return value;
    }
    return fallback;
}

Value Arguments::require(std::size_t position, std::string_view name) const {
    Value value = get(position, name, Value::undefined());
    if (value.is_undefined()) throw Failure(ErrorKind::kType, fmt::format("the argument '{}' is missing", name));
    return value;
}

void Arguments::expect(std::size_t least, std::size_t most) const {
    if (positional.size() < least || positional.size() > most) {
        throw Failure(ErrorKind::kType, least == most ? fmt::format("expected {} argument{}, not {}", least,
                                                                    least == 1 ? "" : "s", positional.size())
                                                      : fmt::format("expected {} to {} arguments, not {}", least, most,
                                                                    positional.size()));
    }
    if (!keywords.empty()) {
        throw Failure(ErrorKind::kType, fmt::format("there is no argument called '{}'", keywords.front().first));
    }
}

Value Environment::find_module(std::string_view /*name*/) const { return Value::undefined(); }

Functions& Functions::add(std::string name, Function function) {
    values_.insert_or_assign(std::move(name), Value(std::move(function)));
    return *this;
}

Functions& Functions::set(std::string name, Value value) {
    values_.insert_or_assign(std::move(name), std::move(value));
    return *this;
}

Functions& Functions::add_module(std::string name, Function function) {
    modules_.insert_or_assign(std::move(name), Value(std::move(function)));
    return *this;
}

Value Functions::find(std::string_view name) const {
    const auto it = values_.find(name);
    return it == values_.end() ? Value::undefined() : it->second;
}

Value Functions::find_module(std::string_view name) const {
    const auto it = modules_.find(name);
    return it == modules_.end() ? Value::undefined() : it->second;
}

}  // namespace caropig::templates
