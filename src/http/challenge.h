#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caropig::http {

/// One way to authenticate that a server offers (RFC 9110 11.3).
struct Challenge {
    std::string scheme;                                           ///< "digest", in lower case
    std::string token68;                                          ///< empty where there are parameters instead
    std::vector<std::pair<std::string, std::string>> parameters;  ///< names in lower case; values without their quotes

    /// The first parameter of that name (in lower case), or null.
    [[nodiscard]] const std::string* find(std::string_view name) const noexcept;
};

/// Splits a WWW-Authenticate or Proxy-Authenticate field, in linear time. Several challenges share one field with
/// nothing but commas between them (RFC 9110 11.6.1), so what follows a place that makes no sense can't be told apart:
/// the challenges before it count, the rest is dropped.
std::vector<Challenge> parse_challenges(std::string_view field);

}  // namespace caropig::http
