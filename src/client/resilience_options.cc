#include "client/limits.h"
#include <caropig/client/resilience_options.h>

#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace caropig::client {
namespace {

constexpr int kMostRetries = 10;
constexpr int kMostTokens = 1000;
constexpr int kMostFailures = 1000;
constexpr int kMostProbes = 100;

int checked(int value, int least, int most, std::string_view name) {
    if (value < least || value > most) {
        throw std::invalid_argument(fmt::format("{}: it is not {} to {}", name, least, most));
    }
    return value;
}

}  // namespace

ResilienceOptions& ResilienceOptions::retries(int most) {
    retries_ = checked(most, 0, kMostRetries, "retries");
    return *this;
}

ResilienceOptions& ResilienceOptions::backoff(Duration first, Duration most) {
    check_limit(first, "backoff");
    check_limit(most, "backoff");
    if (first > most) throw std::invalid_argument("backoff: the first is longer than the longest");
    first_backoff_ = first;
    longest_backoff_ = most;
    return *this;
}

ResilienceOptions& ResilienceOptions::max_retry_after(Duration limit) {
    check_limit(limit, "max_retry_after");
    max_retry_after_ = limit;
    return *this;
}

ResilienceOptions& ResilienceOptions::budget(int burst, double per_request) {
    if (!(per_request >= 0 && per_request <= 1)) throw std::invalid_argument("budget: per_request is not 0 to 1");
    budget_burst_ = checked(burst, 1, kMostTokens, "budget");
    budget_per_request_ = per_request;
    return *this;
}

ResilienceOptions& ResilienceOptions::hedge_after(Duration delay) {
    check_limit(delay, "hedge_after");
    hedge_after_ = delay;
    return *this;
}

ResilienceOptions& ResilienceOptions::breaker_failures(int in_a_row) {
    breaker_failures_ = checked(in_a_row, 0, kMostFailures, "breaker_failures");
    return *this;
}

ResilienceOptions& ResilienceOptions::breaker_open_for(Duration length) {
    check_limit(length, "breaker_open_for");
    breaker_open_for_ = length;
    return *this;
}

ResilienceOptions& ResilienceOptions::breaker_probes(int count) {
    breaker_probes_ = checked(count, 1, kMostProbes, "breaker_probes");
    return *this;
}

}  // namespace caropig::client
