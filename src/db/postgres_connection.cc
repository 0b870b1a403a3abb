#include "db/postgres_connection.h"

#include "db/cell_size.h"
#include "db/postgres_placeholders.h"
#include <caropig/async/shield.h>
#include <caropig/base/log.h>
#include <caropig/loop/with_timeout.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace caropig::db {
namespace {

/// A longer argument is hardly ever repeated in a message, and need not be copied for that.
constexpr std::size_t kLongestHidden = 1024;

/// The protocol counts them in 16 bits.
constexpr std::size_t kMostArguments = 65535;

/// How long a stopped statement may take to end before the request is sent again: it may have come before the
/// statement did. Twice as long each time.
constexpr std::chrono::milliseconds kCancelAgain{50};

/// How long the rest of abandoned rows may take before they are stopped: about what stopping them costs.
constexpr std::chrono::milliseconds kPatience{10};

std::string_view field(const PGresult& result, int code) noexcept {
    const char* text = ::PQresultErrorField(&result, code);
    return text != nullptr ? text : "";
}

/// Whether the server refused to run a prepared statement because it has forgotten it, or because the types of its
/// columns have changed. It says so in Bind, before anything has run. The same states also come from within functions,
/// which may have had effects: those have a context.
bool must_be_prepared_anew(const PGresult& result) noexcept {
    if (!field(result, PG_DIAG_CONTEXT).empty()) return false;
    std::string_view state = field(result, PG_DIAG_SQLSTATE);
    std::string_view source = field(result, PG_DIAG_SOURCE_FUNCTION);
    if (state == "0A000") return source == "RevalidateCachedQuery";
    return state == "26000" && (source == "FetchPreparedStatement" || source == "exec_bind_message");
}

std::uint64_t affected_rows(PGresult& result) noexcept {
    std::string_view text = ::PQcmdTuples(&result);
    std::uint64_t rows = 0;
    std::from_chars(text.data(), text.data() + text.size(), rows);
    return rows;
}

void append_row(const PGresult& row, std::vector<Value>& cells) {
    const int columns = ::PQnfields(&row);
    for (int i = 0; i < columns; ++i) {
        if (::PQgetisnull(&row, 0, i) != 0) {
            cells.emplace_back();
        } else {
            std::string_view text(::PQgetvalue(&row, 0, i), static_cast<std::size_t>(::PQgetlength(&row, 0, i)));
            cells.push_back(decode_postgres(text, ::PQftype(&row, i)));
        }
    }
}

void read_description(const PGresult& result, PostgresStatement& statement) {
    statement.parameters.clear();
    for (int i = 0; i < ::PQnparams(&result); ++i) statement.parameters.push_back(::PQparamtype(&result, i));
    std::vector<std::string> columns(static_cast<std::size_t>(::PQnfields(&result)));
    for (int i = 0; i < ::PQnfields(&result); ++i) columns[static_cast<std::size_t>(i)] = ::PQfname(&result, i);
    statement.columns = std::make_shared<const std::vector<std::string>>(std::move(columns));
}

}  // namespace

PostgresConnection::PostgresConnection(std::shared_ptr<PostgresShared> shared, std::unique_ptr<PostgresSocket> socket)
    : shared_(std::move(shared)), socket_(std::move(socket)), cache_(shared_->options.statement_cache) {}

Task<void> PostgresConnection::set_styles() {
    auto reported = [this](const char* name) {
        const char* value = ::PQparameterStatus(socket_->raw(), name);
        return std::string_view(value != nullptr ? value : "");
    };
    if (reported("DateStyle").starts_with("ISO") && reported("TimeZone") == "UTC") co_return;
    co_await round_trip("SET DateStyle = ISO; SET TimeZone = UTC");
}

bool PostgresConnection::in_transaction() const noexcept {
    switch (::PQtransactionStatus(socket_->raw())) {
        case PQTRANS_INTRANS:
        case PQTRANS_INERROR:
            return true;
        case PQTRANS_ACTIVE:
            return was_in_transaction_;
        default:
            return false;
    }
}

Task<Columns> PostgresConnection::start(std::string_view sql, std::span<const Value> arguments) {
    return guarded(run(sql, arguments));
}

Task<std::size_t> PostgresConnection::fetch(std::vector<Value>& cells, std::size_t most) {
    return guarded(take_rows(cells, most));
}

Task<void> PostgresConnection::ping() { return guarded(round_trip("")); }

Task<void> PostgresConnection::abandon() {
    if (!running_) co_return;
    // What ends by itself soon should; above all in a transaction, which stopping it would cost.
    const Duration cancel_timeout = shared_->options.cancel_timeout;
    const Duration patience = was_in_transaction_ ? cancel_timeout / 4 : std::min<Duration>(cancel_timeout, kPatience);
    bool ended = true;
    try {
        co_await with_timeout(patience, drain());
    } catch (const std::exception&) {  // most often TimeoutError
        ended = false;
    } catch (const Cancelled&) {  // nobody is told: the end is what was asked for
        ended = false;
    }
    if (!ended) co_await shield(stop());
}

/// Runs one step of a statement, and leaves the connection idle or broken when it fails in any way.
template <class T>
Task<T> PostgresConnection::guarded(Task<T> step) {
    try {
        co_return co_await std::move(step);
    } catch (const Cancelled&) {  // it goes on below: a handler can't wait
    } catch (...) {
        if (running_) broken_ = true;
        throw;
    }
    co_await shield(stop());
    throw Cancelled();
}

/// Before anything is sent: a connection that the server has closed meanwhile is noticed while it is still certain that
/// nothing was done.
void PostgresConnection::prepare_to_send(std::string_view sql) {
    CAROPIG_CHECK(!running_, "a statement was started on a connection that runs another one");
    sql_ = sql;
    hidden_.clear();
    socket_->hide_in_notices(hidden_);
    outcome_ = {};
    was_in_transaction_ = in_transaction();
    if (!broken_ && socket_->check_idle()) return;
    broken_ = true;
    throw Error(Error::Kind::kUnavailable, shared_->settings.name, sql_, "the server has closed the connection");
}

Task<Columns> PostgresConnection::run(std::string_view sql, std::span<const Value> arguments) {
    prepare_to_send(sql);
    for (;;) {
        StatementPointer statement = cache_.find(sql);
        const bool was_cached = statement != nullptr;
        if (!was_cached) statement = co_await prepare(sql);
        execute(*statement, arguments);
        co_await socket_->flush();
        PostgresResult result = co_await socket_->next_result();
        const bool stale = was_cached && result != nullptr && must_be_prepared_anew(*result);
        if (stale) cache_.drop(sql);
        if (stale && !was_in_transaction_) {
            result.reset();
            co_await drain();
            continue;
        }
        co_await accept(std::move(result));
        co_return statement->columns;
    }
}

Task<PostgresConnection::StatementPointer> PostgresConnection::prepare(std::string_view sql) {
    NumberedStatement numbered = number_placeholders(sql);
    if (numbered.placeholders != 0 && numbered.has_numbers) {
        refuse("it has both ? and $1 for arguments: write ? for each, and ?? for the operator ?");
    }
    if (numbered.placeholders > kMostArguments) {
        refuse(fmt::format("it takes {} arguments, more than {}", numbered.placeholders, kMostArguments));
    }
    auto statement = std::make_shared<PostgresStatement>();
    const bool kept = cache_.takes(sql);
    if (kept) {
        cache_.make_room();
        statement->name = fmt::format("caropig_{}", ++prepared_);
    }
    const std::vector<std::string> dropped = cache_.take_dropped();
    try {
        send_preparation(*statement, numbered.sql, dropped);
        co_await socket_->flush();
        co_await read_preparation(*statement, dropped);
    } catch (const Cancelled&) {
        // Nobody knows how far it came. To deallocate what is not there does no harm.
        for (const std::string& name : dropped) cache_.give_back(name);
        if (kept) cache_.give_back(statement->name);
        throw;
    }
    if (kept) cache_.insert(sql, statement);
    co_return statement;
}

/// In one pipeline, that is, one round trip. What deallocates comes behind ends of its own: it fails in a transaction
/// that has failed, and must not take a ROLLBACK with it.
void PostgresConnection::send_preparation(const PostgresStatement& statement, const std::string& sql,
                                          const std::vector<std::string>& dropped) {
    PGconn* connection = socket_->raw();
    check_sent(::PQenterPipelineMode(connection));
    running_ = true;
    syncs_ = 1 + dropped.size();
    check_sent(::PQsendPrepare(connection, statement.name.c_str(), sql.c_str(), 0, nullptr));
    check_sent(::PQsendDescribePrepared(connection, statement.name.c_str()));
    check_sent(::PQpipelineSync(connection));
    for (const std::string& name : dropped) {
        const std::string deallocate = "DEALLOCATE " + name;
        check_sent(::PQsendQueryParams(connection, deallocate.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0));
        check_sent(::PQpipelineSync(connection));
    }
}

Task<void> PostgresConnection::read_preparation(PostgresStatement& statement, const std::vector<std::string>& dropped) {
    std::optional<PostgresFailure> failure;
    while (syncs_ > 0 && socket_->alive()) {
        PostgresResult result = co_await socket_->next_result();
        if (result == nullptr) continue;  // the end of one command
        const ExecStatusType status = ::PQresultStatus(result.get());
        if (status == PGRES_PIPELINE_SYNC) {
            --syncs_;
        } else if (syncs_ <= dropped.size()) {
            if (field(*result, PG_DIAG_SQLSTATE) == "25P02") cache_.give_back(dropped[dropped.size() - syncs_]);
        } else if (status == PGRES_COMMAND_OK) {
            read_description(*result, statement);  // of Parse, which says nothing, then of Describe
        } else if (!failure) {
            failure = postgres_failure(*result);
        }
    }
    co_await finish(std::move(failure));
}

void PostgresConnection::execute(const PostgresStatement& statement, std::span<const Value> arguments) {
    if (arguments.size() != statement.parameters.size()) {
        refuse(fmt::format("it takes {} arguments, and {} were given", statement.parameters.size(), arguments.size()));
    }
    try {
        PostgresArguments encoded(arguments, statement.parameters);
        for (std::size_t i = 0; i < arguments.size(); ++i) {
            if (encoded.text(i).size() <= kLongestHidden) hidden_.emplace_back(encoded.text(i));
        }
        socket_->hide_in_notices(hidden_);
        check_sent(::PQsendQueryPrepared(socket_->raw(), statement.name.c_str(), encoded.count(), encoded.values(),
                                         encoded.lengths(), encoded.formats(), 0));
    } catch (const PostgresArgumentError& error) {
        refuse(error.what());
    }
    running_ = true;
    ::PQsetSingleRowMode(socket_->raw());
}

/// Takes the first result of a statement, or the next one behind its rows.
Task<void> PostgresConnection::accept(PostgresResult result) {
    const ExecStatusType status = result != nullptr ? ::PQresultStatus(result.get()) : PGRES_COMMAND_OK;
    switch (status) {
        case PGRES_SINGLE_TUPLE:
            row_ = std::move(result);
            co_return;
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:
            if (result != nullptr) outcome_.affected_rows = affected_rows(*result);
            result.reset();
            co_await finish(std::nullopt);
            co_return;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH:
            // Ending it in good order takes more exchanges than it is worth: a cancel request and the end of the copy
            // may each be answered, or not, depending on which comes first. It costs the connection.
            result.reset();
            running_ = false;
            broken_ = true;
            refuse("COPY to or from the client is not supported");
        default:
            co_await finish(postgres_failure(*result));
    }
}

Task<std::size_t> PostgresConnection::take_rows(std::vector<Value>& cells, std::size_t most) {
    std::size_t rows = 0;
    std::size_t bytes = 0;
    while (rows < most && bytes < kBatchBytes) {
        if (row_ == nullptr) {
            if (!running_ || (rows != 0 && socket_->busy())) break;
            PostgresResult result = co_await socket_->next_result();
            co_await accept(std::move(result));
            continue;
        }
        const std::size_t before = cells.size();
        append_row(*row_, cells);
        bytes += bytes_of(std::span(cells).subspan(before));
        row_.reset();
        ++rows;
    }
    co_return rows;
}

Task<void> PostgresConnection::round_trip(const char* sql) {
    prepare_to_send(sql);
    check_sent(::PQsendQuery(socket_->raw(), sql));
    running_ = true;
    co_await socket_->flush();
    co_await finish(std::nullopt);
}

/// Waits until the statement has ended, and throws what it failed with: `failure`, or else what came at its end.
Task<void> PostgresConnection::finish(std::optional<PostgresFailure> failure) {
    std::optional<PostgresFailure> later = co_await read_to_end();
    if (!failure) failure = std::move(later);
    if (failure) fail(*std::move(failure));
    if (!socket_->alive()) fail({"", "the connection was lost", true});
}

/// Reads the rest of the results up to the session's being ready again, or lost. Gives the first failure among them.
Task<std::optional<PostgresFailure>> PostgresConnection::read_to_end() {
    std::optional<PostgresFailure> failure;
    while (running_) {
        PostgresResult result = co_await socket_->next_result();
        if (result == nullptr) {
            // In a pipeline it is the end of one command only.
            if (syncs_ == 0 || !socket_->alive()) running_ = false;
            continue;
        }
        switch (::PQresultStatus(result.get())) {
            case PGRES_PIPELINE_SYNC:
                --syncs_;
                break;
            case PGRES_COPY_IN:
            case PGRES_COPY_OUT:
            case PGRES_COPY_BOTH:
                running_ = false;
                broken_ = true;
                co_return failure;
            case PGRES_FATAL_ERROR:
                if (!failure) failure = postgres_failure(*result);
                break;
            default:
                break;
        }
    }
    if (::PQpipelineStatus(socket_->raw()) != PQ_PIPELINE_OFF && ::PQexitPipelineMode(socket_->raw()) == 0) {
        broken_ = true;
    }
    if (!socket_->alive()) broken_ = true;
    co_return failure;
}

/// Reads to the end, whatever comes.
Task<void> PostgresConnection::drain() {
    row_.reset();
    co_await read_to_end();
}

/// Ends a statement at once, whatever it does, within cancel_timeout. Under a shield. Throws nothing.
Task<void> PostgresConnection::stop() {
    if (!running_) co_return;
    bool clean = false;
    try {
        clean = co_await with_timeout(shared_->options.cancel_timeout, stop_on_server());
    } catch (const std::exception& error) {
        log::warning(fmt::format("{}: a statement could not be stopped, its connection is closed: {}",
                                 shared_->settings.name, error.what()));
    }
    row_.reset();
    running_ = false;
    if (!clean) broken_ = true;
}

Task<bool> PostgresConnection::stop_on_server() {
    // A server that has not got all of a statement won't run it.
    if (!socket_->try_flush() || !socket_->alive()) co_return false;
    bool ended = false;
    for (Duration wait = kCancelAgain; !ended; wait *= 2) {
        if (!co_await shared_->canceller.cancel(socket_->raw())) co_return false;
        ended = true;
        try {
            co_await with_timeout(wait, drain());
        } catch (const TimeoutError&) {
            ended = false;
        }
    }
    if (broken_ || ::PQsendQuery(socket_->raw(), "") == 0) co_return false;
    running_ = true;
    co_await socket_->flush();
    co_await drain();
    co_return !broken_;
}

void PostgresConnection::fail(PostgresFailure failure) {
    failure.lost = failure.lost || !socket_->alive();
    if (failure.lost) broken_ = true;
    throw Error(postgres_error_kind(failure), shared_->settings.name, sql_, failure.message, failure.sql_state, 0, {},
                redact_postgres_message(failure.message, failure.sql_state, hidden_));
}

/// What was not sent at all, or is no fault of the server's.
void PostgresConnection::refuse(std::string_view message) const {
    throw Error(Error::Kind::kStatement, shared_->settings.name, sql_, message);
}

void PostgresConnection::check_sent(int sent) {
    if (sent == 1) return;
    broken_ = true;
    fail({"", std::string(first_line(::PQerrorMessage(socket_->raw()))), false});
}

}  // namespace caropig::db
