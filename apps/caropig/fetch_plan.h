#pragma once

#include "caropig/fetch_arguments.h"
#include <caropig/async/task.h>
#include <caropig/client/client_options.h>
#include <caropig/client/fetch_request.h>

namespace caropig {
class ThreadPool;
}

/// \file
/// From the command line to a request and a client.
namespace fetch_command {

/// Throws Failure, and std::invalid_argument for what the client refuses.
[[nodiscard]] caropig::client::ClientOptions client_options(const Arguments& arguments);

/// Reads or opens the files that the body is made of. `arguments` and `threads` must outlive the request. Throws as
/// client_options().
caropig::Task<caropig::client::FetchRequest> make_request(const Arguments& arguments, caropig::ThreadPool& threads);

}  // namespace fetch_command
