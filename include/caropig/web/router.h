#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// \file
/// Which of the application's routes answers a path, and with which parameters? Routes are tried in the order in
/// which they were added and the first that matches the whole path wins, as in Tornado; but an application with
/// hundreds of them must not pay for hundreds of attempts, and no path that a peer makes up may be slow to match.
/// A table knows paths only: methods are decided by what the application keeps under the route's index.
namespace caropig::web {

/// A mistake in a route or in a reversal, found at start-up or in reverse(). what() names the route, by its pattern
/// and, where it has one, its name.
class RouteError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

/// What a route's path looks like. A plain string is read as a regular expression when it contains one of
/// `( [ \ * + ? | ^ $`, and as braces otherwise; a dot alone is a dot, so "/robots.txt" is no expression. A string
/// that would be both ("/{id}/(\d+)") is rejected by RouteTable::add: use the named constructors below.
class Pattern {
public:
    enum class Syntax : std::uint8_t { kDetect, kLiteral, kBraces, kRegex };

    // NOLINTBEGIN(google-explicit-constructor): a table of routes is written with plain strings.
    Pattern(const char* text) : text_(text) {}
    Pattern(std::string_view text) : text_(text) {}
    Pattern(std::string text) : text_(std::move(text)) {}
    // NOLINTEND(google-explicit-constructor)

    /// Exactly this path; no character is special.
    [[nodiscard]] static Pattern literal(std::string_view text) { return {Syntax::kLiteral, text}; }

    /// Literal text with parameters, at most one in a segment (what stands between two slashes), with literal text
    /// around it: "/users/{id:int}", "/@{user}", "/{page}.html". The types are `str` (the default; a segment that is
    /// not empty), `int` and `uint` (64 bits; what overflows does not match), `uuid`, and `path` (all that is left,
    /// slashes included and perhaps nothing; only at the end).
    [[nodiscard]] static Pattern braces(std::string_view text) { return {Syntax::kBraces, text}; }

    /// A regular expression in RE2's syntax, which must match the whole path. Its groups are all positional or all
    /// named, `(?P<name>...)`. It works on bytes: "." is any byte, and a class such as [é] is two bytes.
    [[nodiscard]] static Pattern regex(std::string_view text) { return {Syntax::kRegex, text}; }

    [[nodiscard]] Syntax syntax() const noexcept { return syntax_; }
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    Pattern(Syntax syntax, std::string_view text) : syntax_(syntax), text_(text) {}

    Syntax syntax_ = Syntax::kDetect;
    std::string text_;
};

/// One parameter of a match.
struct RouteParameter {
    std::string_view name;   ///< empty for a positional group
    std::string_view value;  ///< percent-decoded, valid UTF-8

    /// False for an optional group that took no part in the match (Tornado's None); its value is empty.
    [[nodiscard]] bool present() const noexcept { return value.data() != nullptr; }
};

enum class RouteStatus : std::uint8_t {
    kNotFound,     ///< no route matches: 404
    kMatched,      ///< there is a route
    kBadEncoding,  ///< a route matches, but a parameter is not UTF-8 once decoded: 400, as Tornado answers
};

/// Where RouteTable::match leaves its answer. Made to be reused: its buffer grows once. Its views point into the path
/// that was matched, into the table, and into this object, which therefore stays where it is; they are valid until
/// the next match into it, and while the path lives and the table is unchanged.
class RouteMatch {
public:
    /// A route has at most this many parameters.
    static constexpr std::size_t kMaxParameters = 16;

    RouteMatch() = default;
    RouteMatch(const RouteMatch&) = delete;
    RouteMatch& operator=(const RouteMatch&) = delete;

    [[nodiscard]] RouteStatus status() const noexcept { return status_; }

    /// The index of the route that matched, unless status() is kNotFound.
    [[nodiscard]] std::size_t route() const noexcept { return route_; }

    /// The parameters in the order of the pattern; none unless status() is kMatched.
    [[nodiscard]] std::span<const RouteParameter> parameters() const noexcept { return {parameters_.data(), size_}; }

    /// The value of the parameter with this name; nothing when there is none, or when it is not present().
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;

private:
    friend class RouteTable;
    friend class KeptParameters;

    std::array<RouteParameter, kMaxParameters> parameters_;
    std::array<std::string_view, kMaxParameters> encoded_;  // where a match is put together
    std::size_t size_ = 0;
    std::size_t route_ = 0;
    RouteStatus status_ = RouteStatus::kNotFound;
    std::string decoded_;  // the values that had something to decode
};

/// An ordered table of routes. Fill it on one thread; from then on its const members may be called from any number
/// of threads at once. A failed add() leaves it as it was.
class RouteTable {
public:
    RouteTable();
    RouteTable(RouteTable&& other) noexcept;
    RouteTable& operator=(RouteTable&& other) noexcept;
    ~RouteTable();

    /// Appends a route and returns its index: 0, 1, 2… in the order of adding. The same pattern may be added again
    /// (the first wins); a name that is not empty may not.
    /// Throws RouteError for an invalid pattern, a name that is taken, groups of which some are named and some not,
    /// parameters of the same name, and more than RouteMatch::kMaxParameters of them.
    std::size_t add(const Pattern& pattern, std::string_view name = {});

    /// Finds the first route that matches all of `path`, which is the target's path as received: still
    /// percent-encoded, without the query, "/a%2Fb" being one segment. Parameters are decoded afterwards; an escape
    /// that is none ("%zz") stays as it is and "+" stays "+", as in Tornado.
    /// Returns the route's index, or nothing when `out.status()` is kNotFound or kBadEncoding.
    /// Takes time linear in the path. Literal and braces patterns allocate nothing; neither does RE2 for an expression
    /// of one to four groups that is one-pass, such as "/a/([^/]+)". For others RE2 allocates: at each match for those
    /// with several ways to read a path ("/(.*)/(.*)") or more groups, and now and then to extend its cache.
    std::optional<std::size_t> match(std::string_view path, RouteMatch& out) const;

    /// The path of the route called `name`, with its parameters replaced in order by `values`, percent-encoded; a
    /// slash is encoded too, except in a `path` parameter and where the group of an expression accepts it.
    /// What it returns matches the route and gives the same values back. (Tornado returns paths that don't.)
    /// Throws RouteError when no route has the name, when the number of values is wrong, when a value does not fit
    /// its parameter, and when an expression is more than literal text and simple groups.
    [[nodiscard]] std::string reverse(std::string_view name, std::span<const std::string_view> values) const;

    /// The same with strings and integers: `routes.reverse("order", user, 7)`.
    template <class... Values>
        requires(... && (std::convertible_to<const Values&, std::string_view> || std::integral<Values>))
    [[nodiscard]] std::string reverse(std::string_view name, const Values&... values) const {
        if constexpr ((... && std::convertible_to<const Values&, std::string_view>)) {
            const std::array<std::string_view, sizeof...(Values)> views{std::string_view(values)...};
            return reverse(name, std::span<const std::string_view>(views));
        } else {
            const std::array<std::string, sizeof...(Values)> texts{to_text(values)...};
            std::array<std::string_view, sizeof...(Values)> views;
            for (std::size_t i = 0; i < views.size(); ++i) views[i] = texts[i];
            return reverse(name, std::span<const std::string_view>(views));
        }
    }

    /// How many routes there are.
    [[nodiscard]] std::size_t size() const noexcept;

    /// The pattern of a route as it was given, for logs. `route` is an index that add() returned.
    [[nodiscard]] std::string_view pattern(std::size_t route) const;

private:
    struct Impl;

    std::optional<std::size_t> match_variable(std::string_view path, RouteMatch& out) const;

    template <class Value>
    static std::string to_text(const Value& value) {
        if constexpr (std::convertible_to<const Value&, std::string_view>) {
            return std::string(std::string_view(value));
        } else {
            static_assert(!std::same_as<Value, bool> && !std::same_as<Value, char>, "pass a string or a number");
            return std::to_string(value);
        }
    }

    std::unique_ptr<Impl> impl_;
};

}  // namespace caropig::web
