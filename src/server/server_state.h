#pragma once

#include "async/surplus.h"
#include "http/h1/parser.h"
#include "http/h1/writer.h"
#include "server/active_request.h"
#include "server/activity.h"
#include "server/slab.h"
#include <caropig/async/event.h>
#include <caropig/loop/loop.h>
#include <caropig/net/listener.h>
#include <caropig/server/options.h>
#include <caropig/server/server.h>
#include <caropig/server/service.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace caropig::server {

class Connection;

/// What the connections of one server share; all of it on one thread.
struct Server::State {
    State(Loop& loop_, Service& service_, ServerOptions options_);
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Loop& loop;
    Service& service;
    const ServerOptions options;
    std::vector<std::unique_ptr<net::Listener>> listeners;

    /// The open connections, an intrusive list.
    Connection* first = nullptr;
    std::size_t connection_count = 0;
    std::size_t refused_count = 0;  // of these, the ones that were only told so
    std::uint64_t request_count = 0;
    Event all_closed;
    bool stopping = false;
    TimePoint last_refusal_logged{};
    LimitCounters limits;
    std::size_t buffered = 0;  // bytes that the connections hold
    [[nodiscard]] bool holds_too_much() const noexcept {
        return options.max_buffered_bytes() != 0 && buffered > options.max_buffered_bytes();
    }
    /// Open connections of each address, where max_connections_per_address limits them.
    std::unordered_map<std::string, std::size_t> addresses;

    /// The head being answered without a wait, and its fields: one at a time on a loop.
    http::h1::RequestHead head;
    std::vector<http::HeaderView> fields;

    /// Answers of the batch of requests being handled; empty between two rounds of the loop.
    std::string cork;

    /// The "Date: …" line of the current second.
    std::string_view date_line() {
        if (loop.now() - date_checked_ >= kDateCheck || date_checked_ == TimePoint{}) [[unlikely]]
            render_date();
        return date_line_;
    }

    std::unique_ptr<ActiveRequest> take_active(Connection& connection);
    void give_back(std::unique_ptr<ActiveRequest> active);
    Activity& take_activity() {
        if (spare_activity_ == nullptr) return *new Activity(loop, options, head, cork);
        activity_surplus_.taken(--spare_activity_count_);
        return *std::exchange(spare_activity_, spare_activity_->next_spare);
    }
    /// For one that is as new.
    void give_back(Activity& activity) noexcept {
        activity.next_spare = std::exchange(spare_activity_, &activity);
        const std::size_t surplus = activity_surplus_.came_back(++spare_activity_count_);
        if (surplus != 0) [[unlikely]]
            drop_activities(surplus);
    }

    void accepted(std::unique_ptr<net::Stream> stream);
    /// The same behind a proxy that speaks the PROXY protocol (proxied.cc).
    void accepted_proxied(std::unique_ptr<net::Stream> stream);
    Connection& add(std::unique_ptr<net::Stream> stream);
    /// Answers 503 and closes.
    void refuse(Connection& connection, std::string_view limit);
    void log_refusal(std::string_view what, std::string_view limit);
    [[nodiscard]] bool admits(Connection& connection);
    /// Whether there is room for it; tells it otherwise.
    [[nodiscard]] bool has_room(Connection& connection);
    void refuse_address(Connection& connection);
    void refuse_proxied(const std::string& peer, std::string_view problem);
    void remove(Connection& connection) noexcept;
    void destroy(Connection& connection) noexcept;

private:
    static constexpr Duration kDateCheck = std::chrono::milliseconds(10);

    void render_date();
    void drop_activities(std::size_t count) noexcept;

    http::h1::DateCache date_;
    std::string_view date_line_;
    TimePoint date_checked_{};
    Slab<Connection> memory_;
    // What connections need while they are not idle.
    std::vector<std::unique_ptr<ActiveRequest>> spare_requests_;
    detail::Surplus request_surplus_;
    detail::Surplus activity_surplus_;
    Activity* spare_activity_ = nullptr;  // the first of those that are linked by next_spare
    std::size_t spare_activity_count_ = 0;
};

}  // namespace caropig::server
