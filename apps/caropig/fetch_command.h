#pragma once

#include "caropig/fetch_arguments.h"

/// \file
/// `caropig fetch`: asks for a URL, and writes the answer to stdout or a file while it comes.
namespace fetch_command {

/// The exit code.
int run(const Arguments& arguments);

}  // namespace fetch_command
