#pragma once

#include <string>
#include <string_view>

namespace caropig::web {

/// An argument's value as Tornado's get_argument gives it: control characters made spaces, whitespace (Unicode's)
/// stripped at both ends. `value` is UTF-8.
std::string clean_argument(std::string_view value);

}  // namespace caropig::web
