#pragma once

#include <caropig/client/options.h>
#include <caropig/client/pool_options.h>

/// \file
/// What an HttpClient is made of.
namespace caropig::client {

/// Options of an HttpClient: how it connects, and what it keeps.
struct ClientOptions {
    ConnectionOptions connection;
    PoolOptions pool;
};

}  // namespace caropig::client
