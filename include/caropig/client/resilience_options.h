#pragma once

#include <caropig/loop/clock.h>

#include <chrono>
#include <cstdint>
#include <optional>

/// \file
/// What a client does about servers that fail, or are slow now and then. Each answer to that can make things worse
/// where it is not wanted (a retry is load for a server that has too much), so all are off unless set.
///
/// How many fetches an origin sees at once is PoolOptions::max_connections_per_origin().
namespace caropig::client {

/// Retries, hedged requests and circuit breakers of one HttpClient. Set what differs from the defaults, by name.
/// Setters refuse what makes no sense with std::invalid_argument, in one line. total_timeout() of the request spans it
/// all.
class ResilienceOptions {
public:
    // --- Retries ---------------------------------------------------------------------------------------------------

    /// How often a request is sent again after it has failed, 0 to 10; 0, the default, is never. It is, while no byte
    /// of an answer has been given to the caller:
    /// - where nothing of it was taken: the name was not resolved, no connection, no handshake (unless the certificate
    ///   is what was refused);
    /// - where it is idempotent() and the connection broke or a deadline other than the total one passed;
    /// - where it is idempotent() and the answer is 502, 503 or 504. The last answer is given as it is.
    /// Never after a producer has begun, unless the request is repeatable().
    ResilienceOptions& retries(int most);
    [[nodiscard]] int retries() const noexcept { return retries_; }

    /// Waits before the first retry, twice that before the second and so on up to `most`; each wait is shortened at
    /// random by up to a half, so that those who failed together don't come back together. 100 ms and 5 s. Where the
    /// answer has Retry-After (RFC 9110 10.2.3), at least until then. A wait that would end after the request's
    /// deadline is not begun: what has failed is what the fetch ends with.
    ResilienceOptions& backoff(Duration first, Duration most);
    [[nodiscard]] Duration first_backoff() const noexcept { return first_backoff_; }
    [[nodiscard]] Duration longest_backoff() const noexcept { return longest_backoff_; }

    /// The longest Retry-After that is waited for; an answer that asks for more is given at once. 20 s, as long as a
    /// fetch may take.
    ResilienceOptions& max_retry_after(Duration limit);
    [[nodiscard]] Duration max_retry_after() const noexcept { return max_retry_after_; }

    /// Each origin has a bucket of `burst` tokens, full at first. A retry or a hedge takes one, and is not made where
    /// there is none; each request puts `per_request` of one in. So a server that is down sees no more than that much
    /// more than its load. 1 to 1000 and 0 to 1; 10 and 0.1: a tenth more.
    ResilienceOptions& budget(int burst, double per_request);
    [[nodiscard]] int budget_burst() const noexcept { return budget_burst_; }
    [[nodiscard]] double budget_per_request() const noexcept { return budget_per_request_; }

    // --- Hedged requests -------------------------------------------------------------------------------------------

    /// Sends an idempotent() request without producer a second time, on another connection, when no answer has begun
    /// after `delay`. The first answer wins (502, 503 and 504 only where both fail); the other request is cancelled and
    /// its connection closed. Zero, the default, is never. About the 95th percentile of the server's answers costs a
    /// twentieth more load and cuts the tail off.
    ResilienceOptions& hedge_after(Duration delay);
    [[nodiscard]] Duration hedge_after() const noexcept { return hedge_after_; }

    // --- Circuit breaker -------------------------------------------------------------------------------------------

    /// After so many failures in a row, 1 to 1000, the origin's breaker opens: fetches fail at once with
    /// FetchError::Kind::kBusy in Phase::kQueue, and leave the server alone. 0, the default: never. Failures are what
    /// has no answer (what this client's own limits end is neither) and 502, 503 and 504. Retries count each.
    ResilienceOptions& breaker_failures(int in_a_row);
    [[nodiscard]] int breaker_failures() const noexcept { return breaker_failures_; }

    /// How long it stays open. 10 s: a restart takes that long. Afterwards it is half open: so many probes may go on.
    ResilienceOptions& breaker_open_for(Duration length);
    [[nodiscard]] Duration breaker_open_for() const noexcept { return breaker_open_for_; }

    /// How many fetches a half-open breaker lets through; the others are refused. When all of them succeed it closes,
    /// when one fails it opens again. 1 to 100; 1.
    ResilienceOptions& breaker_probes(int count);
    [[nodiscard]] int breaker_probes() const noexcept { return breaker_probes_; }

    /// Where the random part of the waits begins: for tests. Unpredictable unless set.
    ResilienceOptions& seed(std::uint32_t value) noexcept {
        seed_ = value;
        return *this;
    }
    [[nodiscard]] std::optional<std::uint32_t> seed() const noexcept { return seed_; }

    /// Whether anything is on.
    [[nodiscard]] bool enabled() const noexcept {
        return retries_ > 0 || hedge_after_ > Duration::zero() || breaker_failures_ > 0;
    }

private:
    int retries_ = 0;
    int budget_burst_ = 10;
    double budget_per_request_ = 0.1;
    int breaker_failures_ = 0;
    int breaker_probes_ = 1;
    Duration first_backoff_ = std::chrono::milliseconds(100);
    Duration longest_backoff_ = std::chrono::seconds(5);
    Duration max_retry_after_ = std::chrono::seconds(20);
    Duration hedge_after_{};
    Duration breaker_open_for_ = std::chrono::seconds(10);
    std::optional<std::uint32_t> seed_;
};

}  // namespace caropig::client
