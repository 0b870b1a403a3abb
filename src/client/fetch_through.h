#pragma once

#include "client/exchange.h"
#include <caropig/async/task.h>
#include <caropig/loop/loop.h>

#include <functional>
#include <memory>

namespace caropig::client {

/// Makes the connection for an exchange, and says in it when it goes on from resolving to connecting. Both outlive the
/// task. It throws IoError.
using Connect = std::function<Task<std::unique_ptr<net::Stream>>(Loop& loop, Exchange& exchange)>;

/// A whole fetch over the connection that `connect` makes, within the request's deadlines. Throws FetchError.
Task<Response> fetch_through(Connect connect, Exchange exchange);

}  // namespace caropig::client
