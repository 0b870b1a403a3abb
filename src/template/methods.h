#pragma once

#include <caropig/template/functions.h>
#include <caropig/template/options.h>
#include <caropig/template/value.h>

#include <string_view>

/// \file
/// The methods of strings, dicts, lists and numbers, by name. None changes its object: values are immutable.
namespace caropig::templates {

using Method = Value (*)(const Value& self, const Arguments& arguments, const Limits& limits);

/// What a method name means for each type; null where the type has no such method.
struct MethodEntry {
    std::string_view name;
    Method string = nullptr;
    Method dict = nullptr;
    Method list = nullptr;  // and tuple
    Method number = nullptr;
};

/// Null if no type has a method of that name.
const MethodEntry* find_method(std::string_view name) noexcept;

/// The entry's method for the type of `self`, or null.
Method method_for(const MethodEntry& entry, const Value& self) noexcept;

}  // namespace caropig::templates
