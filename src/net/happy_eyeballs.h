#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/clock.h>
#include <caropig/net/address.h>
#include <caropig/net/stream.h>

#include <functional>
#include <memory>
#include <vector>

namespace caropig::net {

/// Orders addresses for the race: IPv6 first, the families in turn, otherwise as they came (RFC 8305, section 4).
std::vector<Address> interleave_families(const std::vector<Address>& addresses);

/// Connects to one address, or throws.
using ConnectAttempt = std::function<Task<std::unique_ptr<Stream>>(Address address)>;

/// Races `attempt` over the addresses (RFC 8305, section 5): the next one is started `delay` after the one before, or
/// at once when one fails. The first to succeed wins; the others are cancelled, and have ended when this ends. Throws
/// the error of the first that failed when all have, or Cancelled.
Task<std::unique_ptr<Stream>> race_to_connect(std::vector<Address> addresses, Duration delay, ConnectAttempt attempt);

}  // namespace caropig::net
