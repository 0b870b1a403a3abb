#include "web/crypto.h"
#include "web/session_json.h"
#include <caropig/base/error.h>
#include <caropig/db/session.h>
#include <caropig/web/database_session_store.h>

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace caropig::web {
namespace {

constexpr std::size_t kIdBytes = 32;
constexpr std::size_t kMaxDataBytes = 60'000;

/// Whether the cookie can be one of ours at all: nothing else is worth a query.
bool is_id(const std::string& cookie) { return cookie.size() == kIdBytes * 2 && crypto::from_hex(cookie); }

std::string text_of(const boost::json::object& values) {
    std::string text = ascii_session_json(values);
    if (text.size() > kMaxDataBytes) {
        throw LimitError("a session of " + std::to_string(text.size()) + " bytes is too large for its table (" +
                         std::to_string(kMaxDataBytes) + " bytes)");
    }
    return text;
}

}  // namespace

Task<void> create_session_table(db::Session& database) {
    try {
        co_await database.execute(
            "CREATE TABLE IF NOT EXISTS caropig_sessions (id CHAR(64) NOT NULL PRIMARY KEY, data TEXT NOT NULL, "
            "created BIGINT NOT NULL, used BIGINT NOT NULL)");
    } catch (const db::Error& error) {
        // PostgreSQL's IF NOT EXISTS fails so when somebody else creates it at the same time.
        if (error.kind() != db::Error::Kind::kConstraint) throw;
    }
}

Task<std::optional<SessionRecord>> DatabaseSessionStore::load(const std::string& cookie, std::int64_t) {
    if (!is_id(cookie)) co_return std::nullopt;
    std::string id = crypto::sha256(cookie);
    db::Rows rows =
        co_await database_.query("SELECT data, created, used FROM caropig_sessions WHERE id = ?", std::move(id));
    if (rows.empty()) co_return std::nullopt;
    db::Row row = rows[0];
    boost::json::error_code error;
    boost::json::value json = boost::json::parse(row.get<std::string_view>("data"), error);
    if (error || !json.is_object()) co_return std::nullopt;
    SessionRecord record{json.get_object(), row.get<std::int64_t>("created"), row.get<std::int64_t>("used")};
    co_return record;
}

Task<std::string> DatabaseSessionStore::create(const SessionRecord& record) {
    std::string cookie = crypto::to_hex(crypto::random_bytes(kIdBytes));
    std::string id = crypto::sha256(cookie);
    std::string data = text_of(record.values);
    co_await database_.execute("INSERT INTO caropig_sessions (id, data, created, used) VALUES (?, ?, ?, ?)",
                               std::move(id), std::move(data), record.created, record.used);
    co_return cookie;
}

Task<std::string> DatabaseSessionStore::update(const std::string& cookie, const SessionRecord& record) {
    std::string id = crypto::sha256(cookie);
    std::string data = text_of(record.values);
    co_await database_.execute("UPDATE caropig_sessions SET data = ?, used = ? WHERE id = ?", std::move(data),
                               record.used, std::move(id));
    co_return cookie;
}

Task<bool> DatabaseSessionStore::touch(const std::string& cookie, std::int64_t now) {
    std::string id = crypto::sha256(cookie);
    co_await database_.execute("UPDATE caropig_sessions SET used = ? WHERE id = ?", now, std::move(id));
    co_return true;
}

Task<void> DatabaseSessionStore::remove(const std::string& cookie) {
    if (!is_id(cookie)) co_return;
    std::string id = crypto::sha256(cookie);
    co_await database_.execute("DELETE FROM caropig_sessions WHERE id = ?", std::move(id));
}

Task<std::uint64_t> DatabaseSessionStore::remove_expired(std::int64_t created, std::int64_t used) {
    db::Outcome outcome =
        co_await database_.execute("DELETE FROM caropig_sessions WHERE created <= ? OR used <= ?", created, used);
    co_return outcome.affected_rows;
}

}  // namespace caropig::web
