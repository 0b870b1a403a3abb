#pragma once

#include "client/connection.h"
#include "client/connector.h"
#include <caropig/async/waiter.h>
#include <caropig/client/pool_options.h>

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace caropig::client {

/// Connections by origin. Whoever wants one takes the idle one that was used last, else opens one within the limits,
/// else stands in line; within an origin it is first come, first served, and origins that wait for the total limit
/// take turns. On one loop.
class Pool final : Connection::Owner {
    struct Line;

public:
    /// Opens a connection; says in `phase`, which outlives the task, how far it has come. Throws FetchError.
    using Connect = std::function<Task<Connected>(Origin origin, FetchError::Phase& phase)>;

    Pool(Loop& loop, PoolOptions options, Connect connect);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// The right to a connection. Destroying it closes the connection; give_back() keeps it for the next.
    class Lease {
    public:
        Lease() noexcept = default;
        Lease(Lease&& other) noexcept
            : pool_(other.pool_),
              line_(std::exchange(other.line_, nullptr)),
              connection_(std::exchange(other.connection_, nullptr)),
              reused_(other.reused_) {}
        Lease& operator=(Lease&& other) noexcept {
            Lease old(std::move(*this));
            pool_ = other.pool_;
            line_ = std::exchange(other.line_, nullptr);
            connection_ = std::exchange(other.connection_, nullptr);
            reused_ = other.reused_;
            return *this;
        }
        ~Lease() { drop(); }

        explicit operator bool() const noexcept { return connection_ != nullptr; }
        [[nodiscard]] Connection& connection() const noexcept { return *connection_; }
        /// Whether the connection has carried a request before.
        [[nodiscard]] bool reused() const noexcept { return reused_; }
        /// The connection is clean: nothing of this exchange is left to come.
        void give_back() noexcept;
        /// Closes the connection and lets the next in line open one.
        void drop() noexcept;

    private:
        friend class Pool;
        Lease(Pool& pool, Line& line, Connection* connection, bool reused) noexcept
            : pool_(&pool), line_(&line), connection_(connection), reused_(reused) {}

        Pool* pool_ = nullptr;
        Line* line_ = nullptr;
        Connection* connection_ = nullptr;
        bool reused_ = false;
    };

    /// An idle connection to the URL's origin, or an empty lease. No allocation, no system call.
    [[nodiscard]] Lease take_idle(const http::Url& url) noexcept;

    /// A place among the origin's connections, with an idle connection where there is one and `fresh` is false; stands
    /// in line for it. Both references outlive the task. Throws FetchError, Cancelled.
    Task<Lease> obtain(const Origin& origin, bool fresh, FetchError::Phase& phase);

    /// Opens a connection in a place that has none. Throws what the Connect throws.
    Task<Lease> open_connection(Lease place, Origin origin, FetchError::Phase& phase);

    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] std::size_t open() const noexcept { return open_; }
    [[nodiscard]] std::size_t idle() const noexcept { return idle_; }
    [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

private:
    /// What the pool knows of one origin.
    struct Line {
        Connection* newest = nullptr;  // idle
        Connection* oldest = nullptr;
        std::size_t idle = 0;
        std::size_t open = 0;  // connections, idle or lent, and those being opened
        unsigned pins = 0;     // who uses it now
        detail::WaiterList waiting;
        Line* next_hungry = nullptr;  // the line of those that wait for the total limit
        bool hungry = false;
    };
    struct Less {
        using is_transparent = void;
        bool operator()(const Origin& a, const Origin& b) const noexcept { return a < b; }
        bool operator()(const Origin& a, const http::Url& b) const noexcept { return key(a) < key(b); }
        bool operator()(const http::Url& a, const Origin& b) const noexcept { return key(a) < key(b); }

    private:
        using Key = std::tuple<std::string_view, std::string_view, std::uint16_t, std::string_view>;
        static Key key(const Origin& origin) noexcept {
            return {origin.scheme, origin.host, origin.port, origin.unix_path};
        }
        static Key key(const http::Url& url) noexcept { return {url.scheme, url.host, url.port, {}}; }
    };
    class Turn;

    void idle_ended(Connection& connection) noexcept override;
    void unlink_idle(Connection& connection) noexcept;
    Connection* pop_idle(Line& line) noexcept;
    [[nodiscard]] bool reserve(Line& line) noexcept;
    void keep(Line& line, Connection& connection) noexcept;
    void release_slot(Line& line) noexcept;
    void serve(Line& line) noexcept;
    void serve_hungry() noexcept;
    void forget_if_unused(Line& line) noexcept;
    bool evict_idle() noexcept;
    void join_hungry(Line& line) noexcept;
    void grant(Line& line, Connection* connection) noexcept;
    Task<Lease> stand_in_line(Line& line);
    Task<Lease> wait_for_turn(Line& line, const Origin& origin);

    Loop& loop_;
    PoolOptions options_;
    Connect connect_;
    std::map<Origin, Line, Less> lines_;
    Line* first_hungry_ = nullptr;
    Line* last_hungry_ = nullptr;
    std::size_t open_ = 0;
    std::size_t idle_ = 0;
    std::size_t waiting_ = 0;
};

}  // namespace caropig::client
