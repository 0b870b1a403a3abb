#pragma once

#include "db/driver.h"
#include "db/postgres_canceller.h"
#include "db/postgres_settings.h"
#include "db/postgres_socket.h"
#include "db/postgres_statements.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::db {

/// What a driver and its connections share.
struct PostgresShared {
    PostgresSettings settings;
    DriverOptions options;
    PostgresCanceller canceller;
};

/// One session with a PostgreSQL server.
///
/// A statement is prepared (Parse and Describe in one round trip, the deallocation of old ones behind them), or found
/// in the cache, and executed with its rows one by one. Whatever happens in between, the session's own end of a
/// statement, ReadyForQuery, is waited for before the connection counts as idle: an error at the commit of a statement
/// comes after its result.
///
/// Stopping a statement: a cancel request names the session, not the statement, so it must not hit the next one. The
/// server's answer to the request (it closes that connection) comes after its signal to the session; only then is the
/// session sent anything again, and that is an empty statement, which takes with it what a connection pooler between
/// here and there might deliver late.
class PostgresConnection final : public Connection {
public:
    PostgresConnection(std::shared_ptr<PostgresShared> shared, std::unique_ptr<PostgresSocket> socket);

    /// Sees to the styles that results are read in, where the environment's PGTZ or PGDATESTYLE had the last word.
    Task<void> set_styles();

    Task<Columns> start(std::string_view sql, std::span<const Value> arguments) override;
    Task<std::size_t> fetch(std::vector<Value>& cells, std::size_t most) override;
    [[nodiscard]] Outcome outcome() const noexcept override { return outcome_; }
    Task<void> abandon() override;
    Task<void> ping() override;
    [[nodiscard]] bool usable() const noexcept override { return !broken_ && !running_ && socket_->alive(); }
    [[nodiscard]] bool in_transaction() const noexcept override;

private:
    using StatementPointer = std::shared_ptr<const PostgresStatement>;

    // The steps of a statement.
    void prepare_to_send(std::string_view sql);
    Task<Columns> run(std::string_view sql, std::span<const Value> arguments);
    Task<StatementPointer> prepare(std::string_view sql);
    void send_preparation(const PostgresStatement& statement, const std::string& sql,
                          const std::vector<std::string>& dropped);
    Task<void> read_preparation(PostgresStatement& statement, const std::vector<std::string>& dropped);
    void execute(const PostgresStatement& statement, std::span<const Value> arguments);
    Task<void> accept(PostgresResult result);
    Task<std::size_t> take_rows(std::vector<Value>& cells, std::size_t most);
    Task<void> round_trip(const char* sql);

    // The end of a statement.
    template <class T>
    Task<T> guarded(Task<T> step);
    Task<void> finish(std::optional<PostgresFailure> failure);
    Task<std::optional<PostgresFailure>> read_to_end();
    Task<void> drain();
    Task<void> stop();
    Task<bool> stop_on_server();

    [[noreturn]] void fail(PostgresFailure failure);
    [[noreturn]] void refuse(std::string_view message) const;
    void check_sent(int sent);

    std::shared_ptr<PostgresShared> shared_;
    std::unique_ptr<PostgresSocket> socket_;
    PostgresStatementCache cache_;
    std::uint64_t prepared_ = 0;
    std::string sql_;                  // of the running statement, for errors
    std::vector<std::string> hidden_;  // what errors must not say of its arguments
    PostgresResult row_;               // a row that has come and was not fetched
    Outcome outcome_;
    std::size_t syncs_ = 0;  // ends of a pipeline that are to come
    bool running_ = false;
    bool broken_ = false;
    bool was_in_transaction_ = false;
};

}  // namespace caropig::db
