#include "server/connection.h"
#include "server/server_state.h"
#include <caropig/async/shield.h>
#include <caropig/base/log.h>
#include <caropig/base/prefetch.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/net/address.h>
#include <caropig/server/server.h>

#include <cstddef>
#include <utility>

namespace caropig::server {
namespace {

constexpr Duration kRefusalLogInterval = std::chrono::seconds(1);
// Connections that are told 503 hold a descriptor until the client has taken it; beyond so many they are only closed.
constexpr std::size_t kMostRefused = 1024;

// Bytes of each buffer of a request that are kept for the next one. There may be thousands of them after a rush.
constexpr std::size_t kKeptOfFew = std::size_t{16} * 1024;
constexpr std::size_t kKeptOfMany = 1024;

/// What one client is taken to have: an IPv4 address, or a /64 of IPv6, of which everybody gets at least one.
std::string address_group(const std::string& peer) {
    std::size_t colon = peer.rfind(':');
    auto address = net::Address::parse(peer.substr(0, colon), 0);
    if (!address || !address->is_v6()) return peer.substr(0, colon);
    constexpr std::size_t kAddressOffset = 8;  // in struct sockaddr_in6
    return {static_cast<const char*>(address->data()) + kAddressOffset, 8};
}

}  // namespace

Server::State::State(Loop& loop_, Service& service_, ServerOptions options_)
    : loop(loop_), service(service_), options(std::move(options_)), cork(Output::new_cork()) {
    fields.resize(options.max_fields());
}

Server::State::~State() {
    while (spare_activity_ != nullptr) delete std::exchange(spare_activity_, spare_activity_->next_spare);
}

void Server::State::render_date() {
    date_checked_ = loop.now();
    date_line_ = date_.line(loop.unix_seconds());
}

std::unique_ptr<ActiveRequest> Server::State::take_active(Connection& connection) {
    if (spare_requests_.empty()) return std::make_unique<ActiveRequest>(connection);
    std::unique_ptr<ActiveRequest> active = std::move(spare_requests_.back());
    spare_requests_.pop_back();
    request_surplus_.taken(spare_requests_.size());
    active->connection = &connection;
    // This connection keeps its Activity for a while, so that the next one to come takes the next.
    if (spare_activity_ != nullptr) detail::prefetch<Activity::kUsedAtTheStart>(spare_activity_);
    // So does a request that waits; what the next one keeps is known, as it was itself fetched one request ago.
    if (const std::size_t count = spare_requests_.size(); count > 1) {
        ActiveRequest::prefetch_spare(*spare_requests_[count - 2]);
        spare_requests_.back()->prefetch_kept();
    }
    return active;
}

void Server::State::give_back(std::unique_ptr<ActiveRequest> active) {
    active->reset(spare_requests_.size() < detail::Surplus::kFew ? kKeptOfFew : kKeptOfMany);
    spare_requests_.push_back(std::move(active));
    const std::size_t surplus = request_surplus_.came_back(spare_requests_.size());
    if (surplus != 0) [[unlikely]]
        spare_requests_.erase(spare_requests_.end() - static_cast<std::ptrdiff_t>(surplus), spare_requests_.end());
}

void Server::State::drop_activities(std::size_t count) noexcept {
    spare_activity_count_ -= count;
    for (; count != 0; --count) delete std::exchange(spare_activity_, spare_activity_->next_spare);
}

void Server::State::accepted(std::unique_ptr<net::Stream> stream) {
    if (!options.proxies().proxy_protocol_from().empty()) return accepted_proxied(std::move(stream));
    Connection& connection = add(std::move(stream));
    if (!has_room(connection)) return;
    if (!admits(connection)) return refuse_address(connection);
    connection.start();
}

bool Server::State::has_room(Connection& connection) {
    if (connection_count - refused_count <= options.max_connections()) return true;
    ++limits.connections;
    refuse(connection, "max_connections: " + std::to_string(options.max_connections()));
    return false;
}

void Server::State::refuse_address(Connection& connection) {
    ++limits.connections_per_address;
    refuse(connection, "max_connections_per_address: " + std::to_string(options.max_connections_per_address()));
}

/// Counts a connection for its address, if they are limited.
bool Server::State::admits(Connection& connection) {
    if (options.max_connections_per_address() == 0) return true;
    auto& entry = *addresses.try_emplace(address_group(connection.stream_->peer())).first;
    connection.address_ = &entry;
    return ++entry.second <= options.max_connections_per_address();
}

void Server::State::refuse(Connection& connection, std::string_view limit) {
    log_refusal("connections", limit);
    if (refused_count >= kMostRefused) return connection.abort();
    connection.start_refused();
}

/// They may come by the thousand: one line a second is logged.
void Server::State::log_refusal(std::string_view what, std::string_view limit) {
    if (loop.now() - last_refusal_logged < kRefusalLogInterval && last_refusal_logged != TimePoint{}) return;
    last_refusal_logged = loop.now();
    log::warning("refusing " + std::string(what) + " (" + std::string(limit) + ")");
}

Connection& Server::State::add(std::unique_ptr<net::Stream> stream) {
    auto* connection = new (memory_.allocate()) Connection(*this, std::move(stream));
    connection->next_ = first;
    if (first != nullptr) first->previous_ = connection;
    first = connection;
    ++connection_count;
    return *connection;
}

void Server::State::remove(Connection& connection) noexcept {
    (connection.previous_ != nullptr ? connection.previous_->next_ : first) = connection.next_;
    if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
    if (--connection_count == 0) all_closed.set();
}

/// A connection that is over asks for this.
void Server::State::destroy(Connection& connection) noexcept {
    connection.~Connection();
    memory_.free(&connection);
}

Server::Server(Loop& loop, Service& service, ServerOptions options)
    : state_(std::make_unique<State>(loop, service, std::move(options))) {}

Server::~Server() {
    CAROPIG_CHECK(state_->first == nullptr, "a server was destroyed with open connections: co_await stop() first");
}

void Server::listen(std::unique_ptr<net::Listener> listener) {
    net::Listener& added = *state_->listeners.emplace_back(std::move(listener));
    State* state = state_.get();
    added.start(state->loop, [state](std::unique_ptr<net::Stream> stream) { state->accepted(std::move(stream)); });
}

Task<void> Server::serve(std::unique_ptr<net::Stream> stream) {
    Event closed;
    Connection* connection = &state_->add(std::move(stream));
    connection->closed_event = &closed;
    connection->start();
    bool cancelled = false;
    try {
        co_await closed.wait();
    } catch (const Cancelled&) {
        cancelled = true;
    }
    if (cancelled) {
        if (!closed.is_set()) {
            connection->abort();
            co_await shield(closed.wait());
        }
        throw Cancelled();
    }
}

Task<void> Server::stop() {
    State& state = *state_;
    state.stopping = true;
    for (auto& listener : state.listeners) listener->stop();
    auto for_each = [&state](auto action) {
        for (Connection* connection = state.first; connection != nullptr;) {
            Connection* next = connection->next_;
            (connection->*action)();
            connection = next;
        }
    };
    for_each(&Connection::begin_stop);
    auto all_closed = [&state]() -> Task<void> {
        while (state.first != nullptr) {
            state.all_closed.clear();
            co_await state.all_closed.wait();
        }
    };
    try {
        co_await with_timeout(state.options.shutdown_timeout(), all_closed());
    } catch (const TimeoutError&) {
        log::warning("stopping: cancelling " + std::to_string(state.connection_count) +
                     " connections that did not end in time (shutdown_timeout)");
    }
    for_each(&Connection::cut_off);
    try {
        co_await with_timeout(state.options.linger_timeout(), all_closed());
    } catch (const TimeoutError&) {
        for_each(&Connection::abort);  // they don't take their last answer
    }
    co_await all_closed();
}

std::size_t Server::connections() const noexcept { return state_->connection_count; }
std::uint64_t Server::requests() const noexcept { return state_->request_count; }
std::size_t Server::buffered() const noexcept { return state_->buffered; }
const LimitCounters& Server::limits() const noexcept { return state_->limits; }

}  // namespace caropig::server
