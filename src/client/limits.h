#pragma once

#include <caropig/loop/clock.h>

#include <string_view>

namespace caropig::client {

/// Throws std::invalid_argument, which begins with `name`, for a deadline that is negative or longer than a year.
void check_limit(Duration limit, std::string_view name);

}  // namespace caropig::client
