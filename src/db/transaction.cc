#include "db/deadline.h"
#include "db/execution.h"
#include "db/transaction_state.h"
#include <caropig/db/transaction.h>
#include <caropig/loop/loop.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

namespace caropig::db {

using namespace std::chrono_literals;
using detail::Source;
using detail::TransactionState;

void TransactionState::check() const {
    if (doom) std::rethrow_exception(doom);
    if (ended) throw std::logic_error("a statement was run in a transaction that has ended");
    if (lease.in_statement()) {
        throw std::logic_error("a statement was run in a transaction while the one before had not ended");
    }
    if (!lease.connection().in_transaction()) {  // it would be committed at once, by itself
        throw Error(Error::Kind::kStatement, lease.pool().name(), {},
                    "the transaction has ended already, by one of its own statements");
    }
}

void TransactionState::statement_failed(const std::exception_ptr& exception) noexcept {
    if (doom) return;
    try {
        std::rethrow_exception(exception);
    } catch (const Error& error) {
        const bool only_the_statement =
            error.kind() == Error::Kind::kStatement || error.kind() == Error::Kind::kConstraint;
        // SQLite undoes all of it for some errors of one statement, and a connection may be lost with any.
        const bool goes_on = lease && lease.connection().usable() && lease.connection().in_transaction();
        if (!only_the_statement || !goes_on || kind == DatabaseUrl::Kind::kPostgres) doom = exception;
    } catch (const Cancelled&) {
        doom = doomed_by("a statement of it was cancelled");
    } catch (...) {
        doom = doomed_by("a statement of it has not ended");
    }
}

void TransactionState::statement_stopped() noexcept {
    // PostgreSQL takes a stopped statement for a failed one, and a COMMIT after that for a ROLLBACK, without an error.
    if (!doom && kind == DatabaseUrl::Kind::kPostgres)
        doom = doomed_by("the rows of a statement were not read to the end");
}

std::exception_ptr TransactionState::doomed_by(std::string_view why) const noexcept {
    return std::make_exception_ptr(Error(Error::Kind::kConflict, lease.pool().name(), {},
                                         std::string("the transaction can't go on: ").append(why)));
}

namespace {

/// COMMIT or ROLLBACK: under no cancellation, within `limit`. Throws Error.
Task<void> end_transaction(TransactionState& state, std::string_view text, Duration limit) {
    detail::Lease& lease = state.lease;
    Deadline deadline(lease.pool().loop(), limit, nullptr);
    std::vector<Value> no_cells;
    lease.set_in_statement(true);
    try {
        Task<Columns> starting = lease.connection().start(text, {});
        co_await deadline.run(starting);
        Task<std::size_t> fetching = lease.connection().fetch(no_cells, 1);
        co_await deadline.run(fetching);
    } catch (const Cancelled&) {
        lease.set_in_statement(false);
        throw Error(Error::Kind::kTimeout, lease.pool().name(), text, "it did not end in time");
    } catch (const Error&) {
        lease.set_in_statement(false);
        throw;
    }
    lease.set_in_statement(false);
}

/// Undoes all of it; where that is not had in time, by closing the connection.
Task<void> roll_back(TransactionState& state) {
    state.ended = true;
    const bool can_say_so = !state.lease.in_statement() && state.lease.connection().usable();
    if (can_say_so && state.lease.connection().in_transaction()) {
        try {
            const Duration limit = std::max<Duration>(state.lease.pool().options().cancel_timeout(), 1ms);
            co_await end_transaction(state, "ROLLBACK", limit);
        } catch (const Error&) {
            state.lease.set_in_statement(true);  // so that it is closed
        }
    }
    state.lease.give_back();
}

Task<void> commit(TransactionState& state) {
    const std::string name = state.lease.pool().name();
    if (!state.lease.connection().in_transaction()) {
        state.ended = true;
        state.lease.give_back();
        throw Error(Error::Kind::kStatement, name, {},
                    "the transaction had ended before its commit, by one of its own statements");
    }
    std::exception_ptr failure;
    try {
        co_await end_transaction(state, "COMMIT", state.lease.pool().options().query_timeout());
    } catch (const Error&) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await roll_back(state);
        std::rethrow_exception(failure);
    }
    state.ended = true;
    state.lease.give_back();
}

}  // namespace

Transaction::Transaction(std::unique_ptr<TransactionState> state) noexcept : state_(std::move(state)) {}
Transaction::Transaction(Transaction&& other) noexcept = default;
Transaction::~Transaction() = default;

Task<void> Transaction::rollback() {
    if (state_->ended) co_return;
    if (state_->lease.running()) throw std::logic_error("a transaction was rolled back while a statement of it ran");
    co_await roll_back(*state_);
}

Task<void> Transaction::finish(std::exception_ptr failure) {
    const CancellationToken cancellation = co_await cancellation_token();
    if (!state_->ended) {
        if (!failure) failure = state_->doom;
        if (!failure && state_->lease.in_statement()) {
            failure = std::make_exception_ptr(
                std::logic_error("the body of a transaction ended before a statement or a stream of it"));
        }
        if (!failure && cancellation.requested()) failure = std::make_exception_ptr(Cancelled());
        if (failure) {
            co_await roll_back(*state_);
        } else {
            co_await commit(*state_);
        }
    }
    if (failure) std::rethrow_exception(failure);
}

Task<Rows> Transaction::run_query(detail::Statement statement) {
    return detail::run_query(Source(*state_), std::move(statement));
}
Task<Outcome> Transaction::run_execute(detail::Statement statement) {
    return detail::run_execute(Source(*state_), std::move(statement));
}
Task<RowStream> Transaction::run_stream(detail::Statement statement) {
    return detail::run_stream(Source(*state_), std::move(statement));
}

}  // namespace caropig::db
