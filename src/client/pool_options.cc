#include "client/limits.h"
#include <caropig/client/pool_options.h>

#include <stdexcept>

namespace caropig::client {

PoolOptions& PoolOptions::max_connections_per_origin(std::size_t count) {
    if (count == 0) throw std::invalid_argument("max_connections_per_origin: it is 0");
    max_connections_per_origin_ = count;
    return *this;
}

PoolOptions& PoolOptions::max_connections(std::size_t count) {
    if (count == 0) throw std::invalid_argument("max_connections: it is 0");
    max_connections_ = count;
    return *this;
}

PoolOptions& PoolOptions::max_idle_per_origin(std::size_t count) noexcept {
    max_idle_per_origin_ = count;
    return *this;
}

PoolOptions& PoolOptions::max_waiting(std::size_t count) noexcept {
    max_waiting_ = count;
    return *this;
}

PoolOptions& PoolOptions::queue_timeout(Duration limit) {
    check_limit(limit, "queue_timeout");
    queue_timeout_ = limit;
    return *this;
}

PoolOptions& PoolOptions::idle_timeout(Duration limit) {
    check_limit(limit, "idle_timeout");
    idle_timeout_ = limit;
    return *this;
}

}  // namespace caropig::client
