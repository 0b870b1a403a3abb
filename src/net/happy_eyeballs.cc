#include "net/happy_eyeballs.h"

#include <caropig/async/event.h>
#include <caropig/async/scope.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

#include <algorithm>
#include <exception>

namespace caropig::net {
namespace {

/// What the attempts of one race share.
struct Race {
    explicit Race(ConnectAttempt attempt) : connect(std::move(attempt)), go_on(*this) {}

    struct GoOn : Timer {
        explicit GoOn(Race& race) noexcept
            : Timer([](Timer& self) noexcept { static_cast<GoOn&>(self).owner.changed.set(); }), owner(race) {}
        Race& owner;
    };

    ConnectAttempt connect;
    Event changed;  // an attempt has ended, or it is time for the next
    GoOn go_on;
    std::unique_ptr<Stream> winner;
    std::exception_ptr first_error;
    std::size_t running = 0;
};

Task<void> run_attempt(Race& race, Address address) {
    try {
        auto stream = co_await race.connect(address);
        if (race.winner == nullptr) race.winner = std::move(stream);
    } catch (const Cancelled&) {  // whoever cancelled knows
    } catch (...) {
        if (!race.first_error) race.first_error = std::current_exception();
        race.go_on.disarm();  // the next one need not wait any longer
    }
    --race.running;
    race.changed.set();
}

}  // namespace

std::vector<Address> interleave_families(const std::vector<Address>& addresses) {
    std::vector<Address> six;
    std::vector<Address> four;
    for (const Address& address : addresses) (address.is_v6() ? six : four).push_back(address);
    std::vector<Address> result;
    result.reserve(addresses.size());
    for (std::size_t i = 0; i < six.size() || i < four.size(); ++i) {
        if (i < six.size()) result.push_back(six[i]);
        if (i < four.size()) result.push_back(four[i]);
    }
    return result;
}

Task<std::unique_ptr<Stream>> race_to_connect(std::vector<Address> addresses, Duration delay, ConnectAttempt attempt) {
    CAROPIG_CHECK(!addresses.empty(), "a race needs an address");
    auto context = co_await current_context();
    Loop& loop = static_cast<Loop&>(*context.executor);
    Race race(std::move(attempt));
    auto body = [&race, &addresses, &loop, delay](Scope& scope) -> Task<void> {
        auto next = addresses.begin();
        while (race.winner == nullptr) {
            if (next != addresses.end() && !race.go_on.armed()) {
                ++race.running;
                race.go_on.arm(loop, loop.now() + delay);
                scope.spawn(run_attempt, std::ref(race), *next++);
                continue;  // it may have ended already
            }
            if (race.running == 0) break;
            race.changed.clear();
            co_await race.changed.wait();
        }
        scope.cancel();
    };
    co_await with_scope(body);
    if (race.winner == nullptr) std::rethrow_exception(race.first_error);
    co_return std::move(race.winner);
}

}  // namespace caropig::net
