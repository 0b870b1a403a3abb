#pragma once

#include <expected>

/// \file
/// Results of parsers and other functions whose failure is an expected outcome: no peer byte makes them throw.
namespace caropig {

template <class T, class E>
using Result = std::expected<T, E>;

}  // namespace caropig
