#pragma once

#include <caropig/client/options.h>
#include <caropig/client/pool_options.h>
#include <caropig/client/resilience_options.h>

/// \file
/// What an HttpClient is made of.
namespace caropig::client {

/// Options of an HttpClient: how it connects, what it keeps, and what it does about servers that fail.
struct ClientOptions {
    ConnectionOptions connection;
    PoolOptions pool;
    ResilienceOptions resilience;
};

}  // namespace caropig::client
