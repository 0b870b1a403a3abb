#include "db/execution.h"

#include "db/cell_size.h"
#include "db/transaction_state.h"
#include <caropig/loop/loop.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace caropig::db::detail {

std::size_t Batch::next() const noexcept {
    constexpr std::size_t kFirstRows = 32;
    if (rows_ == 0) return kFirstRows;
    return std::clamp<std::size_t>(kBatchBytes / std::max<std::size_t>(bytes_ / rows_, 1), 1, kMostRows);
}

void Batch::add(std::span<const Value> cells, std::size_t rows) noexcept {
    rows_ += rows;
    bytes_ += bytes_of(cells);
}

Task<Columns> Execution::start(std::string_view text, std::span<const Value> arguments) {
    const caropig::detail::TaskContext context = co_await current_context();
    text_ = text;
    while (true) {
        // Nothing is begun for who was asked to end.
        if (CancellationToken(context.cancellation).requested()) throw Cancelled();
        if (source_.transaction() != nullptr) {
            source_.transaction()->check();
            lease_ = &source_.transaction()->lease;
        } else if (!own_) {
            Pool& pool = source_.database()->pool(static_cast<Loop&>(*context.executor));
            own_ = pool.try_take();
            if (!own_) own_ = co_await pool.acquire(text);
            lease_ = &own_;
        }
        restart_deadline(context);
        lease_->set_in_statement(true);
        Task<Columns> starting = connection().start(text, arguments);
        try {
            const Running running(*lease_);
            Columns columns = co_await deadline_->run(starting);
            has_started_ = true;
            co_return columns;
        } catch (const Error& error) {
            if (error.kind() != Error::Kind::kUnavailable || !may_take_another()) fail();
        } catch (...) {
            fail();
        }
        own_.give_back();
    }
}

bool Execution::may_take_another() const noexcept {
    // Nothing was sent, so nothing happened. A fresh connection says that the server is gone, an old one perhaps only
    // that it had gone: the server was restarted, a firewall has forgotten the connection.
    return lease_ == &own_ && !own_.fresh() && !has_started_;
}

void Execution::restart_deadline(const caropig::detail::TaskContext& context) {
    deadline_.emplace(pool().loop(), pool().options().query_timeout(), context.cancellation);
}

void Execution::fail() {
    std::exception_ptr failure = std::current_exception();
    // Unless the driver has said how it ended, nobody knows what the statement is doing now (out of memory, say).
    bool has_ended = false;
    try {
        throw;
    } catch (const Error&) {
        has_ended = true;
    } catch (const Cancelled&) {
        has_ended = true;
        if (deadline_->passed()) {
            failure = std::make_exception_ptr(Error(
                Error::Kind::kTimeout, pool().name(), text_,
                fmt::format("stopped after the query_timeout of {}", describe(pool().options().query_timeout()))));
        }
    } catch (...) {
        has_ended = false;
    }
    lease_->set_in_statement(!has_ended);
    if (source_.transaction() != nullptr) source_.transaction()->statement_failed(failure);
    if (is_private_) lease_->set_in_statement(true);
    own_.give_back();
    std::rethrow_exception(failure);
}

Task<void> Execution::abandon() {
    // Not under the caller's cancellation. The driver itself sees to it that this ends within cancel_timeout.
    Deadline unlimited(pool().loop(), Duration::zero(), nullptr);
    Task<void> abandoning = connection().abandon();
    bool is_idle = true;
    try {
        const Running running(*lease_);
        co_await unlimited.run(abandoning);
    } catch (const Error&) {
        is_idle = false;  // it is closed instead
    }
    lease_->set_in_statement(!is_idle);
    if (source_.transaction() != nullptr) source_.transaction()->statement_stopped();
    own_.give_back();
}

Outcome Execution::finish() {
    const Outcome outcome = connection().outcome();
    lease_->set_in_statement(false);
    own_.give_back();
    return outcome;
}

Lease Execution::take_lease() {
    lease_->set_in_statement(false);
    return std::move(own_);
}

namespace {

/// Runs a statement to its end; Result is Rows, or Outcome where the rows don't matter.
template <class Result>
Task<Result> run_whole(Source source, Statement statement) {
    constexpr bool kKeepsRows = std::is_same_v<Result, Rows>;
    Execution execution(source);
    Columns columns = co_await execution.start(statement.text(), statement.arguments());
    std::vector<Value> cells;
    Batch batch;
    bool too_large = false;
    try {
        const Running running(execution.lease());
        while (!too_large) {
            const std::size_t before = cells.size();
            Task<std::size_t> fetching = execution.connection().fetch(cells, batch.next());
            const std::size_t rows = co_await execution.deadline().run(fetching);
            if (rows == 0) break;
            batch.add(std::span(cells).subspan(before), rows);
            if constexpr (kKeepsRows) {
                const std::size_t limit = execution.pool().options().max_result_bytes();
                too_large = limit != 0 && batch.bytes() > limit;
            } else {
                cells.clear();
            }
        }
    } catch (...) {
        execution.fail();
    }
    if (too_large) {
        const std::size_t limit = execution.pool().options().max_result_bytes();
        co_await execution.abandon();
        throw LimitError(
            fmt::format("{}: {}: the result is larger than the max_result_bytes of {}; read it with stream()",
                        execution.pool().name(), statement.text(), limit));
    }
    const Outcome outcome = execution.finish();
    if constexpr (kKeepsRows) {
        co_return Rows(std::move(columns), std::move(cells), outcome);
    } else {
        co_return outcome;
    }
}

}  // namespace

Task<Rows> run_query(Source source, Statement statement) { return run_whole<Rows>(source, std::move(statement)); }

Task<Outcome> run_execute(Source source, Statement statement) {
    return run_whole<Outcome>(source, std::move(statement));
}

}  // namespace caropig::db::detail
