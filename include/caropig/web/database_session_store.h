#pragma once

#include <caropig/web/session.h>

/// \file
/// Sessions in a table: of any size a row takes, seen by all servers, and gone for good when their user logs out.
namespace caropig::db {
class Session;
}

namespace caropig::web {

/// Makes the table of sessions, caropig_sessions, where it does not exist: when an application is installed, or at each
/// start. SQLite, MariaDB and PostgreSQL.
Task<void> create_session_table(db::Session& database);

/// Keeps sessions in the table caropig_sessions, as JSON. The cookie has 256 random bits; the table only their SHA-256,
/// so that nobody who reads the table can take over a session. `database` outlives the store. Tasks throw db::Error;
/// a session of more than 60,000 bytes is a LimitError (MariaDB's TEXT ends a little above).
class DatabaseSessionStore final : public SessionStore {
public:
    explicit DatabaseSessionStore(db::Session& database) noexcept : database_(database) {}

    Task<std::optional<SessionRecord>> load(const std::string& cookie, std::int64_t now) override;
    Task<std::string> create(const SessionRecord& record) override;
    Task<std::string> update(const std::string& cookie, const SessionRecord& record) override;
    Task<bool> touch(const std::string& cookie, std::int64_t now) override;
    Task<void> remove(const std::string& cookie) override;
    Task<std::uint64_t> remove_expired(std::int64_t created, std::int64_t used) override;

private:
    db::Session& database_;
};

}  // namespace caropig::web
