#include "client/resilience.h"

#include "client/hedge.h"
#include <caropig/base/log.h>
#include <caropig/loop/timer.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace caropig::client {
namespace {

[[noreturn]] void fail_open(const std::string& origin, int failures) {
    throw FetchError(FetchError::Kind::kBusy, FetchError::Phase::kQueue,
                     std::make_error_code(std::errc::resource_unavailable_try_again), origin,
                     fmt::format("the circuit breaker is open after {} failures in a row", failures));
}

}  // namespace

/// Keeps what is known of an origin while a request to it lasts, and longer where it matters.
class Resilience::Use {
public:
    Use(Resilience& resilience, const http::Url& url, TimePoint now) : origins_(resilience.origins_) {
        const std::string name = url.origin();
        at_ = origins_.find(name);
        if (at_ == origins_.end()) {
            if (origins_.size() >= kMostOrigins) resilience.forget_one();
            at_ = origins_.try_emplace(name, resilience.options_).first;
        }
        ++at_->second.users;
        at_->second.used = now;
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
        Known& known = at_->second;
        if (--known.users == 0 && known.breaker.at_rest() && known.budget.full()) origins_.erase(at_);
    }

    [[nodiscard]] const std::string& name() const noexcept { return at_->first; }
    [[nodiscard]] Known& known() const noexcept { return at_->second; }

private:
    Origins& origins_;
    Origins::iterator at_;
};

Resilience::Resilience(const ResilienceOptions& options)
    : options_(options), random_(options.seed() ? *options.seed() : std::random_device()()) {}

/// The origin that was used longest ago.
void Resilience::forget_one() {
    auto oldest = origins_.end();
    for (auto at = origins_.begin(); at != origins_.end(); ++at) {
        if (at->second.users != 0) continue;
        if (oldest == origins_.end() || at->second.used < oldest->second.used) oldest = at;
    }
    if (oldest != origins_.end()) origins_.erase(oldest);
}

void Resilience::take_outcome(const std::string& name, Known& known, CircuitBreaker::Permit& permit,
                              const Exchange& exchange, const FetchError* error, TimePoint now) const {
    if (error == nullptr && !is_failure(exchange.reader.status())) {
        if (permit.succeeded()) log::info(fmt::format("the circuit breaker of {} has closed", name));
        return;
    }
    if (error != nullptr && !is_failure(*error)) return;
    if (!permit.failed(now)) return;
    const std::chrono::duration<double> seconds = options_.breaker_open_for();
    const std::string last = error != nullptr ? error->what() : fmt::format("status {}", exchange.reader.status());
    log::warning(fmt::format("the circuit breaker of {} opens for {:g} s after {} failures in a row: {}", name,
                             seconds.count(), known.breaker.failures(), last));
}

/// How long to wait for the next try, which is paid for then; nothing where there is to be none.
std::optional<Duration> Resilience::delay_before_retry(Known& known, const Tries& tries, TimePoint now,
                                                       TimePoint deadline, std::optional<Duration> asked) {
    if (tries.retries == options_.retries() || known.breaker.state() == CircuitBreaker::State::kOpen) {
        return std::nullopt;
    }
    if (asked && *asked > options_.max_retry_after()) return std::nullopt;
    const Duration delay = std::max(backoff(options_, tries.retries, random_), asked.value_or(Duration()));
    if (deadline != TimePoint::max() && now + delay >= deadline) return std::nullopt;
    if (!known.budget.take()) return std::nullopt;
    return delay;
}

Task<void> Resilience::try_once(Pool& pool, Exchange& exchange, RetryBudget& budget) {
    const FetchRequest& request = exchange.request;
    const bool hedges = options_.hedge_after() > Duration::zero() && request.idempotent() && !request.producer();
    return hedges ? begin_hedged(pool, exchange, options_.hedge_after(), budget) : begin_exchange(pool, exchange);
}

Task<void> Resilience::begin(Pool& pool, Exchange& exchange) {
    Tries& tries = *exchange.tries;
    const Use use(*this, exchange.request.url(), pool.loop().now());
    Known& known = use.known();
    const std::string body = options_.retries() > 0 ? exchange.request.body() : std::string();
    tries.begun = false;
    known.budget.add();
    for (;;) {
        CircuitBreaker::Permit permit = known.breaker.try_at(pool.loop().now());
        if (!permit) fail_open(use.name(), known.breaker.failures());
        std::optional<FetchError> error;
        try {
            co_await try_once(pool, exchange, known.budget);
        } catch (const FetchError& caught) {
            error = caught;
        }
        const TimePoint now = pool.loop().now();
        const FetchError* failure = error ? &*error : nullptr;
        take_outcome(use.name(), known, permit, exchange, failure, now);
        std::optional<Duration> delay;
        if (may_retry(exchange, failure)) {
            std::optional<Duration> asked;
            if (!error) asked = retry_after(exchange.reader.headers(), pool.loop().unix_seconds());
            delay = delay_before_retry(known, tries, now, exchange.deadline, asked);
        }
        if (!delay && error) throw *std::move(error);
        if (!delay) break;
        if (exchange.lease && exchange.reader.complete()) end_exchange(exchange);
        exchange.lease.drop();
        co_await sleep_for(*delay);
        ++tries.retries;
        exchange.start_again();
        exchange.request.body(body);
    }
    tries.begun = true;
}

Task<Response> Resilience::fetch(Pool& pool, FetchRequest request) {
    Tries tries{*this, pool.loop().now()};
    const bool repeats = options_.retries() > 0 && request.idempotent() && request.repeatable();
    if (!repeats) co_return co_await fetch_through(pool, std::move(request), &tries);
    const TimePoint deadline = deadline_of(request, tries.started);
    for (;;) {
        std::optional<FetchError> error;
        try {
            co_return co_await fetch_through(pool, request, &tries);
        } catch (const FetchError& caught) {
            error = caught;
        }
        std::optional<Duration> delay;
        if (tries.begun && may_be_temporary(*error)) {  // what failed before has been tried again already
            const TimePoint now = pool.loop().now();
            const Use use(*this, request.url(), now);
            delay = delay_before_retry(use.known(), tries, now, deadline, std::nullopt);
        }
        if (!delay) throw *std::move(error);
        co_await sleep_for(*delay);
        ++tries.retries;
    }
}

Task<ResponseStream> Resilience::open(Pool& pool, FetchRequest request) {
    Tries tries{*this, pool.loop().now()};
    co_return co_await open_through(pool, std::move(request), &tries);
}

}  // namespace caropig::client
