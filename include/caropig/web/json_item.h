#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>

#include <boost/json/fwd.hpp>

/// \file
/// What is spelled out in a call of json_response(): `{{"id", id}, {"tags", {"a", "b"}}}`.
namespace caropig::web {

namespace detail {

class JsonWriter;
void put_json(JsonWriter& writer, const boost::json::value& value);
void put_json(JsonWriter& writer, const boost::json::array& array);
void put_json(JsonWriter& writer, const boost::json::object& object);

template <class T>
concept JsonText = !std::same_as<T, std::nullptr_t> && std::convertible_to<const T&, std::string_view>;

template <class T>
concept JsonPart =
    std::same_as<T, boost::json::value> || std::same_as<T, boost::json::array> || std::same_as<T, boost::json::object>;

}  // namespace detail

/// A JSON value for the length of a call: it refers to what it was made from, and is written from there without another
/// value between. It is null, true or false, a number, a text, a value of Boost.JSON or what one can be made from, or a
/// list of such. By Boost.JSON's rule a list whose members are all pairs that begin with a text is an object, also the
/// empty one, and any other an array; of members with the same key the first counts.
class JsonItem {
public:
    // Conversions, because nobody spells out their names.
    JsonItem(std::nullptr_t) noexcept : kind_(Kind::kNull) {}
    template <std::same_as<bool> T>
    JsonItem(T value) noexcept : kind_(value ? Kind::kTrue : Kind::kFalse) {}
    template <std::signed_integral T>
    JsonItem(T number) noexcept : kind_(Kind::kSigned), signed_(number) {}
    template <std::unsigned_integral T>
        requires(!std::same_as<T, bool>)
    JsonItem(T number) noexcept : kind_(Kind::kUnsigned), unsigned_(number) {}
    template <std::floating_point T>
    JsonItem(T number) noexcept : kind_(Kind::kDouble), double_(static_cast<double>(number)) {}
    template <detail::JsonText T>
    JsonItem(const T& text) noexcept(noexcept(std::string_view(text))) : kind_(Kind::kText), text_(text) {}
    JsonItem(std::initializer_list<JsonItem> items) noexcept : kind_(Kind::kList), list_(items) {}
    template <detail::JsonPart T>
    JsonItem(const T& value) noexcept
        : kind_(Kind::kOther), other_{&value, [](detail::JsonWriter& writer, const void* part) {
                                          detail::put_json(writer, *static_cast<const T*>(part));
                                      }} {}
    template <class T>
        requires(!std::is_arithmetic_v<T> && !detail::JsonText<T> && !detail::JsonPart<T> &&
                 !std::same_as<T, JsonItem> && !std::same_as<T, std::nullptr_t> &&
                 std::is_constructible_v<boost::json::value, const T&>)
    JsonItem(const T& source)
        : kind_(Kind::kOther), other_{&source, [](detail::JsonWriter& writer, const void* part) {
                                          detail::put_json(writer, boost::json::value(*static_cast<const T*>(part)));
                                      }} {}

private:
    friend class detail::JsonWriter;
    enum class Kind : std::uint8_t { kNull, kFalse, kTrue, kSigned, kUnsigned, kDouble, kText, kList, kOther };
    struct Other {
        const void* part;
        void (*put)(detail::JsonWriter&, const void*);
    };

    [[nodiscard]] bool is_member() const noexcept {
        return kind_ == Kind::kList && list_.size() == 2 && list_.begin()->kind_ == Kind::kText;
    }

    Kind kind_;
    union {
        std::int64_t signed_;
        std::uint64_t unsigned_;
        double double_;
        std::string_view text_;
        std::initializer_list<JsonItem> list_;
        Other other_;
    };
};

}  // namespace caropig::web
