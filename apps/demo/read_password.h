#pragma once

#include <optional>
#include <string>

namespace demo {

/// Asks for a password twice on the terminal, without showing what is typed. Where standard input is no terminal, its
/// first line is the password. Nothing when the two differ or the input ended; why stands on standard error.
std::optional<std::string> read_new_password(const std::string& user);

}  // namespace demo
