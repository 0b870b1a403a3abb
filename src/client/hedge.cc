#include "client/hedge.h"

#include <caropig/async/event.h>
#include <caropig/async/when_any.h>
#include <caropig/loop/timer.h>

#include <optional>
#include <utility>

namespace caropig::client {
namespace {

struct Race {
    Pool& pool;
    RetryBudget& budget;
    Duration delay;
    int running = 1;
    Event never{};  // who has failed waits for it until the other's end cancels the wait
};

struct Runner {
    Exchange& exchange;
    std::optional<FetchError> error{};
    bool has_ended = false;
};

/// Ends with an answer, or as the last to fail.
Task<void> run(Race& race, Runner& runner) {
    try {
        co_await begin_exchange(race.pool, runner.exchange);
    } catch (const FetchError& error) {
        runner.error = error;
    }
    runner.has_ended = true;
    if (runner.error) runner.exchange.lease.drop();
    const bool wins = !runner.error && !is_failure(runner.exchange.reader.status());
    if (--race.running == 0 || wins) co_return;
    co_await race.never.wait();
}

Task<void> run_later(Race& race, Runner& runner) {
    co_await sleep_for(race.delay);
    if (!race.budget.take()) co_await race.never.wait();
    ++race.running;
    co_await run(race, runner);
}

}  // namespace

Task<void> begin_hedged(Pool& pool, Exchange& exchange, Duration delay, RetryBudget& budget) {
    Exchange again(exchange.request, pool.loop().now(), exchange.tries);
    Race race{pool, budget, delay};
    Runner runners[] = {{exchange}, {again}};
    Task<void> first = run(race, runners[0]);
    Task<void> second = run_later(race, runners[1]);
    const auto ended = co_await when_any(std::move(first), std::move(second));

    std::size_t given = ended.index;
    const Runner& other = runners[1 - given];
    if (runners[given].error && other.has_ended && !other.error) given = 1 - given;  // an answer, if not a good one
    if (given == 1) exchange = std::move(again);
    if (runners[given].error) throw *std::move(runners[given].error);
}

}  // namespace caropig::client
