#include "db/driver.h"
#include "db/sqlite_handle.h"
#include <caropig/async/shield.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/loop/timer.h>
#include <caropig/loop/with_timeout.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

namespace caropig::db {
namespace {

using State = SqliteHandle::State;
using namespace std::chrono_literals;

/// Runs SQLite on the driver's threads, and keeps what it has read until it is fetched.
class SqliteConnection final : public Connection {
public:
    SqliteConnection(Loop& loop, ThreadPool& threads, const SqliteSettings& settings, const std::string& name,
                     Duration cancel_timeout)
        : loop_(loop), threads_(threads), settings_(settings), name_(name), cancel_timeout_(cancel_timeout) {}
    ~SqliteConnection() override {
        // The last connection that is closed writes the log back into the file: not on the loop, unless that ends too.
        auto close = [handle = std::move(handle_)]() mutable { handle.reset(); };
        threads_.post(std::move(close));
    }

    Task<void> open() {
        bool opened = false;
        auto work = [this, &opened](const std::stop_token& stop) { opened = handle_->open(settings_, stop); };
        co_await threads_.run(std::ref(work));
        if (opened) co_return;
        const SqliteFailure& failure = handle_->failure();
        throw Error(Error::Kind::kUnavailable, name_, {}, failure.message, {}, failure.code);
    }

    Task<Columns> start(std::string_view sql, std::span<const Value> arguments) override {
        constexpr std::size_t kFirstRows = 32;
        const TimePoint give_up_at = time_after(loop_.now(), settings_.busy_timeout);
        auto work = [this, sql, arguments](const std::stop_token& stop) {
            state_ = handle_->start(sql, arguments, read_, kFirstRows, stop);
        };
        read_.clear();
        Duration pause = 1ms;
        while (true) {
            co_await run(work);
            if (state_ != State::kBusy || loop_.now() >= give_up_at) break;
            // No thread waits for the lock: whoever holds it may need one to go on.
            co_await sleep_for(std::min<Duration>(pause, give_up_at - loop_.now()));
            pause = std::min<Duration>(2 * pause, 50ms);
        }
        throw_if_failed();
        co_return handle_->columns();
    }

    Task<std::size_t> fetch(std::vector<Value>& cells, std::size_t most) override {
        const std::size_t width = handle_->columns() != nullptr ? handle_->columns()->size() : 0;
        if (read_.empty() && handle_->active()) {
            auto work = [this, most](const std::stop_token& stop) { state_ = handle_->fetch(read_, most, stop); };
            co_await run(work);
            throw_if_failed();
        }
        if (read_.empty()) co_return 0;
        const std::size_t rows = std::min(most, read_.size() / width);
        if (cells.empty() && rows * width == read_.size()) {
            cells.swap(read_);
            co_return rows;
        }
        const auto end = read_.begin() + static_cast<std::ptrdiff_t>(rows * width);
        cells.insert(cells.end(), std::move_iterator(read_.begin()), std::move_iterator(end));
        read_.erase(read_.begin(), end);
        co_return rows;
    }

    [[nodiscard]] Outcome outcome() const noexcept override { return handle_->outcome(); }

    Task<void> abandon() override {
        read_.clear();
        if (!handle_->active()) co_return;
        auto work = [this] { handle_->reset(); };
        Task<void> resetting = with_timeout(cancel_timeout_, threads_.run(std::ref(work)));
        try {
            co_await std::move(resetting);
        } catch (const TimeoutError&) {
            gave_up_ = true;  // no thread was free: it is closed when one is
        }
    }

    /// A file gives none.
    Task<void> ping() override { co_return; }

    [[nodiscard]] bool usable() const noexcept override { return !gave_up_ && handle_->usable(); }
    [[nodiscard]] bool in_transaction() const noexcept override { return handle_->in_transaction(); }

private:
    /// Runs `work` on a thread. When it is cancelled, the statement has ended before Cancelled is thrown.
    template <class Work>
    Task<void> run(Work& work) {
        bool cancelled = false;
        try {
            co_await threads_.run(std::ref(work));
        } catch (const Cancelled&) {
            cancelled = true;
        }
        if (!cancelled) co_return;
        co_await shield(abandon());
        throw Cancelled();
    }

    void throw_if_failed() const {
        if (state_ != State::kFailed && state_ != State::kBusy) return;
        const SqliteFailure& failure = handle_->failure();
        throw Error(failure.kind, name_, failure.statement, failure.message, {}, failure.code, {}, failure.shown);
    }

    Loop& loop_;
    ThreadPool& threads_;
    const SqliteSettings& settings_;
    const std::string& name_;
    Duration cancel_timeout_;
    std::unique_ptr<SqliteHandle> handle_ = std::make_unique<SqliteHandle>();
    std::vector<Value> read_;  // by the thread, while it works, else by the loop
    State state_ = State::kDone;
    bool gave_up_ = false;
};

class SqliteDriver final : public Driver {
public:
    SqliteDriver(Loop& loop, DatabaseUrl url, const DriverOptions& options)
        : loop_(loop),
          name_(read_sqlite_settings(url).name),
          memory_(share_sqlite_memory(url)),
          settings_(read_sqlite_settings(url)),
          cancel_timeout_(options.cancel_timeout),
          threads_(ThreadPoolOptions().threads(settings_.threads).name("sqlite")) {
        settings_.statement_cache = options.statement_cache;
    }

    Task<std::unique_ptr<Connection>> connect() override {
        auto connection = std::make_unique<SqliteConnection>(loop_, threads_, settings_, name_, cancel_timeout_);
        co_await connection->open();
        co_return std::unique_ptr<Connection>(std::move(connection));
    }

    [[nodiscard]] const std::string& name() const noexcept override { return name_; }

private:
    Loop& loop_;
    std::string name_;
    std::shared_ptr<void> memory_;
    SqliteSettings settings_;
    Duration cancel_timeout_;
    ThreadPool threads_;
};

}  // namespace

std::shared_ptr<void> share_sqlite_memory(DatabaseUrl& url) {
    if (url.kind != DatabaseUrl::Kind::kSqlite || url.database != kSqliteMemory) return nullptr;
    static std::atomic<unsigned> last = 0;
    url.database += std::to_string(++last);
    auto keeper = std::make_shared<SqliteHandle>();
    const SqliteSettings settings = read_sqlite_settings(url);
    if (!keeper->open(settings, {})) {
        throw Error(Error::Kind::kUnavailable, settings.name, {}, keeper->failure().message, {},
                    keeper->failure().code);
    }
    return keeper;
}

std::unique_ptr<Driver> make_sqlite_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options) {
    return std::make_unique<SqliteDriver>(loop, url, options);
}

}  // namespace caropig::db
