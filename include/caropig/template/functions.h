#pragma once

#include <caropig/template/value.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// What templates can name beside the values they are rendered with: functions, modules and constants of the program,
/// and those of one request.
namespace caropig::templates {

/// What a function is called with. The spans are valid during the call.
struct Arguments {
    using Keyword = std::pair<std::string_view, Value>;

    std::span<const Value> positional;
    std::span<const Keyword> keywords;

    /// The argument at `position`, or the one called `name`, or `fallback`.
    [[nodiscard]] Value get(std::size_t position, std::string_view name, Value fallback = {}) const;
    /// The same, but a missing argument is a Failure that names it.
    [[nodiscard]] Value require(std::size_t position, std::string_view name) const;
    /// Failure unless there are between `least` and `most` positional arguments and no keywords.
    void expect(std::size_t least, std::size_t most) const;
};

/// Answers for names that neither the template nor its values know. A handler derives from it to offer static_url() and
/// the like without a table for each request. Called on the thread that renders.
class Environment {
public:
    Environment() = default;
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    virtual ~Environment() = default;

    /// The value of `name`, or Value::undefined(). The value must be valid until the rendering ends. Asked once for a
    /// name and a rendering.
    [[nodiscard]] virtual Value find(std::string_view name) const = 0;

    /// The function behind `{% module name(...) %}`, or Value::undefined(). Its result is HTML, and not escaped.
    [[nodiscard]] virtual Value find_module(std::string_view name) const;
};

/// A table of names. Fill it first; then any number of threads may use it.
class Functions final : public Environment {
public:
    /// Replaces what had the name before.
    Functions& add(std::string name, Function function);
    Functions& set(std::string name, Value value);
    Functions& add_module(std::string name, Function function);

    [[nodiscard]] Value find(std::string_view name) const override;
    [[nodiscard]] Value find_module(std::string_view name) const override;

private:
    using Table = std::map<std::string, Value, std::less<>>;

    Table values_;
    Table modules_;
};

}  // namespace caropig::templates
