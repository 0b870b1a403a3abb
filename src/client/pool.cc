#include "client/pool.h"

#include <caropig/loop/with_timeout.h>

#include <fmt/format.h>

namespace caropig::client {

/// A fetch that stands in line. What it was granted stays in `granted` until it has been taken.
class Pool::Turn : public detail::Waiter {
public:
    Turn(Pool& pool, Line& line) noexcept : pool_(pool), line_(line) { ++pool_.waiting_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        --pool_.waiting_;
        granted.drop();
        pool_.serve_hungry();  // it may have been the last of its line
    }

    bool await_ready() const noexcept { return false; }
    template <detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        return suspend(handle, &line_.waiting);
    }
    void await_resume() const { throw_if_cancelled(); }

    Lease granted;

private:
    Pool& pool_;
    Line& line_;
};

Pool::Pool(Loop& loop, PoolOptions options, Connect connect)
    : loop_(loop), options_(options), connect_(std::move(connect)) {}

Pool::~Pool() {
    CAROPIG_CHECK(open_ == idle_, "an HttpClient was destroyed before its fetches had ended");
    while (evict_idle()) {
    }
}

// ---- leases

void Pool::Lease::give_back() noexcept {
    if (connection_ == nullptr || connection_->has_unheard()) return drop();
    pool_->keep(*std::exchange(line_, nullptr), *std::exchange(connection_, nullptr));
}

void Pool::Lease::drop() noexcept {
    if (Connection* connection = std::exchange(connection_, nullptr)) connection->discard();
    if (Line* line = std::exchange(line_, nullptr)) pool_->release_slot(*line);
}

Pool::Lease Pool::take_idle(const http::Url& url) noexcept {
    const auto found = lines_.find(url);
    if (found == lines_.end()) return {};
    Connection* connection = pop_idle(found->second);
    if (connection == nullptr) return {};
    return {*this, found->second, connection, true};
}

Task<Pool::Lease> Pool::obtain(const Origin& origin, bool fresh, FetchError::Phase& phase) {
    Line& line = lines_[origin];
    if (!fresh) {
        if (Connection* connection = pop_idle(line)) co_return Lease(*this, line, connection, true);
    }
    if (line.waiting.empty() && reserve(line)) co_return Lease(*this, line, nullptr, false);
    phase = FetchError::Phase::kQueue;
    Lease lease = co_await wait_for_turn(line, origin);
    // A new one was asked for since those that are kept may be dead: the place is enough.
    if (lease && fresh) std::exchange(lease.connection_, nullptr)->discard();
    co_return std::move(lease);
}

Task<Pool::Lease> Pool::open_connection(Lease place, Origin origin, FetchError::Phase& phase) {
    Connected connected = co_await connect_(std::move(origin), phase);
    place.connection_ = new Connection(loop_, std::move(connected.stream));
    place.connection_->absolute_target = connected.absolute_target;
    place.connection_->proxy_authorization = std::move(connected.proxy_authorization);
    place.reused_ = false;
    co_return std::move(place);
}

// ---- standing in line

Task<Pool::Lease> Pool::stand_in_line(Line& line) {
    Turn turn(*this, line);
    co_await turn;
    co_return std::move(turn.granted);
}

Task<Pool::Lease> Pool::wait_for_turn(Line& line, const Origin& origin) {
    using Kind = FetchError::Kind;
    const FetchError::Phase phase = FetchError::Phase::kQueue;
    if (waiting_ >= options_.max_waiting()) {
        const std::size_t count = waiting_;
        const std::error_code code = std::make_error_code(std::errc::resource_unavailable_try_again);
        forget_if_unused(line);
        throw FetchError(Kind::kBusy, phase, code, origin.text(),
                         fmt::format("{} fetches wait for a connection already", count));
    }
    if (line.open < options_.max_connections_per_origin()) join_hungry(line);
    const Duration limit = options_.queue_timeout();
    try {
        if (limit == Duration::zero()) co_return co_await stand_in_line(line);
        co_return co_await with_timeout(limit, stand_in_line(line));
    } catch (const TimeoutError& error) {
        const std::chrono::duration<double> seconds = limit;
        throw FetchError(
            Kind::kTimeout, phase, error.code(), origin.text(),
            fmt::format("the queue_timeout of {:g} s passed while all connections were in use", seconds.count()));
    }
}

void Pool::grant(Line& line, Connection* connection) noexcept {
    Turn& turn = static_cast<Turn&>(*line.waiting.first());
    turn.granted = Lease(*this, line, connection, connection != nullptr);
    line.waiting.grant_one();
}

void Pool::join_hungry(Line& line) noexcept {
    if (std::exchange(line.hungry, true)) return;
    line.next_hungry = nullptr;
    (last_hungry_ == nullptr ? first_hungry_ : last_hungry_->next_hungry) = &line;
    last_hungry_ = &line;
}

/// Gives what is free to the origins that wait, one to each, until nothing is free or nobody waits.
void Pool::serve_hungry() noexcept {
    while (Line* line = first_hungry_) {
        const bool wants = !line->waiting.empty() && line->open < options_.max_connections_per_origin();
        if (wants && !reserve(*line)) return;
        first_hungry_ = line->next_hungry;
        if (first_hungry_ == nullptr) last_hungry_ = nullptr;
        line->hungry = false;
        if (wants) {
            grant(*line, nullptr);
            if (!line->waiting.empty() && line->open < options_.max_connections_per_origin()) join_hungry(*line);
        } else {
            forget_if_unused(*line);
        }
    }
}

void Pool::serve(Line& line) noexcept {
    while (!line.waiting.empty() && first_hungry_ == nullptr && reserve(line)) grant(line, nullptr);
    if (!line.waiting.empty() && line.open < options_.max_connections_per_origin()) join_hungry(line);
    serve_hungry();
}

// ---- connections

/// Counts one more connection of the line; makes room for it where something is idle.
bool Pool::reserve(Line& line) noexcept {
    if (line.open >= options_.max_connections_per_origin()) {
        if (line.oldest == nullptr) return false;
        Connection& oldest = *line.oldest;
        unlink_idle(oldest);
        oldest.discard();
        --line.open;
        --open_;
    }
    ++line.open;  // first, so that evicting does not forget it
    if (open_ >= options_.max_connections() && !evict_idle()) {
        --line.open;
        return false;
    }
    ++open_;
    return true;
}

bool Pool::evict_idle() noexcept {
    Connection* unused_longest = nullptr;
    for (const auto& [origin, line] : lines_) {
        if (line.oldest == nullptr) continue;
        if (unused_longest == nullptr || line.oldest->idle_until() < unused_longest->idle_until()) {
            unused_longest = line.oldest;
        }
    }
    if (unused_longest == nullptr) return false;
    Line& line = *static_cast<Line*>(unused_longest->origin);
    unlink_idle(*unused_longest);
    unused_longest->discard();
    --line.open;
    --open_;
    forget_if_unused(line);
    return true;
}

Connection* Pool::pop_idle(Line& line) noexcept {
    Connection* connection = line.newest;
    if (connection == nullptr) return nullptr;
    unlink_idle(*connection);
    connection->take();
    return connection;
}

void Pool::unlink_idle(Connection& connection) noexcept {
    Line& line = *static_cast<Line*>(connection.origin);
    (connection.newer == nullptr ? line.newest : connection.newer->older) = connection.older;
    (connection.older == nullptr ? line.oldest : connection.older->newer) = connection.newer;
    connection.newer = connection.older = nullptr;
    --line.idle;
    --idle_;
}

void Pool::keep(Line& line, Connection& connection) noexcept {
    if (first_hungry_ != nullptr) {  // the place is more than the connection: every origin has its turn
        connection.discard();
        return release_slot(line);
    }
    if (!line.waiting.empty()) return grant(line, &connection);
    if (options_.max_idle_per_origin() == 0) {
        connection.discard();
        return release_slot(line);
    }
    if (line.idle >= options_.max_idle_per_origin()) {
        Connection& oldest = *line.oldest;
        unlink_idle(oldest);
        oldest.discard();
        --line.open;
        --open_;
    }
    connection.origin = &line;
    connection.older = line.newest;
    connection.newer = nullptr;
    (line.newest == nullptr ? line.oldest : line.newest->newer) = &connection;
    line.newest = &connection;
    ++line.idle;
    ++idle_;
    const Duration limit = options_.idle_timeout();
    connection.become_idle(*this, limit == Duration::zero() ? TimePoint::max() : loop_.now() + limit);
}

void Pool::release_slot(Line& line) noexcept {
    --line.open;
    --open_;
    ++line.pins;
    serve(line);
    --line.pins;
    forget_if_unused(line);
}

void Pool::idle_ended(Connection& connection) noexcept {
    Line& line = *static_cast<Line*>(connection.origin);
    unlink_idle(connection);
    connection.discard();
    release_slot(line);
}

void Pool::forget_if_unused(Line& line) noexcept {
    if (line.open != 0 || line.pins != 0 || line.hungry || !line.waiting.empty()) return;
    for (auto it = lines_.begin(); it != lines_.end(); ++it) {
        if (&it->second != &line) continue;
        lines_.erase(it);
        return;
    }
}

}  // namespace caropig::client
