#pragma once

#include <string_view>

/// \file
/// A check for mistakes in a program, ours or the user's: it ends the process and says where.
/// Never use it on anything that a peer controls: those are errors (error.h), not mistakes.
namespace caropig::detail {

[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message) noexcept;

}  // namespace caropig::detail

/// Ends the process with file, line, condition and message when `condition` is false; in every build type.
#define CAROPIG_CHECK(condition, message) \
    ((condition) ? static_cast<void>(0) : ::caropig::detail::check_failed(__FILE__, __LINE__, #condition, (message)))
