#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

/// \file
/// What an expression of a template has as its value: Python's types as far as templates need them. JSON data are
/// looked at where they are, not copied.
namespace caropig::templates {

struct Arguments;
class Value;

/// A function that templates may call. Called on the thread that renders; several threads may render at once. Throws
/// Failure for arguments that it cannot use; other exceptions end the rendering and reach its caller unchanged.
using Function = std::function<Value(const Arguments&)>;

using List = std::vector<Value>;

/// In the order of insertion. Keys are strings, numbers, booleans, None or tuples of them.
using Dict = std::vector<std::pair<Value, Value>>;

/// What range(start, stop, step) gives.
struct Range {
    std::int64_t start = 0;
    std::int64_t stop = 0;
    std::int64_t step = 1;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] std::int64_t at(std::size_t index) const noexcept;
};

/// One immutable value. Copies share what is behind them. A value that was made of JSON or of a borrowed text is valid
/// as long as these.
class Value {
public:
    enum class Kind : std::uint8_t {
        kUndefined,  ///< no value at all: a name that was not assigned; never seen by functions
        kNone,
        kBool,
        kInt,  ///< 64 bits
        kFloat,
        kString,
        kList,
        kTuple,
        kDict,
        kRange,
        kFunction,
    };

    /// What is known about a string or a list beyond its kind.
    enum class Flavour : std::uint8_t {
        kPlain,
        kMarkup,  ///< a string that is HTML: written as it is where HTML text stands
        kJson,    ///< a string that is JSON: written as it is (but for "<", ">" and "&") inside of a script
        kKeys,    ///< a list that prints as dict_keys([...]), as do the next two
        kValues,
        kItems,
        kIterator,  ///< a list that can only be iterated: enumerate(), zip(), reversed()
    };

    Value() = default;                        // NOLINT: None
    Value(std::nullptr_t) {}                  // NOLINT(google-explicit-constructor): None
    Value(bool value) : kind_(Kind::kBool) {  // NOLINT(google-explicit-constructor)
        payload_.boolean = value;
    }
    Value(int value) : Value(std::int64_t{value}) {}  // NOLINT(google-explicit-constructor)
    Value(std::int64_t value) : kind_(Kind::kInt) {   // NOLINT(google-explicit-constructor)
        payload_.integer = value;
    }
    Value(double value) : kind_(Kind::kFloat) {  // NOLINT(google-explicit-constructor)
        payload_.number = value;
    }
    Value(std::string text);       // NOLINT(google-explicit-constructor)
    Value(std::string_view text);  // NOLINT(google-explicit-constructor): copies; see borrowed()
    Value(const char* text);       // NOLINT(google-explicit-constructor): copies
    Value(List items);             // NOLINT(google-explicit-constructor)
    Value(Dict items);             // NOLINT(google-explicit-constructor)
    Value(Range range);            // NOLINT(google-explicit-constructor)
    Value(Function function);      // NOLINT(google-explicit-constructor)

    /// A string that is HTML already: `{{ }}` in HTML text writes it without escaping it. In attributes, scripts and
    /// styles it is a string like any other.
    static Value markup(std::string html);
    /// A string that is JSON already: `{{ }}` in a script writes it as it is, with "<", ">" and "&" as \u003c and so
    /// on.
    static Value json_text(std::string json);
    /// A string without a copy: `text` must outlive the value.
    static Value borrowed(std::string_view text) noexcept;
    /// A function without a copy: `function` must outlive the value.
    static Value borrowed(const Function& function) noexcept;
    static Value tuple(List items);
    static Value list(List items, Flavour flavour);
    static Value undefined() noexcept;

    /// Looks at `json`, which must outlive the value and stay as it is. Throws Failure for an integer beyond 64 bits
    /// with sign.
    static Value from_json(const boost::json::value& json);
    static Value from_json(const boost::json::object& json) noexcept;

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] Flavour flavour() const noexcept { return flavour_; }
    [[nodiscard]] bool is_none() const noexcept { return kind_ == Kind::kNone; }
    [[nodiscard]] bool is_undefined() const noexcept { return kind_ == Kind::kUndefined; }
    [[nodiscard]] bool is_string() const noexcept { return kind_ == Kind::kString; }
    [[nodiscard]] bool is_dict() const noexcept { return kind_ == Kind::kDict; }
    /// bool, int or float.
    [[nodiscard]] bool is_number() const noexcept { return kind_ >= Kind::kBool && kind_ <= Kind::kFloat; }
    /// A list, a tuple or a range.
    [[nodiscard]] bool is_sequence() const noexcept;

    /// What Python calls the type: "str", "list", "NoneType".
    [[nodiscard]] std::string_view type_name() const noexcept;

    /// The value as that type; Failure (kType) if it is another. as_int() takes booleans, as_double() all numbers.
    [[nodiscard]] std::string_view as_string() const;
    [[nodiscard]] std::int64_t as_int() const;
    [[nodiscard]] double as_double() const;
    [[nodiscard]] const Function& as_function() const;
    [[nodiscard]] const Range& as_range() const;

    /// Python's truth: None, False, 0, 0.0 and what is empty are false.
    [[nodiscard]] bool truthy() const noexcept;

    /// How many items a list, tuple, range or dict has, or how many bytes a string.
    [[nodiscard]] std::size_t size() const noexcept;
    /// The item at `index` < size() of a list, tuple or range.
    [[nodiscard]] Value item(std::size_t index) const;
    /// The key and the value at `index` < size() of a dict.
    [[nodiscard]] Value dict_key(std::size_t index) const;
    [[nodiscard]] Value dict_value(std::size_t index) const;
    /// The value of `key` in a dict; undefined() if there is none or if this is no dict.
    [[nodiscard]] Value find(std::string_view key) const;
    [[nodiscard]] Value find_key(const Value& key) const;
    /// find() that looks at position `hint` first, and leaves there where it found the key: the objects of a list
    /// mostly have their keys in the same order.
    [[nodiscard]] Value find(std::string_view key, std::uint32_t& hint) const;

    /// What `{{ }}` prints, before escaping: Python's str().
    [[nodiscard]] std::string str() const;
    /// Python's repr().
    [[nodiscard]] std::string repr() const;

    /// A copy as JSON: tuples and ranges become arrays, keys become strings as json.dumps makes them. Failure (kType)
    /// for functions.
    [[nodiscard]] boost::json::value to_json() const;

    /// Whether both share one and the same list, dict or text.
    [[nodiscard]] bool same_object(const Value& other) const noexcept;

private:
    union Payload {
        bool boolean;
        std::int64_t integer;
        double number;
        struct {
            const char* data;
            std::size_t size;
        } text;
        const boost::json::array* array;
        const boost::json::object* object;
        const List* list;
        const Dict* dict;
        const Range* range;
        const Function* function;
    };

    Value(Kind kind, Flavour flavour, std::shared_ptr<const std::string> text);

    Kind kind_ = Kind::kNone;
    Flavour flavour_ = Flavour::kPlain;
    bool json_ = false;  // a list or dict that is JSON of somebody else's
    Payload payload_ = {};
    std::shared_ptr<const void> owner_;  // empty for what is borrowed
};

}  // namespace caropig::templates
