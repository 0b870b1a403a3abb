#pragma once

#include <caropig/base/result.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

/// \file
/// Patterns in Tornado's manner: a regular expression for the whole path, its groups being the parameters. RE2 runs
/// them, because it takes linear time: with a backtracking engine some expressions are a denial of service.
namespace caropig::web::detail {

class RouteRegex {
public:
    /// Compiles `pattern`. The error says what is wrong with it.
    [[nodiscard]] static Result<std::unique_ptr<RouteRegex>, std::string> compile(std::string_view pattern);
    ~RouteRegex();

    /// The groups' names, empty ones if they are positional.
    [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }

    /// Whether all of `path` matches; then the groups, still encoded, are in `values`, which has room for them. A
    /// group without a part in the match has no data().
    [[nodiscard]] bool match(std::string_view path, std::span<std::string_view> values) const;

    /// The path whose groups decode to `values`, as many as there are groups. The error says why there is none.
    [[nodiscard]] Result<std::string, std::string> reverse(std::span<const std::string_view> values) const;

private:
    RouteRegex(std::unique_ptr<const re2::RE2> regex, std::string prefix, std::vector<std::string> names,
               std::optional<std::vector<std::string>> pieces);

    [[nodiscard]] std::string fill(std::span<const std::string_view> values, bool keep_slashes) const;
    [[nodiscard]] bool gives_back(std::string_view path, std::span<const std::string_view> values) const;

    std::unique_ptr<const re2::RE2> regex_;
    std::string prefix_;  // what every match begins with: cheaper to compare than to run the expression
    std::vector<std::string> names_;
    std::optional<std::vector<std::string>> pieces_;  // the text around the groups, if that is all there is
};

}  // namespace caropig::web::detail
