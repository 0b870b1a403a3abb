#pragma once

#include "db/database_state.h"
#include "db/deadline.h"
#include "db/pool.h"
#include <caropig/base/check.h>
#include <caropig/db/session.h>

#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace caropig::db::detail {

class TransactionState;

/// Where a statement gets its connection from: a database's pool, or the transaction that it is part of. Either
/// outlives it.
class Source {
public:
    explicit Source(DatabaseState& database) noexcept : database_(&database) {}
    explicit Source(TransactionState& transaction) noexcept : transaction_(&transaction) {}

    [[nodiscard]] DatabaseState* database() const noexcept { return database_; }
    [[nodiscard]] TransactionState* transaction() const noexcept { return transaction_; }

private:
    DatabaseState* database_ = nullptr;
    TransactionState* transaction_ = nullptr;
};

/// One statement on one connection, from its start to its end.
/// Says of a lease that a task of its connection runs.
class Running {
public:
    explicit Running(Lease& lease) noexcept : lease_(lease) { lease_.set_running(true); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { lease_.set_running(false); }

private:
    Lease& lease_;
};

class Execution {
public:
    explicit Execution(const Source& source) noexcept : source_(source) {}
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;

    /// Gets a connection, unless it has one, and starts the statement within its deadline, which holds for what follows
    /// too. What is given outlives the task; the text, the execution.
    Task<Columns> start(std::string_view text, std::span<const Value> arguments);

    /// For the wait that follows a start(), a deadline of its own.
    void restart_deadline(const caropig::detail::TaskContext& context);

    /// In the handler of an exception that came from the connection: notes what it means for the connection and the
    /// transaction, and throws it on; where the deadline has passed, Error instead.
    [[noreturn]] void fail();

    /// Drops what is left of the rows. Not cancelled.
    Task<void> abandon();

    /// After the last row: gives the connection back, unless it is the transaction's.
    Outcome finish();

    /// After the last row, instead of finish(): keeps the connection.
    Lease take_lease();

    /// The statements that follow are for this user of the connection alone: it is closed if one of them fails.
    void set_private() noexcept { is_private_ = true; }

    [[nodiscard]] Connection& connection() const noexcept {
        CAROPIG_CHECK(*lease_, "a RowStream was used after its transaction had ended");
        return lease_->connection();
    }
    [[nodiscard]] Deadline& deadline() noexcept { return *deadline_; }
    [[nodiscard]] Lease& lease() noexcept { return *lease_; }
    [[nodiscard]] Pool& pool() const noexcept { return lease_->pool(); }

private:
    [[nodiscard]] bool may_take_another() const noexcept;

    Source source_;
    std::string_view text_;
    Lease own_;
    Lease* lease_ = nullptr;
    std::optional<Deadline> deadline_;
    bool has_started_ = false;
    bool is_private_ = false;
};

/// How many rows to fetch next: as many as make a decent size, going by those before.
class Batch {
public:
    static constexpr std::size_t kMostRows = 256;

    [[nodiscard]] std::size_t next() const noexcept;
    /// Counts `cells` of `rows` further rows.
    void add(std::span<const Value> cells, std::size_t rows) noexcept;
    /// What all of them take in memory, about.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    std::size_t rows_ = 0;
    std::size_t bytes_ = 0;
};

Task<Rows> run_query(Source source, Statement statement);
Task<Outcome> run_execute(Source source, Statement statement);
Task<RowStream> run_stream(Source source, Statement statement);

}  // namespace caropig::db::detail
