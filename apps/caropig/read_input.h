#pragma once

#include <caropig/async/task.h>
#include <caropig/client/request_body.h>

#include <string>

namespace caropig {
class ThreadPool;
}

/// \file
/// What the command sends that is not on its command line.
namespace fetch_command {

/// All of a file, or of stdin where `path` is "-". Throws Failure.
[[nodiscard]] std::string read_whole(const std::string& path);

/// Sends stdin while it comes. It is read on a thread of `threads`, since it may block for as long as it wants. Throws
/// Failure, and what the body throws.
caropig::Task<void> send_stdin(caropig::client::RequestBody& body, caropig::ThreadPool& threads);

}  // namespace fetch_command
