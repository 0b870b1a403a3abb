#include "db/pool.h"

#include "db/deadline.h"
#include <caropig/base/check.h>
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>

#include <algorithm>

#include <fmt/format.h>

namespace caropig::db::detail {

void Lease::give_back() noexcept {
    CAROPIG_CHECK(!running_, "a connection was given back while a statement of it ran: a transaction ended before it");
    if (connection_ == nullptr) return;
    const bool usable = !in_statement_ && connection_->usable() && !connection_->in_transaction();
    pool_->take_back(std::move(connection_), born_, usable);
}

/// One of the max_size: the right to have a connection, until it has become one or is given up.
class Pool::Room {
public:
    Room(Pool& pool, bool opening) noexcept : pool_(&pool), opening_(opening) {}
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() {
        if (opening_) --pool_->opening_;
        if (!taken_) pool_->drop();
    }

    /// A connection is about to be opened in it.
    void open() noexcept {
        if (!opening_) ++pool_->opening_;
        opening_ = true;
    }
    Lease become(std::unique_ptr<Connection> connection, TimePoint born, bool fresh) noexcept {
        taken_ = true;
        return {*pool_, std::move(connection), born, fresh};
    }

private:
    Pool* pool_;
    bool opening_;
    bool taken_ = false;
};

/// Waits for what serve() gives. Cancellation is looked at before the line is joined.
class Pool::Line : public caropig::detail::Waiter {
public:
    enum class Given { kNothing, kConnection, kRoom, kFailure };

    explicit Line(Pool& pool) noexcept : pool_(pool) { ++pool_.waiting_; }
    ~Line() { --pool_.waiting_; }

    bool await_ready() const noexcept { return false; }
    template <caropig::detail::TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        if (!suspend(handle, &pool_.line_)) return false;
        pool_.serve();
        return true;
    }
    void await_resume() const { throw_if_cancelled(); }

    Given given = Given::kNothing;
    Entry entry;

private:
    Pool& pool_;
};

Pool::Pool(Loop& loop, std::unique_ptr<Driver> driver, const PoolOptions& options)
    : loop_(loop),
      driver_(std::move(driver)),
      options_(options),
      idle_alarm_(*this, &Pool::close_idle),
      retry_alarm_(*this, &Pool::serve) {
    idle_.reserve(options.max_size());
}

Pool::~Pool() {
    close();
    CAROPIG_CHECK(unused(), "a pool of database connections was destroyed while it was in use");
}

Lease Pool::try_take() noexcept {
    while (line_.empty() && !idle_.empty()) {
        Entry& last = idle_.back();
        if (idle_for_long(last.idle_since)) break;
        Entry entry = std::move(last);
        idle_.pop_back();
        if (!too_old(entry.born)) return {*this, std::move(entry.connection), entry.born, false};
        entry.connection.reset();
        drop();
    }
    return {};
}

Task<Lease> Pool::acquire(std::string_view statement) {
    const caropig::detail::TaskContext context = co_await current_context();
    Deadline deadline(loop_, options_.acquire_timeout(), context.cancellation);
    Task<Lease> acquiring = acquire_in_line(statement);
    try {
        co_return co_await deadline.run(acquiring);
    } catch (const Cancelled&) {
        if (!deadline.passed()) throw;
        throw Error(Error::Kind::kTimeout, name(), statement,
                    fmt::format("no connection was had within the acquire_timeout of {}: {} are open, {} wait",
                                describe(options_.acquire_timeout()), open_, waiting_));
    }
}

Task<Lease> Pool::acquire_in_line(std::string_view statement) {
    Entry entry;
    bool opening = false;
    {
        if (waiting_ >= options_.max_waiting() && (!line_.empty() || (idle_.empty() && !may_open() && !hopeless()))) {
            throw Error(Error::Kind::kUnavailable, name(), statement,
                        fmt::format("{} statements wait for a connection already (max_waiting)", waiting_));
        }
        Line line(*this);
        co_await line;
        if (line.given == Line::Given::kFailure) throw_failure(statement);
        opening = line.given == Line::Given::kRoom;
        entry = std::move(line.entry);
    }
    Room room(*this, opening);
    bool is_good = entry.connection != nullptr && !too_old(entry.born);
    if (is_good && idle_for_long(entry.idle_since)) is_good = co_await is_alive(*entry.connection);
    if (is_good) co_return room.become(std::move(entry.connection), entry.born, false);
    entry.connection.reset();
    if (!opening && failure_ && (opening_ != 0 || loop_.now() < retry_at_)) throw_failure(statement);
    room.open();
    std::unique_ptr<Connection> connection = co_await open(statement);
    co_return room.become(std::move(connection), loop_.now(), true);
}

Task<bool> Pool::is_alive(Connection& connection) {
    const caropig::detail::TaskContext context = co_await current_context();
    Deadline deadline(loop_, options_.connect_timeout(), context.cancellation);
    Task<void> pinging = connection.ping();
    try {
        co_await deadline.run(pinging);
        co_return connection.usable();
    } catch (const IoError&) {
        co_return false;
    } catch (const Cancelled&) {
        if (!deadline.passed()) throw;
        co_return false;
    }
}

Task<std::unique_ptr<Connection>> Pool::open(std::string_view statement) {
    const caropig::detail::TaskContext context = co_await current_context();
    std::unique_ptr<Connection> connection;
    Deadline deadline(loop_, options_.connect_timeout(), context.cancellation);
    Task<std::unique_ptr<Connection>> connecting = driver_->connect();
    try {
        connection = co_await deadline.run(connecting);
    } catch (const Cancelled&) {
        if (!deadline.passed()) throw;
        connecting_failed(Error(Error::Kind::kTimeout, name(), {},
                                fmt::format("it could not be connected to within the connect_timeout of {}",
                                            describe(options_.connect_timeout()))));
    } catch (const Error& error) {
        connecting_failed(error);
    } catch (const IoError& error) {  // out of descriptors, say
        connecting_failed(Error(Error::Kind::kUnavailable, name(), {}, error.what(), {}, 0, error.code()));
    }
    if (connection == nullptr) throw_failure(statement);
    connecting_succeeded();
    co_return connection;
}

void Pool::connecting_failed(const Error& failure) {
    // Once, not for each attempt: what is down stays down for a while.
    if (!failure_) log::warning(failure.what());
    failure_ = failure;
    retry_at_ = time_after(loop_.now(), options_.reconnect_delay());
}

void Pool::connecting_succeeded() {
    if (!failure_) return;
    failure_.reset();
    log::info(fmt::format("{}: connected again", name()));
    serve();
}

void Pool::throw_failure(std::string_view statement) const {
    if (closed_) throw Error(Error::Kind::kUnavailable, name(), statement, "the pool of connections was closed");
    throw *failure_;
}

void Pool::take_back(std::unique_ptr<Connection> connection, TimePoint born, bool usable) noexcept {
    if (closed_ || !usable || too_old(born)) {
        connection.reset();
        drop();
        return;
    }
    idle_.push_back({std::move(connection), born, loop_.now()});
    if (!line_.empty()) {
        serve();
    } else if (open_ > options_.min_size() && options_.idle_timeout().count() != 0 && !idle_alarm_.armed()) {
        idle_alarm_.arm(loop_, time_after(idle_.front().idle_since, options_.idle_timeout()));
    }
}

void Pool::drop() noexcept {
    --open_;
    serve();
}

void Pool::serve() noexcept {
    while (!line_.empty()) {
        auto& first = static_cast<Line&>(*line_.first());
        if (closed_ || (idle_.empty() && hopeless())) {
            first.given = Line::Given::kFailure;
        } else if (!idle_.empty()) {
            first.entry = std::move(idle_.back());
            idle_.pop_back();
            first.given = Line::Given::kConnection;
        } else if (may_open()) {
            ++open_;
            ++opening_;
            first.given = Line::Given::kRoom;
        } else {
            if (failure_ && loop_.now() < retry_at_) retry_alarm_.arm(loop_, retry_at_);
            return;
        }
        first.grant();
    }
}

void Pool::close_idle() {
    const std::size_t spare = open_ - std::min(open_, options_.min_size());
    std::size_t closing = 0;
    while (closing < std::min(spare, idle_.size()) &&
           time_after(idle_[closing].idle_since, options_.idle_timeout()) <= loop_.now()) {
        ++closing;
    }
    idle_.erase(idle_.begin(), idle_.begin() + static_cast<std::ptrdiff_t>(closing));
    open_ -= closing;
    if (!idle_.empty() && open_ > options_.min_size()) {
        idle_alarm_.arm(loop_, time_after(idle_.front().idle_since, options_.idle_timeout()));
    }
}

void Pool::close() noexcept {
    closed_ = true;
    idle_alarm_.disarm();
    retry_alarm_.disarm();
    open_ -= idle_.size();
    idle_.clear();
    serve();
}

bool Pool::too_old(TimePoint born) const noexcept {
    return options_.max_age().count() != 0 && loop_.now() - born >= options_.max_age();
}

bool Pool::idle_for_long(TimePoint since) const noexcept {
    return options_.check_after().count() != 0 && loop_.now() - since >= options_.check_after();
}

bool Pool::may_open() const noexcept {
    if (open_ >= std::max<std::size_t>(options_.max_size(), 1)) return false;
    // After a failure one attempt at a time, each some time after the one before.
    return !failure_ || (opening_ == 0 && loop_.now() >= retry_at_);
}

bool Pool::hopeless() const noexcept { return failure_ && open_ == 0 && loop_.now() < retry_at_; }

}  // namespace caropig::db::detail
