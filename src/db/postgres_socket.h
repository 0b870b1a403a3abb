#pragma once

#include "db/postgres_error.h"
#include "db/postgres_settings.h"
#include <caropig/async/task.h>
#include <caropig/net/address.h>

#include <memory>
#include <optional>
#include <span>
#include <string>

#include <libpq-fe.h>

namespace caropig {
class Loop;
struct PollOperation;
}  // namespace caropig

namespace caropig::db {

struct PostgresResultDeleter {
    void operator()(PGresult* result) const noexcept { ::PQclear(result); }
};
/// Null: the statement has ended.
using PostgresResult = std::unique_ptr<PGresult, PostgresResultDeleter>;

/// What the server or libpq says in a result of PGRES_FATAL_ERROR or a notice. Nothing is hidden in it yet.
PostgresFailure postgres_failure(const PGresult& result);

/// A connection of libpq with its socket on the loop: what waits in libpq waits here as tasks.
///
/// libpq owns the socket and may close it in any of its functions, after which its number may be another's. So the
/// functions that read or write are called here only, and the loop's backend is told at once.
class PostgresSocket {
public:
    /// Connects to `address`, or through the settings' Unix socket when it is empty, and logs in. Throws Error
    /// (kUnavailable), Cancelled. `settings` must outlive it.
    static Task<std::unique_ptr<PostgresSocket>> open(Loop& loop, const PostgresSettings& settings,
                                                      std::optional<net::Address> address);

    PostgresSocket(Loop& loop, const PostgresSettings& settings, std::optional<net::Address> address);
    PostgresSocket(const PostgresSocket&) = delete;
    PostgresSocket& operator=(const PostgresSocket&) = delete;
    /// Closes it without waiting: the word of good-bye is sent if the socket takes it.
    ~PostgresSocket();

    /// For calls that neither read nor write: PQsend…, PQtransactionStatus, PQgetCancel.
    [[nodiscard]] PGconn* raw() const noexcept { return connection_; }

    /// False once the connection is lost.
    [[nodiscard]] bool alive() const noexcept { return ::PQstatus(connection_) == CONNECTION_OK; }

    /// Whether all that was to be sent has been taken by the system; sends what it can. Never waits.
    bool try_flush() noexcept;
    /// Sends all that is to be sent, and reads meanwhile, so that neither side waits for the other. A connection that
    /// is lost is shown by the results.
    Task<void> flush();

    /// Reads what has come while nothing was asked for. Whether the connection is still there.
    bool check_idle();

    /// Whether take_result() would have to wait for the server.
    [[nodiscard]] bool busy() noexcept;
    /// The next result of what was sent. Not when busy().
    PostgresResult take_result() noexcept;
    /// Waits for the next result. A lost connection gives a result that says so. Cancel-safe.
    Task<PostgresResult> next_result();

    /// Hides `arguments`, which must stay until the next call, in what the server says beside the results. That is
    /// logged at the level debug.
    void hide_in_notices(std::span<const std::string> arguments) noexcept { hidden_ = arguments; }

    // For net::IoAwaiter.
    bool submit(PollOperation& operation) noexcept;
    void cancel(PollOperation& operation) noexcept;

private:
    enum class Wait { kRead, kWrite };

    Task<void> log_in();
    Task<void> wait_for(Wait what);
    Task<void> wait_for_either();
    void consume();
    void follow_socket() noexcept;
    void notice(const PGresult& result);
    [[noreturn]] void throw_unavailable() const;

    Loop& loop_;
    const PostgresSettings& settings_;
    std::span<const std::string> hidden_;
    PGconn* connection_ = nullptr;
    bool said_goodbye_ = false;  // the server has, while nothing was asked for
    int watched_ = -1;           // the descriptor that the backend may know of
};

}  // namespace caropig::db
