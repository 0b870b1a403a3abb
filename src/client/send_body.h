#pragma once

#include "client/exchange.h"

namespace caropig::client {

/// Sends what lies in the connection, until it is sent, sending has failed, or the answer's head has come before
/// (Exchange::unsent). Throws FetchError where a deadline passes or the answer makes no sense, and Cancelled.
Task<void> send_out(const Pool& pool, Exchange& exchange);

/// Waits for 100 (Continue), a final answer, or the time that the request gives it.
Task<void> await_continue(const Pool& pool, Exchange& exchange);

/// Sends the body that the request's producer makes; as send_out().
Task<void> send_produced(const Pool& pool, Exchange& exchange);

/// A wait ended because of a deadline: throws a FetchError that says which.
[[noreturn]] void fail_late(const Exchange& exchange, TimePoint now, std::string_view name, Duration limit);

}  // namespace caropig::client
