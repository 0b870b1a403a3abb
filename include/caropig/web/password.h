#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/thread_pool.h>

#include <cstddef>
#include <optional>
#include <string>

/// \file
/// A password's hash must be slow to compute, or whoever steals the table of users guesses them all; a loop must not
/// wait for it, or nobody else is served meanwhile. So hashes are Argon2id's (libsodium), made by threads of their own.
namespace caropig::web {

/// What hashing costs, us and those who guess: `PasswordOptions().memory_bytes(256 * 1024 * 1024)`. Raising it later is
/// harmless: old hashes keep their own costs, and needs_rehash() tells them.
class PasswordOptions {
public:
    /// Passes over the memory: 2 unless set, libsodium's figure for interactive logins; 1 or more.
    PasswordOptions& operations(unsigned count) noexcept {
        operations_ = count;
        return *this;
    }
    /// Memory of one hash, for as long as it runs: 64 MiB unless set, libsodium's figure for interactive logins, more
    /// than OWASP asks for; a tenth of a second or less. 8 KiB or more.
    PasswordOptions& memory_bytes(std::size_t bytes) noexcept {
        memory_bytes_ = bytes;
        return *this;
    }
    /// Hashes made at the same time: 2 unless set. Each takes a core and its memory, so this is what logins may take
    /// from the rest of the service.
    PasswordOptions& threads(std::size_t count) noexcept {
        threads_ = count;
        return *this;
    }
    /// Hashes that may wait for a thread: 64 unless set, a few seconds' worth. Beyond it ThreadPoolFull says so, which
    /// a handler answers with 503.
    PasswordOptions& queue_limit(std::size_t count) noexcept {
        queue_limit_ = count;
        return *this;
    }
    /// Bytes of a password: 1024 unless set. No person types more.
    PasswordOptions& max_password_bytes(std::size_t bytes) noexcept {
        max_password_bytes_ = bytes;
        return *this;
    }

    [[nodiscard]] unsigned operations() const noexcept { return operations_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept { return memory_bytes_; }
    [[nodiscard]] std::size_t threads() const noexcept { return threads_; }
    [[nodiscard]] std::size_t queue_limit() const noexcept { return queue_limit_; }
    [[nodiscard]] std::size_t max_password_bytes() const noexcept { return max_password_bytes_; }

private:
    unsigned operations_ = 2;
    std::size_t memory_bytes_ = std::size_t{64} * 1024 * 1024;
    std::size_t threads_ = 2;
    std::size_t queue_limit_ = 64;
    std::size_t max_password_bytes_ = 1024;
};

/// Makes and verifies hashes on threads of its own; one for the program, shared by all workers. It must outlive its
/// tasks. Passwords are overwritten when they have been used; copies that the caller keeps are the caller's to mind.
///
/// Tasks throw ThreadPoolFull, std::bad_alloc where the memory can't be had, and Cancelled: one that waits for a thread
/// ends at once then, one that runs is waited for.
class PasswordHasher {
public:
    /// Throws std::invalid_argument for options that libsodium does not take.
    explicit PasswordHasher(const PasswordOptions& options = {});

    /// The text to store: ASCII of at most 127 characters, with algorithm, costs and a random salt in it. LimitError
    /// for a password longer than max_password_bytes.
    Task<std::string> hash(std::string password);

    /// Whether `hash` is of that password. Pass no hash where there is no such user: it is false after the same work,
    /// so that nobody learns from the time which names there are. The same where what is stored is no hash. A password
    /// that is too long is false at once, whoever the user is.
    Task<bool> verify(std::optional<std::string> hash, std::string password);

    /// Whether `hash` was made with other costs than this hasher's, so that a login should store a new one.
    [[nodiscard]] bool needs_rehash(const std::string& hash) const;

private:
    PasswordOptions options_;
    std::string nobody_;  // a hash of no password
    ThreadPool pool_;
};

}  // namespace caropig::web
