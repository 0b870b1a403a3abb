#pragma once

#include "db/driver.h"
#include "db/mysql_connector.h"
#include "db/mysql_error.h"
#include "db/mysql_statement.h"

#include <memory>
#include <optional>
#include <string>

namespace caropig::db {

/// One connection to MariaDB or MySQL. Statements are prepared, and their arguments and rows go over the wire in binary
/// form; those that begin and end transactions, and the few that can't be prepared, are sent as text.
class MysqlConnection final : public Connection {
public:
    MysqlConnection(std::shared_ptr<MysqlConnector> connector, std::unique_ptr<MysqlHandle> handle,
                    const DriverOptions& options);
    ~MysqlConnection() override;

    Task<Columns> start(std::string_view sql, std::span<const Value> arguments) override;
    Task<std::size_t> fetch(std::vector<Value>& cells, std::size_t most) override;
    [[nodiscard]] Outcome outcome() const noexcept override { return outcome_; }
    Task<void> abandon() override;
    Task<void> ping() override;
    [[nodiscard]] bool usable() const noexcept override;
    [[nodiscard]] bool in_transaction() const noexcept override;

private:
    /// What the call that is under way, or was last, belongs to.
    enum class Step { kNone, kText, kPrepare, kExecute, kFetch, kNextResult, kClose, kPing };

    template <class T>
    Task<T> or_stop(Task<T> part);
    Task<Columns> start_cancellable(std::string_view sql, std::span<const Value> arguments);
    Task<void> send_text(std::string_view sql);
    Task<bool> prepare(std::string_view sql);
    Task<void> execute();
    Task<std::size_t> fetch_cancellable(std::vector<Value>& cells, std::size_t most);
    bool fetch_row();
    Task<void> next_row();
    Task<void> pass_further_results();
    Task<void> close_statement(std::unique_ptr<MysqlStatement> statement);
    Task<void> send_ping();

    /// Brings the statement that is under way to its end, on the server too, whatever the task was asked.
    Task<void> stop();
    Task<void> kill_and_drain();
    Task<void> drain();
    bool drain_what_has_come();
    void take_outcome();
    void end_statement() noexcept;
    void give_up() noexcept;

    [[noreturn]] void fail(MysqlFailure failure);
    [[noreturn]] void fail_text() { fail(MysqlFailure::of(handle_->get())); }
    [[noreturn]] void fail_statement();
    [[noreturn]] void refuse(std::string_view why);

    std::shared_ptr<MysqlConnector> connector_;
    std::unique_ptr<MysqlHandle> handle_;
    std::chrono::milliseconds cancel_timeout_;
    MysqlStatementCache cache_;
    std::optional<MysqlArguments> arguments_;  // of the execution under way: the library may read them to its end
    MysqlStatement* statement_ = nullptr;      // the one in use, of the cache
    std::string sql_;                          // of the statement in use
    Outcome outcome_;
    Step step_ = Step::kNone;
    int rows_in_turn_ = 0;
    bool in_statement_ = false;  // something is to be brought to its end
    bool has_rows_ = false;      // there may be further rows
    bool broken_ = false;
};

}  // namespace caropig::db
