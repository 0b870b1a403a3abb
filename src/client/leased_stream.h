#pragma once

#include "client/pool.h"
#include "net/prefixed_stream.h"

#include <utility>

namespace caropig::client {

/// A connection of the pool that has been switched to another protocol. It keeps its place among those of its origin
/// until it is destroyed, which closes it.
class LeasedStream final : public net::PrefixedStream {
public:
    explicit LeasedStream(Pool::Lease lease) noexcept
        : PrefixedStream(lease.connection().stream()), lease_(std::move(lease)) {}

private:
    Pool::Lease lease_;
};

}  // namespace caropig::client
