#pragma once

#include "client/exchange.h"

namespace caropig::client {

/// As begin_exchange(), but goes where redirects lead, answers a challenge for digest, and keeps the request's cookies:
/// what it ends with is the head of the answer that the fetch is to give. The deadline of the exchange spans all of it.
/// The body of an answer that is not given is not waited for: where it has not come with the head, the connection is
/// closed. Throws FetchError, Cancelled.
Task<void> begin_following(Pool& pool, Exchange& exchange);

}  // namespace caropig::client
