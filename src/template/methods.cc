#include "template/methods.h"

#include "template/operators.h"
#include "template/string_methods.h"
#include <caropig/template/error.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace caropig::templates {
namespace {

namespace str = string_methods;

Value dict_get(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 2);
    Value found = self.find_key(arguments.positional[0]);
    return found.is_undefined() ? arguments.get(1, "default") : found;
}

Value dict_list(const Value& self, const Arguments& arguments, Value::Flavour flavour) {
    arguments.expect(0, 0);
    List items;
    items.reserve(self.size());
    for (std::size_t i = 0; i < self.size(); ++i) {
        switch (flavour) {
            case Value::Flavour::kKeys:
                items.push_back(self.dict_key(i));
                break;
            case Value::Flavour::kValues:
                items.push_back(self.dict_value(i));
                break;
            default:
                items.push_back(Value::tuple({self.dict_key(i), self.dict_value(i)}));
        }
    }
    return Value::list(std::move(items), flavour);
}

Value dict_keys(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return dict_list(self, arguments, Value::Flavour::kKeys);
}

Value dict_values(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return dict_list(self, arguments, Value::Flavour::kValues);
}

Value dict_items(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    return dict_list(self, arguments, Value::Flavour::kItems);
}

Value copy(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    return self;
}

Value list_index(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 3);
    const auto size = static_cast<std::int64_t>(self.size());
    const auto bound = [&](std::size_t position, std::int64_t otherwise) {
        const std::int64_t given = arguments.get(position, "", otherwise).as_int();
        return std::clamp<std::int64_t>(given < 0 ? given + size : given, 0, size);
    };
    const std::int64_t end = bound(2, size);
    for (std::int64_t i = bound(1, 0); i < end; ++i) {
        if (equal(self.item(static_cast<std::size_t>(i)), arguments.positional[0])) return i;
    }
    throw Failure(ErrorKind::kValue, arguments.positional[0].repr() + " is not in the list");
}

Value list_count(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(1, 1);
    std::int64_t found = 0;
    for (std::size_t i = 0; i < self.size(); ++i) found += equal(self.item(i), arguments.positional[0]) ? 1 : 0;
    return found;
}

Value is_integer(const Value& self, const Arguments& arguments, const Limits& /*limits*/) {
    arguments.expect(0, 0);
    return std::floor(self.as_double()) == self.as_double() && std::isfinite(self.as_double());
}

// Sorted by name.
constexpr std::array<MethodEntry, 44> kMethods = {{
    {"capitalize", str::capitalize},
    {"casefold", str::lower},
    {"center", str::center},
    {"copy", nullptr, copy, copy},
    {"count", str::count, nullptr, list_count},
    {"endswith", str::endswith},
    {"find", str::find},
    {"format", str::format},
    {"get", nullptr, dict_get},
    {"index", str::index, nullptr, list_index},
    {"is_integer", nullptr, nullptr, nullptr, is_integer},
    {"isalnum", str::isalnum},
    {"isalpha", str::isalpha},
    {"isdecimal", str::isdigit},
    {"isdigit", str::isdigit},
    {"islower", str::islower},
    {"isnumeric", str::isdigit},
    {"isspace", str::isspace},
    {"isupper", str::isupper},
    {"items", nullptr, dict_items},
    {"join", str::join},
    {"keys", nullptr, dict_keys},
    {"ljust", str::ljust},
    {"lower", str::lower},
    {"lstrip", str::lstrip},
    {"partition", str::partition},
    {"removeprefix", str::removeprefix},
    {"removesuffix", str::removesuffix},
    {"replace", str::replace},
    {"rfind", str::rfind},
    {"rindex", str::rindex},
    {"rjust", str::rjust},
    {"rpartition", str::rpartition},
    {"rsplit", str::rsplit},
    {"rstrip", str::rstrip},
    {"split", str::split},
    {"splitlines", str::splitlines},
    {"startswith", str::startswith},
    {"strip", str::strip},
    {"swapcase", str::swapcase},
    {"title", str::title},
    {"upper", str::upper},
    {"values", nullptr, dict_values},
    {"zfill", str::zfill},
}};

}  // namespace

const MethodEntry* find_method(std::string_view name) noexcept {
    const auto it = std::ranges::lower_bound(kMethods, name, {}, &MethodEntry::name);
    return it != kMethods.end() && it->name == name ? &*it : nullptr;
}

Method method_for(const MethodEntry& entry, const Value& self) noexcept {
    switch (self.kind()) {
        case Value::Kind::kString:
            return entry.string;
        case Value::Kind::kDict:
            return entry.dict;
        case Value::Kind::kList:
        case Value::Kind::kTuple:
            return entry.list;
        case Value::Kind::kInt:
        case Value::Kind::kFloat:
            return entry.number;
        default:
            return nullptr;
    }
}

}  // namespace caropig::templates
