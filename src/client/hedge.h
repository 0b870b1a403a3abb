#pragma once

#include "client/exchange.h"
#include "client/retry_policy.h"

namespace caropig::client {

/// As begin_exchange(), but sends the request a second time, on another connection, if no answer has begun after
/// `delay` and the budget, which outlives the task, has a token for it. The first answer wins; one that is_failure(),
/// or none, only once the other has failed too. `exchange` is then the winner's, and the loser's connection closed. For
/// requests that may be sent twice and whose body is no producer's. Throws FetchError, Cancelled.
Task<void> begin_hedged(Pool& pool, Exchange& exchange, Duration delay, RetryBudget& budget);

}  // namespace caropig::client
