#pragma once

#include <caropig/web/json.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/json.hpp>

/// \file
/// A JSON body as a struct. A handler that picks its members out of a value by hand answers 500, or nothing sensible,
/// for the one that is missing; here the 400 names it:
///
///     #include <boost/describe.hpp>
///
///     struct User { std::string name; std::optional<int> age; };
///     BOOST_DESCRIBE_STRUCT(User, (), (name, age))
///
///     User user = parse_json_as<User>(request);  // HttpError(400): "JSON: name is missing"
namespace caropig::web {

namespace detail {

/// The way from the top of a document to a value; on the stack of those who convert it.
struct JsonPath {
    const JsonPath* parent = nullptr;
    std::string_view member;
    std::size_t index = 0;
};

/// Throws HttpError(400): "JSON: users[3].name " and then `what`.
[[noreturn]] void fail_json(const JsonPath& path, std::string_view what);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
constexpr std::string_view expected_json() {
    if constexpr (std::is_same_v<T, bool>) return "is neither true nor false";
    if constexpr (std::is_integral_v<T>) return "is no integer of its range";
    if constexpr (std::is_floating_point_v<T>) return "is no number";
    if constexpr (std::is_convertible_v<T, std::string_view>) return "is no string";
    return "is of another type";
}

template <class T>
T from_json(const boost::json::value& value, const JsonPath& path) {
    if constexpr (is_optional<T>) {
        if (value.is_null()) return std::nullopt;
        return from_json<typename T::value_type>(value, path);
    } else if constexpr (is_vector<T>) {
        if (!value.is_array()) fail_json(path, "is no array");
        T out;
        for (const boost::json::value& element : value.get_array()) {
            out.push_back(from_json<typename T::value_type>(element, JsonPath{&path, {}, out.size()}));
        }
        return out;
    } else if constexpr (boost::json::is_described_class<T>::value) {
        if (!value.is_object()) fail_json(path, "is no object");
        T out{};
        using Members =
            boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;
        boost::mp11::mp_for_each<Members>([&](auto member) {
            using Member = std::remove_cvref_t<decltype(out.*member.pointer)>;
            const JsonPath here{&path, member.name, 0};
            if (const boost::json::value* found = value.get_object().if_contains(member.name)) {
                out.*member.pointer = from_json<Member>(*found, here);
            } else if constexpr (!is_optional<Member>) {
                fail_json(here, "is missing");
            }
        });
        return out;
    } else {
        auto converted = boost::json::try_value_to<T>(value);
        if (!converted) fail_json(path, expected_json<T>());
        return *std::move(converted);
    }
}

}  // namespace detail

/// `value` as a T: a struct described with Boost.Describe, a vector or an optional of such, or whatever
/// boost::json::value_to() makes. A member that is missing or null must be a std::optional; what T lacks is ignored.
/// `HttpError(400)` names the member that does not fit.
template <class T>
[[nodiscard]] T json_to(const boost::json::value& value) {
    return detail::from_json<T>(value, {});
}

/// The request's body as a T. Errors as parse_json() and json_to().
template <class T>
[[nodiscard]] T parse_json_as(const Request& request, const JsonOptions& options = {}) {
    return json_to<T>(parse_json(request, options));
}

}  // namespace caropig::web
