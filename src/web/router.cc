#include "web/router_escape.h"
#include "web/router_literal.h"
#include "web/router_pattern.h"
#include "web/router_regex.h"
#include "web/router_trie.h"
#include <caropig/base/check.h>
#include <caropig/base/result.h>
#include <caropig/http/url.h>
#include <caropig/web/router.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <vector>

namespace caropig::web {
namespace {

/// One route: made of segments, or an expression.
struct Route {
    std::string pattern;
    std::string name;
    std::vector<std::string> parameter_names;
    std::vector<detail::Segment> segments;
    std::unique_ptr<detail::RouteRegex> regex;
};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

[[noreturn]] void fail(std::string_view pattern, std::string_view name, std::string_view reason) {
    std::string message = "route " + quoted(pattern);
    if (!name.empty()) message += " (name " + quoted(name) + ')';
    throw RouteError(message + ": " + std::string(reason));
}

bool looks_like_regex(std::string_view text) noexcept {
    return text.find_first_of("([\\*+?|^$") != std::string_view::npos;
}

/// Whether there is a "{name": never part of an expression's {2,3}, but perhaps of its \p{Greek}.
bool looks_like_braces(std::string_view text) noexcept {
    for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
        const char next = at + 1 < text.size() ? text[at + 1] : '\0';
        if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_') return true;
    }
    return false;
}

Result<Pattern::Syntax, std::string> detect(std::string_view text) {
    if (!looks_like_regex(text)) return Pattern::Syntax::kBraces;
    if (!looks_like_braces(text)) return Pattern::Syntax::kRegex;
    return std::unexpected(
        std::string("mixes {parameters} with a regular expression; choose Pattern::braces or Pattern::regex"));
}

/// Reads `pattern` into what its syntax needs. The error says what is wrong with it.
Result<Route, std::string> compile(const Pattern& pattern) {
    Route route{.pattern = pattern.text(), .name = {}, .parameter_names = {}, .segments = {}, .regex = nullptr};
    Pattern::Syntax syntax = pattern.syntax();
    if (syntax == Pattern::Syntax::kDetect) {
        const Result<Pattern::Syntax, std::string> detected = detect(pattern.text());
        if (!detected) return std::unexpected(detected.error());
        syntax = *detected;
    }
    if (syntax == Pattern::Syntax::kRegex) {
        Result<std::unique_ptr<detail::RouteRegex>, std::string> regex = detail::RouteRegex::compile(pattern.text());
        if (!regex) return std::unexpected(std::move(regex).error());
        route.regex = *std::move(regex);
        route.parameter_names = route.regex->names();
    } else {
        Result<std::vector<detail::Segment>, std::string> segments = syntax == Pattern::Syntax::kLiteral
                                                                         ? detail::parse_literal(pattern.text())
                                                                         : detail::parse_braces(pattern.text());
        if (!segments) return std::unexpected(std::move(segments).error());
        route.segments = *std::move(segments);
        for (const detail::Segment& segment : route.segments) {
            if (segment.type != detail::ParameterType::kNone) route.parameter_names.push_back(segment.name);
        }
    }
    return route;
}

/// Says what is wrong with the parameters' number and names; nothing if they are good.
std::optional<std::string> check_parameters(std::span<const std::string> names) {
    if (names.size() > RouteMatch::kMaxParameters) {
        return "more than " + std::to_string(RouteMatch::kMaxParameters) + " parameters";
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!names[i].empty() && std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
                                     names.begin() + static_cast<std::ptrdiff_t>(i)) {
            return "two parameters are called " + quoted(names[i]);
        }
    }
    return std::nullopt;
}

Result<std::string, std::string> fill(std::span<const detail::Segment> segments,
                                      std::span<const std::string_view> values) {
    std::string path;
    std::size_t used = 0;
    for (const detail::Segment& segment : segments) {
        path += '/';
        path += segment.prefix;
        if (segment.type == detail::ParameterType::kNone) continue;
        const std::string_view value = values[used++];
        if (!detail::fits(segment.type, value)) {
            return std::unexpected(quoted(value) + " does not fit the parameter " + quoted(segment.name));
        }
        detail::append_encoded(path, value, segment.type == detail::ParameterType::kPath);
        path += segment.suffix;
    }
    return path;
}

/// Decodes the values in place. `buffer` gets what differs from the path. False when a value is not UTF-8.
bool decode(std::span<RouteParameter> parameters, std::string& buffer) {
    std::size_t room = 0;
    for (const RouteParameter& parameter : parameters) {
        if (detail::needs_decoding(parameter.value)) room += parameter.value.size();
    }
    if (room == 0) return true;
    if (buffer.size() < room) buffer.resize(room);
    char* next = buffer.data();
    for (RouteParameter& parameter : parameters) {
        if (!detail::needs_decoding(parameter.value)) continue;
        const std::size_t size = detail::percent_decode(parameter.value, next);
        parameter.value = {next, size};
        if (!http::is_utf8(parameter.value)) return false;
        next += size;
    }
    return true;
}

}  // namespace

struct RouteTable::Impl {
    struct Expression {
        std::uint32_t route;
        const detail::RouteRegex* regex;
    };

    std::vector<Route> routes;
    std::map<std::string, std::size_t, std::less<>> by_name;
    detail::LiteralPaths literals;  // those that no earlier route matches
    detail::SegmentTrie trie;
    std::vector<Expression> expressions;  // in the order of adding

    /// The first route that matches, of those with parameters and the expressions; it leaves their values in `values`.
    std::uint32_t find_variable(std::string_view path, std::span<std::string_view> values) const {
        const std::uint32_t best = trie.find(path, values);
        for (const Expression& expression : expressions) {
            if (expression.route >= best) break;
            if (expression.regex->match(path, values)) return expression.route;
        }
        return best;
    }

    /// A path without parameters is kept only where it is reached: what was added before it may match it too.
    void add_literal(std::string_view path, std::uint32_t route) {
        std::array<std::string_view, RouteMatch::kMaxParameters> values;
        const bool taken = literals.find(path) != detail::SegmentTrie::kNoRoute ||
                           find_variable(path, values) != detail::SegmentTrie::kNoRoute;
        if (!taken) literals.insert(path, route);
    }
};

RouteTable::RouteTable() : impl_(std::make_unique<Impl>()) {}
RouteTable::RouteTable(RouteTable&& other) noexcept = default;
RouteTable& RouteTable::operator=(RouteTable&& other) noexcept = default;
RouteTable::~RouteTable() = default;

std::size_t RouteTable::add(const Pattern& pattern, std::string_view name) {
    Result<Route, std::string> route = compile(pattern);
    if (!route) fail(pattern.text(), name, route.error());
    if (const std::optional<std::string> wrong = check_parameters(route->parameter_names)) {
        fail(pattern.text(), name, *wrong);
    }
    if (const auto other = impl_->by_name.find(name); !name.empty() && other != impl_->by_name.end()) {
        fail(pattern.text(), name, "the name belongs to " + quoted(impl_->routes[other->second].pattern) + " already");
    }
    route->name = name;

    const std::size_t index = impl_->routes.size();
    const auto number = static_cast<std::uint32_t>(index);
    if (!name.empty()) impl_->by_name.emplace(name, index);
    impl_->routes.push_back(*std::move(route));
    const Route& added = impl_->routes.back();
    if (added.regex != nullptr) {
        impl_->expressions.push_back({.route = number, .regex = added.regex.get()});
    } else if (added.parameter_names.empty()) {
        impl_->add_literal(added.pattern, number);
    } else {
        impl_->trie.insert(added.segments, number);
    }
    return index;
}

std::optional<std::size_t> RouteTable::match(std::string_view path, RouteMatch& out) const {
    const std::uint32_t literal = impl_->literals.find(path);
    if (literal == detail::SegmentTrie::kNoRoute) return match_variable(path, out);
    out.size_ = 0;
    out.route_ = literal;
    out.status_ = RouteStatus::kMatched;
    return literal;
}

std::optional<std::size_t> RouteTable::match_variable(std::string_view path, RouteMatch& out) const {
    out.size_ = 0;
    out.status_ = RouteStatus::kNotFound;
    if (path.data() == nullptr) path = "";  // a value without data() is one that is not present

    auto& values = out.encoded_;
    const std::uint32_t best = impl_->find_variable(path, values);
    if (best == detail::SegmentTrie::kNoRoute) return std::nullopt;

    out.route_ = best;
    const std::vector<std::string>& names = impl_->routes[best].parameter_names;
    for (std::size_t i = 0; i < names.size(); ++i) out.parameters_[i] = {.name = names[i], .value = values[i]};
    if (!decode({out.parameters_.data(), names.size()}, out.decoded_)) {
        out.status_ = RouteStatus::kBadEncoding;
        return std::nullopt;
    }
    out.size_ = names.size();
    out.status_ = RouteStatus::kMatched;
    return best;
}

std::string RouteTable::reverse(std::string_view name, std::span<const std::string_view> values) const {
    const auto found = impl_->by_name.find(name);
    if (found == impl_->by_name.end()) throw RouteError("no route has the name " + quoted(name));
    const Route& route = impl_->routes[found->second];
    if (values.size() != route.parameter_names.size()) {
        fail(route.pattern, name,
             "takes " + std::to_string(route.parameter_names.size()) + " values, not " + std::to_string(values.size()));
    }
    for (const std::string_view value : values) {
        if (!http::is_utf8(value)) fail(route.pattern, name, "a value is not UTF-8");
    }
    Result<std::string, std::string> path =
        route.regex != nullptr ? route.regex->reverse(values) : fill(route.segments, values);
    if (!path) fail(route.pattern, name, "cannot be reversed: " + path.error());
    return *std::move(path);
}

std::size_t RouteTable::size() const noexcept { return impl_->routes.size(); }

std::string_view RouteTable::pattern(std::size_t route) const {
    CAROPIG_CHECK(route < impl_->routes.size(), "no such route");
    return impl_->routes[route].pattern;
}

std::optional<std::string_view> RouteMatch::find(std::string_view name) const noexcept {
    if (name.empty()) return std::nullopt;
    for (const RouteParameter& parameter : parameters()) {
        if (parameter.name == name && parameter.present()) return parameter.value;
    }
    return std::nullopt;
}

}  // namespace caropig::web
