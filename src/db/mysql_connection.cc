#include "db/mysql_connection.h"

#include "db/cell_size.h"
#include <caropig/async/shield.h>
#include <caropig/base/check.h>
#include <caropig/loop/with_timeout.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <mysqld_error.h>

namespace caropig::db {
namespace {

/// What a server may refuse for its size alone: the least that one allows by default is four times as much.
constexpr std::size_t kLargeArguments = std::size_t{1024} * 1024;
/// Rows that are taken without a wait before others get their turn: a server may be as fast as we are.
constexpr int kRowsInATurn = 64;
/// Rows that are read to their end, if they have come, rather than having the server stop them.
constexpr int kRowsToPassOver = 100;

/// How long a statement that was killed may go on before it is killed once more.
constexpr std::chrono::milliseconds kKillAgain{100};

const Columns& no_columns() {
    static const Columns columns = std::make_shared<const std::vector<std::string>>();
    return columns;
}

/// BEGIN and the like: sent as text, since preparing them would be a second round trip for nothing.
bool is_for_transactions(std::string_view sql) {
    constexpr std::array<std::string_view, 6> kWords{"BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"};
    const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0; };
    const auto begin = std::ranges::find_if_not(sql, [](unsigned char c) { return std::isspace(c) != 0; });
    const std::string_view word(begin, std::find_if_not(begin, sql.end(), is_letter));
    return std::ranges::any_of(kWords, [word](std::string_view known) {
        return std::ranges::equal(word, known, {}, [](unsigned char c) { return std::toupper(c); });
    });
}

}  // namespace

MysqlConnection::MysqlConnection(std::shared_ptr<MysqlConnector> connector, std::unique_ptr<MysqlHandle> handle,
                                 const DriverOptions& options)
    : connector_(std::move(connector)),
      handle_(std::move(handle)),
      cancel_timeout_(options.cancel_timeout),
      cache_(options.statement_cache) {}

MysqlConnection::~MysqlConnection() {
    handle_->close();
    cache_.clear();
}

bool MysqlConnection::usable() const noexcept { return !broken_ && !in_statement_; }

bool MysqlConnection::in_transaction() const noexcept {
    return (handle_->get()->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

Task<Columns> MysqlConnection::start(std::string_view sql, std::span<const Value> arguments) {
    CAROPIG_CHECK(usable(), "a statement was started on a connection that is broken, or at another statement");
    if ((co_await cancellation_token()).requested()) throw Cancelled();
    in_statement_ = true;
    step_ = Step::kNone;
    sql_ = sql;
    outcome_ = {};
    Task<Columns> starting = start_cancellable(sql, arguments);
    co_return co_await or_stop(std::move(starting));
}

/// Runs a part of a statement; when it is cancelled, brings the statement to its end first.
template <class T>
Task<T> MysqlConnection::or_stop(Task<T> part) {
    try {
        co_return co_await std::move(part);
    } catch (const Cancelled&) {  // stopped below: nothing can be awaited here
    } catch (const Error&) {
        throw;
    } catch (...) {
        give_up();
        throw;
    }
    co_await stop();
    throw Cancelled();
}

Task<Columns> MysqlConnection::start_cancellable(std::string_view sql, std::span<const Value> arguments) {
    std::expected<MysqlArguments, std::string> made = MysqlArguments::make(arguments);
    if (!made) refuse(made.error());
    arguments_ = *std::move(made);
    statement_ = nullptr;
    bool as_text = arguments.empty() && is_for_transactions(sql);
    if (!as_text) {
        statement_ = cache_.find(sql);
        if (statement_ == nullptr) as_text = !co_await prepare(sql);
        if (as_text && !arguments.empty()) refuse("the server can't prepare the statement, and so takes no arguments");
    }
    if (as_text) {
        co_await send_text(sql);
        co_return no_columns();
    }
    const unsigned long expected = ::mysql_stmt_param_count(statement_->get());
    if (expected != arguments.size()) {
        refuse(fmt::format("the statement takes {} arguments, and got {}", expected, arguments.size()));
    }
    co_await execute();
    co_return has_rows_ ? statement_->columns() : no_columns();
}

Task<void> MysqlConnection::send_text(std::string_view sql) {
    MYSQL* mysql = handle_->get();
    auto start = [sql, mysql](int* failed) { return ::mysql_real_query_start(failed, mysql, sql.data(), sql.size()); };
    auto resume = [mysql](int* failed, int ready) { return ::mysql_real_query_cont(failed, mysql, ready); };
    step_ = Step::kText;
    const int failed = co_await handle_->call(start, resume);
    if (failed != 0) fail_text();
    if (::mysql_field_count(mysql) != 0) {
        give_up();
        refuse("the server can't prepare the statement, so that its rows can't be read");
    }
    outcome_.affected_rows = ::mysql_affected_rows(mysql);
    end_statement();
}

/// False when the server says that this kind of statement can't be prepared.
Task<bool> MysqlConnection::prepare(std::string_view sql) {
    if (auto oldest = cache_.make_room()) co_await close_statement(std::move(oldest));
    MysqlStatement& made = cache_.add(std::make_unique<MysqlStatement>(handle_->get(), sql));
    MYSQL_STMT* raw = made.get();
    auto start = [sql, raw](int* failed) { return ::mysql_stmt_prepare_start(failed, raw, sql.data(), sql.size()); };
    auto resume = [raw](int* failed, int ready) { return ::mysql_stmt_prepare_cont(failed, raw, ready); };
    statement_ = &made;
    step_ = Step::kPrepare;
    const int failed = co_await handle_->call(start, resume);
    if (failed == 0) co_return true;
    const MysqlFailure failure = MysqlFailure::of(raw);
    statement_ = nullptr;
    cache_.remove(made);
    if (failure.code != ER_UNSUPPORTED_PS) fail(failure);
    co_return false;
}

Task<void> MysqlConnection::close_statement(std::unique_ptr<MysqlStatement> statement) {
    MYSQL_STMT* raw = statement->release();
    auto start = [raw](int* result) {
        my_bool failed = 0;
        const int waits_for = ::mysql_stmt_close_start(&failed, raw);
        *result = failed != 0 ? 1 : 0;
        return waits_for;
    };
    auto resume = [raw](int* result, int ready) {
        my_bool failed = 0;
        const int waits_for = ::mysql_stmt_close_cont(&failed, raw, ready);
        *result = failed != 0 ? 1 : 0;
        return waits_for;
    };
    step_ = Step::kClose;
    const int failed = co_await handle_->call(start, resume);
    if (failed != 0) fail_text();
}

Task<void> MysqlConnection::execute() {
    MYSQL_STMT* raw = statement_->get();
    if (::mysql_stmt_param_count(raw) != 0 && ::mysql_stmt_bind_param(raw, arguments_->binds()) != 0) fail_statement();
    statement_->forget_columns();
    auto start = [raw](int* failed) { return ::mysql_stmt_execute_start(failed, raw); };
    auto resume = [raw](int* failed, int ready) { return ::mysql_stmt_execute_cont(failed, raw, ready); };
    step_ = Step::kExecute;
    const int failed = co_await handle_->call(start, resume);
    if (failed != 0) fail_statement();
    if (::mysql_stmt_field_count(raw) == 0) {
        take_outcome();
        co_await pass_further_results();
        end_statement();
        co_return;
    }
    has_rows_ = true;
    if (!statement_->bind_columns()) {
        give_up();
        fail_statement();
    }
}

Task<std::size_t> MysqlConnection::fetch(std::vector<Value>& cells, std::size_t most) {
    if (!has_rows_) co_return 0;
    Task<std::size_t> fetching = fetch_cancellable(cells, most);
    co_return co_await or_stop(std::move(fetching));
}

Task<std::size_t> MysqlConnection::fetch_cancellable(std::vector<Value>& cells, std::size_t most) {
    if ((co_await cancellation_token()).requested()) throw Cancelled();
    std::size_t count = 0;
    std::size_t bytes = 0;
    while (count < most && bytes < kBatchBytes) {
        const std::size_t before = cells.size();
        co_await next_row();
        if (handle_->result() == MYSQL_NO_DATA) {
            has_rows_ = false;
            co_await pass_further_results();
            end_statement();
            break;
        }
        if (handle_->result() != 0) fail_statement();
        if (!statement_->row().append_to(cells, statement_->get())) {
            give_up();
            fail_statement();
        }
        bytes += bytes_of(std::span(cells).subspan(before));
        ++count;
    }
    co_return count;
}

/// True when the row has come already, or there is none.
bool MysqlConnection::fetch_row() {
    MYSQL_STMT* raw = statement_->get();
    step_ = Step::kFetch;
    return handle_->begin([raw](int* result) { return ::mysql_stmt_fetch_start(result, raw); },
                          [raw](int* result, int ready) { return ::mysql_stmt_fetch_cont(result, raw, ready); });
}

/// Leaves the row, or why there is none, in the handle's result.
Task<void> MysqlConnection::next_row() {
    if (!fetch_row()) {
        rows_in_turn_ = 0;
        co_await handle_->finish();
    } else if (++rows_in_turn_ == kRowsInATurn) {
        rows_in_turn_ = 0;
        co_await yield();
    }
}

/// A CALL has a result for each SELECT of the procedure, and one for itself. What is given out are the rows of the
/// first; the others are read and dropped.
Task<void> MysqlConnection::pass_further_results() {
    MYSQL_STMT* raw = statement_->get();
    while (::mysql_stmt_more_results(raw) != 0) {
        auto start = [raw](int* result) { return ::mysql_stmt_next_result_start(result, raw); };
        auto resume = [raw](int* result, int ready) { return ::mysql_stmt_next_result_cont(result, raw, ready); };
        step_ = Step::kNextResult;
        const int result = co_await handle_->call(start, resume);
        if (result > 0) fail_statement();
        if (::mysql_stmt_field_count(raw) == 0) {
            take_outcome();
            continue;
        }
        if (!statement_->bind_columns()) {
            give_up();
            fail_statement();
        }
        do {
            co_await next_row();
        } while (handle_->result() == 0);
        if (handle_->result() != MYSQL_NO_DATA) fail_statement();
    }
}

Task<void> MysqlConnection::abandon() {
    if (!in_statement_ || drain_what_has_come()) co_return;
    co_await stop();
}

/// Whether the statement has come to its end without a wait: most often the last row has been read, and what says that
/// it was the last has come with it.
bool MysqlConnection::drain_what_has_come() {
    for (int i = 0; i < kRowsToPassOver; ++i) {
        if (!fetch_row()) return false;
        if (handle_->result() == 0) continue;
        if (::mysql_stmt_more_results(statement_->get()) != 0) return false;
        end_statement();
        if (MysqlFailure::of(handle_->get()).connection_lost()) give_up();
        return true;
    }
    return false;
}

Task<void> MysqlConnection::ping() {
    CAROPIG_CHECK(usable(), "a ping on a connection that is broken, or at a statement");
    in_statement_ = true;
    sql_.clear();
    Task<void> pinging = send_ping();
    co_await or_stop(std::move(pinging));
    end_statement();
}

Task<void> MysqlConnection::send_ping() {
    MYSQL* mysql = handle_->get();
    auto start = [mysql](int* failed) { return ::mysql_ping_start(failed, mysql); };
    auto resume = [mysql](int* failed, int ready) { return ::mysql_ping_cont(failed, mysql, ready); };
    step_ = Step::kPing;
    const int failed = co_await handle_->call(start, resume);
    if (failed != 0) fail_text();
}

Task<void> MysqlConnection::stop() {
    if (!in_statement_) co_return;
    bool stopped = true;
    Task<void> stopping = with_timeout(cancel_timeout_, kill_and_drain());
    try {
        co_await shield(std::move(stopping));
    } catch (const std::exception&) {
        stopped = false;  // too late, or the server can't be reached: nobody knows what it does
    }
    if (stopped) {
        end_statement();
    } else {
        give_up();
    }
}

Task<void> MysqlConnection::kill_and_drain() {
    const bool at_work =
        step_ == Step::kText || step_ == Step::kExecute || step_ == Step::kFetch || step_ == Step::kNextResult;
    if (!at_work) {  // what is under way takes the server no time
        if (handle_->busy()) co_await handle_->finish();
        if (step_ == Step::kPrepare && handle_->result() != 0) cache_.remove(*statement_);
        co_return;
    }
    for (bool ended = false; !ended;) {
        co_await connector_->kill_query(::mysql_thread_id(handle_->get()));
        Task<void> draining = with_timeout(kKillAgain, drain());
        try {
            co_await std::move(draining);
            ended = true;
        } catch (const TimeoutError&) {
            // The kill came before the server began, or between two statements of a procedure, where it is forgotten.
            ended = false;
        }
    }
    // If the statement ended before the kill came, a server may keep it for the next command. Let it be this one; its
    // answer also tells that the two sides agree on where they are.
    co_await send_ping();
}

/// Reads the end of a statement that was killed: an error, or what it gave before the kill came. Cancelled, it can be
/// called again.
Task<void> MysqlConnection::drain() {
    if (handle_->busy()) co_await handle_->finish();
    if (step_ == Step::kText) co_return;
    MYSQL_STMT* raw = statement_->get();
    bool bound = step_ == Step::kFetch;
    for (;;) {
        bool more_rows = handle_->result() == 0 && ::mysql_stmt_field_count(raw) != 0;
        if (more_rows && !bound && !statement_->bind_columns()) fail_statement();
        while (more_rows) {
            co_await next_row();
            more_rows = handle_->result() == 0;
        }
        // Nothing comes behind an error; and of a lost connection the library says for ever that there are more
        // results.
        if (handle_->result() != 0 && handle_->result() != MYSQL_NO_DATA) co_return;
        if (::mysql_stmt_more_results(raw) == 0) co_return;
        auto start = [raw](int* result) { return ::mysql_stmt_next_result_start(result, raw); };
        auto resume = [raw](int* result, int ready) { return ::mysql_stmt_next_result_cont(result, raw, ready); };
        co_await handle_->call(start, resume);
        bound = false;
    }
}

void MysqlConnection::take_outcome() {
    outcome_.affected_rows = ::mysql_stmt_affected_rows(statement_->get());
    const std::uint64_t id = ::mysql_stmt_insert_id(statement_->get());
    if (id != 0) outcome_.last_insert_id = id;
}

void MysqlConnection::end_statement() noexcept {
    in_statement_ = has_rows_ = false;
    arguments_.reset();
}

void MysqlConnection::give_up() noexcept {
    handle_->break_off();
    broken_ = true;
    end_statement();
}

void MysqlConnection::fail(MysqlFailure failure) {
    const bool may_have_run = step_ != Step::kPrepare && step_ != Step::kClose && step_ != Step::kPing;
    if (failure.connection_lost() && arguments_ && arguments_->bytes() >= kLargeArguments) {
        // The server hangs up on what is larger than it allows, most often before it has read all of it.
        failure.message += fmt::format(" (the arguments take {} bytes: is the server's max_allowed_packet less?)",
                                       arguments_->bytes());
    }
    Error error =
        make_mysql_error(failure, may_have_run ? MysqlStage::kExecute : MysqlStage::kPrepare, connector_->name(), sql_);
    end_statement();
    if (failure.connection_lost()) give_up();
    throw error;
}

void MysqlConnection::fail_statement() {
    MysqlFailure failure = MysqlFailure::of(statement_->get());
    // Where fetching fails, the library leaves the reason with the connection.
    if (failure.code == 0) failure = MysqlFailure::of(handle_->get());
    fail(std::move(failure));
}

void MysqlConnection::refuse(std::string_view why) {
    end_statement();
    throw Error(Error::Kind::kStatement, connector_->name(), sql_, why);
}

}  // namespace caropig::db
