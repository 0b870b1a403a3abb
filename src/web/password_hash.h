#pragma once

#include <cstddef>
#include <string>

namespace caropig::web {

/// A hash with these costs that no password has: verifying it takes as long as verifying a real one.
[[nodiscard]] std::string hash_of_nobody(unsigned operations, std::size_t memory_bytes);

}  // namespace caropig::web
