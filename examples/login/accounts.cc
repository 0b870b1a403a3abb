#include "accounts.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tutorial {

using namespace caropig;

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMinPassword = 8;
constexpr std::size_t kMaxPassword = 1024;

}  // namespace

std::optional<std::string> account_name(std::string name) {
    for (char& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    };
    if (name.empty() || name.size() > kMaxName || !std::ranges::all_of(name, allowed)) return std::nullopt;
    return name;
}

Task<void> Accounts::create_table() {
    try {
        co_await database_.execute(
            "CREATE TABLE IF NOT EXISTS users (username VARCHAR(64) NOT NULL PRIMARY KEY, "
            "password_hash VARCHAR(255) NOT NULL)");
    } catch (const db::Error& error) {
        // PostgreSQL's IF NOT EXISTS fails so when somebody else creates it at the same time.
        if (error.kind() != db::Error::Kind::kConstraint) throw;
    }
}

Task<bool> Accounts::add(std::string name, std::string password, bool replace) {
    std::optional<std::string> stored = account_name(std::move(name));
    if (!stored) throw std::invalid_argument("a name has 1 to 64 letters, digits, dots, hyphens and underscores");
    if (password.size() < kMinPassword || password.size() > kMaxPassword) {
        throw std::invalid_argument("a password has 8 to 1024 bytes");
    }
    std::string hash = co_await hasher_.hash(std::move(password));
    bool exists = false;
    try {
        co_await database_.execute("INSERT INTO users (username, password_hash) VALUES (?, ?)", *stored, hash);
    } catch (const db::Error& error) {
        if (error.kind() != db::Error::Kind::kConstraint) throw;
        exists = true;
    }
    if (exists && replace) co_await set_password(*stored, std::move(hash));
    co_return !exists || replace;
}

Task<std::optional<std::string>> Accounts::search(std::string name, std::string password) {
    std::optional<std::string> stored = account_name(std::move(name));
    std::optional<std::string> hash;
    if (stored) {
        db::Rows rows = co_await database_.query("SELECT password_hash FROM users WHERE username = ?", *stored);
        if (!rows.empty()) hash = rows[0].get<std::string>("password_hash");
    }
    const bool right = co_await hasher_.verify(hash, password);
    if (!right) co_return std::nullopt;
    if (hasher_.needs_rehash(*hash)) {
        std::string stronger = co_await hasher_.hash(std::move(password));
        // Unless the password was changed meanwhile: then this one is the old one.
        co_await database_.execute("UPDATE users SET password_hash = ? WHERE username = ? AND password_hash = ?",
                                   stronger, *stored, *hash);
    }
    co_return stored;
}

Task<bool> Accounts::empty() {
    db::Rows rows = co_await database_.query("SELECT username FROM users LIMIT 1");
    co_return rows.empty();
}

Task<void> Accounts::set_password(std::string name, std::string hash) {
    co_await database_.execute("UPDATE users SET password_hash = ? WHERE username = ?", hash, name);
}

}  // namespace tutorial
