#include "web/router_regex.h"

#include "web/router_escape.h"
#include <caropig/web/router.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <re2/re2.h>

namespace caropig::web::detail {
namespace {

constexpr int kLongestPrefix = 128;

/// What all matches begin with. Every match lies between two strings, so it begins with what both begin with.
std::string common_prefix(const re2::RE2& regex) {
    std::string least;
    std::string greatest;
    if (!regex.PossibleMatchRange(&least, &greatest, kLongestPrefix)) return {};
    const auto [end, ignored] = std::mismatch(least.begin(), least.end(), greatest.begin(), greatest.end());
    return {least.begin(), end};
}

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Where the group that opens at `open` closes; npos when it does more than capture, or has a group inside.
std::size_t end_of_group(std::string_view pattern, std::size_t open) noexcept {
    if (pattern.substr(open).starts_with("(?") && !pattern.substr(open).starts_with("(?P<")) {
        return std::string_view::npos;
    }
    bool in_class = false;
    for (std::size_t i = open + 1; i < pattern.size(); ++i) {
        switch (pattern[i]) {
            case '\\':
                ++i;
                break;
            case '[':
                in_class = true;
                break;
            case ']':
                in_class = false;
                break;
            case '(':
                if (!in_class) return std::string_view::npos;
                break;
            case ')':
                if (!in_class) return i;
                break;
            default:
                break;
        }
    }
    return std::string_view::npos;
}

/// The literal text before, between and after the groups, or nothing when there is more than literal text.
std::optional<std::vector<std::string>> literal_pieces(std::string_view pattern) {
    std::vector<std::string> pieces(1);
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char c = pattern[i];
        if ((c == '^' && i == 0) || (c == '$' && i + 1 == pattern.size())) continue;
        if (c == '(') {
            i = end_of_group(pattern, i);
            if (i == std::string_view::npos) return std::nullopt;
            pieces.emplace_back();
        } else if (c == '\\') {
            if (++i == pattern.size() || is_alphanumeric(pattern[i])) return std::nullopt;
            pieces.back() += pattern[i];
        } else if (std::string_view("[*+?|{^$)").find(c) != std::string_view::npos) {
            return std::nullopt;
        } else {
            pieces.back() += c;  // a dot too: "/robots.txt" means itself, and the result is checked anyway
        }
    }
    return pieces;
}

std::string decoded(std::string_view text) {
    std::string out(text.size(), '\0');
    out.resize(percent_decode(text, out.data()));
    return out;
}

}  // namespace

Result<std::unique_ptr<RouteRegex>, std::string> RouteRegex::compile(std::string_view pattern) {
    re2::RE2::Options options;
    options.set_encoding(re2::RE2::Options::EncodingLatin1);  // bytes: a peer's path need not be UTF-8
    options.set_log_errors(false);
    auto regex = std::make_unique<const re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
    if (!regex->ok()) return std::unexpected("not a regular expression: " + regex->error());

    const auto groups = static_cast<std::size_t>(regex->NumberOfCapturingGroups());
    const std::map<int, std::string>& named = regex->CapturingGroupNames();
    if (!named.empty() && named.size() != groups) {
        return std::unexpected(std::string("its groups must be all named or all positional"));
    }
    std::vector<std::string> names(groups);
    for (const auto& [group, name] : named) names[static_cast<std::size_t>(group) - 1] = name;

    std::string prefix = common_prefix(*regex);
    return std::unique_ptr<RouteRegex>(
        new RouteRegex(std::move(regex), std::move(prefix), std::move(names), literal_pieces(pattern)));
}

RouteRegex::RouteRegex(std::unique_ptr<const re2::RE2> regex, std::string prefix, std::vector<std::string> names,
                       std::optional<std::vector<std::string>> pieces)
    : regex_(std::move(regex)), prefix_(std::move(prefix)), names_(std::move(names)), pieces_(std::move(pieces)) {}

RouteRegex::~RouteRegex() = default;

bool RouteRegex::match(std::string_view path, std::span<std::string_view> values) const {
    if (!path.starts_with(prefix_)) return false;
    std::array<re2::StringPiece, RouteMatch::kMaxParameters + 1> groups;  // the first is the whole path
    const int wanted = names_.empty() ? 0 : static_cast<int>(names_.size()) + 1;
    const re2::StringPiece text(path.data(), path.size());
    if (!regex_->Match(text, 0, path.size(), re2::RE2::ANCHOR_BOTH, groups.data(), wanted)) return false;
    for (std::size_t i = 0; i < names_.size(); ++i) {
        values[i] = std::string_view(groups[i + 1].data(), groups[i + 1].size());
    }
    return true;
}

Result<std::string, std::string> RouteRegex::reverse(std::span<const std::string_view> values) const {
    if (!pieces_) return std::unexpected(std::string("the expression is more than literal text and simple groups"));
    for (const bool keep_slashes : {true, false}) {
        std::string path = fill(values, keep_slashes);
        if (gives_back(path, values)) return path;
    }
    return std::unexpected("its expression does not match " + fill(values, true) + " with these values");
}

std::string RouteRegex::fill(std::span<const std::string_view> values, bool keep_slashes) const {
    std::string path = pieces_->front();
    for (std::size_t i = 0; i < values.size(); ++i) {
        append_encoded(path, values[i], keep_slashes);
        path += (*pieces_)[i + 1];
    }
    return path;
}

bool RouteRegex::gives_back(std::string_view path, std::span<const std::string_view> values) const {
    std::array<std::string_view, RouteMatch::kMaxParameters> found;
    return match(path, found) && std::equal(values.begin(), values.end(), found.begin(),
                                            [](std::string_view value, std::string_view encoded) {
                                                return encoded.data() != nullptr && decoded(encoded) == value;
                                            });
}

}  // namespace caropig::web::detail
