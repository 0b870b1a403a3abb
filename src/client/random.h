#pragma once

#include <cstddef>
#include <string>

namespace caropig::client {

/// So many bytes that nobody can guess, as hexadecimal digits.
std::string random_hex(std::size_t bytes);

}  // namespace caropig::client
