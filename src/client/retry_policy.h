#pragma once

#include "client/exchange.h"
#include <caropig/client/resilience_options.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

namespace caropig::client {

/// Bounds how much more than its load a server sees through requests that are sent again.
class RetryBudget {
public:
    explicit RetryBudget(const ResilienceOptions& options) noexcept
        : most_(options.budget_burst()), per_request_(options.budget_per_request()), tokens_(most_) {}

    /// A request is about to be sent for the first time.
    void add() noexcept { tokens_ = std::min(most_, tokens_ + per_request_); }
    /// It is to be sent again. False: not now.
    [[nodiscard]] bool take() noexcept {
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }
    [[nodiscard]] bool full() const noexcept { return tokens_ == most_; }

private:
    double most_;
    double per_request_;
    double tokens_;
};

/// 502, 503 and 504: not what was asked for is wrong, but who was to answer it.
[[nodiscard]] bool is_failure(int status) noexcept;

/// Whether the server, or the way to it, is to blame; false where a limit of this client was.
[[nodiscard]] bool is_failure(const FetchError& error) noexcept;

/// Whether it is a failure that another try may not meet.
[[nodiscard]] bool may_be_temporary(const FetchError& error) noexcept;

/// Whether the request of an exchange that ended with `error`, or else with the answer that it has, may go out again
/// without harm and with a chance.
[[nodiscard]] bool may_retry(const Exchange& exchange, const FetchError* error) noexcept;

/// How long Retry-After asks to wait (RFC 9110 10.2.3); nothing where there is none, or none that makes sense.
[[nodiscard]] std::optional<Duration> retry_after(const http::Headers& fields, std::int64_t unix_seconds) noexcept;

/// The wait before the retry that comes after `made` others.
[[nodiscard]] Duration backoff(const ResilienceOptions& options, int made, std::minstd_rand& random);

}  // namespace caropig::client
