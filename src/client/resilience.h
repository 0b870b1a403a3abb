#pragma once

#include "client/circuit_breaker.h"
#include "client/exchange.h"
#include "client/retry_policy.h"
#include <caropig/client/resilience_options.h>

#include <functional>
#include <map>
#include <random>
#include <string>

namespace caropig::client {

class Resilience;

/// What all the tries of one fetch share.
struct Tries {
    Resilience& resilience;
    TimePoint started;
    int retries = 0;     ///< made
    bool begun = false;  ///< the head of an answer has come since the last one
};

/// Stands before fetch_through() and begin_exchange() where any of ResilienceOptions is on: asks the origin's circuit
/// breaker, hedges, and sends again what has failed. Each request of a fetch, redirects too, has its own origin; what
/// fails after the head of its answer is fetched again as a whole. On one loop.
class Resilience {
public:
    explicit Resilience(const ResilienceOptions& options);
    Resilience(const Resilience&) = delete;
    Resilience& operator=(const Resilience&) = delete;
    ~Resilience() = default;

    /// As fetch_through() and open_through().
    Task<Response> fetch(Pool& pool, FetchRequest request);
    Task<ResponseStream> open(Pool& pool, FetchRequest request);

    /// As begin_exchange(), as often as it takes; the exchange has tries. Throws FetchError, Cancelled.
    Task<void> begin(Pool& pool, Exchange& exchange);

    /// Origins about which there is something to remember.
    [[nodiscard]] std::size_t origins() const noexcept { return origins_.size(); }

    static constexpr std::size_t kMostOrigins = 1024;

private:
    /// What is known of an origin.
    struct Known {
        explicit Known(const ResilienceOptions& options) noexcept : budget(options), breaker(options) {}
        RetryBudget budget;
        CircuitBreaker breaker;
        std::size_t users = 0;
        TimePoint used{};
    };
    using Origins = std::map<std::string, Known, std::less<>>;
    class Use;

    void forget_one();
    void take_outcome(const std::string& name, Known& known, CircuitBreaker::Permit& permit, const Exchange& exchange,
                      const FetchError* error, TimePoint now) const;
    Task<void> try_once(Pool& pool, Exchange& exchange, RetryBudget& budget);
    std::optional<Duration> delay_before_retry(Known& known, const Tries& tries, TimePoint now, TimePoint deadline,
                                               std::optional<Duration> asked);

    ResilienceOptions options_;
    Origins origins_;
    std::minstd_rand random_;
};

}  // namespace caropig::client
