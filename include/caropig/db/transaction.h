#pragma once

#include <caropig/async/task_group.h>
#include <caropig/db/session.h>

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

/// \file
/// Several statements that take effect together or not at all: see Database::transaction().
namespace caropig::db {

namespace detail {
class TransactionState;
}

/// How far transactions that run side by side are kept apart; the SQL standard's words.
enum class Isolation { kDefault, kReadCommitted, kRepeatableRead, kSerializable };

/// `TransactionOptions().isolation(Isolation::kSerializable).read_only(true)`.
class TransactionOptions {
public:
    /// The server's own default unless set. SQLite's transactions are always serializable.
    TransactionOptions& isolation(Isolation isolation) noexcept {
        isolation_ = isolation;
        return *this;
    }
    /// Not unless set. In SQLite one that may write locks the database for other writers from its start, so that it
    /// can't fail half way for want of that lock; one that only reads doesn't.
    TransactionOptions& read_only(bool read_only) noexcept {
        read_only_ = read_only;
        return *this;
    }

    [[nodiscard]] Isolation isolation() const noexcept { return isolation_; }
    [[nodiscard]] bool read_only() const noexcept { return read_only_; }

private:
    Isolation isolation_ = Isolation::kDefault;
    bool read_only_ = false;
};

/// An open transaction, for the body of Database::transaction(): one statement at a time.
///
/// A statement that failed in a way that leaves nothing to go on with dooms it: a deadlock, a broken connection, a
/// deadline, a cancellation, and in PostgreSQL any error at all. Every statement after that throws the same error, and
/// so does the end, even if the body has caught it: what was not committed is never taken for committed.
class Transaction final : public Session {
public:
    explicit Transaction(std::unique_ptr<detail::TransactionState> state) noexcept;
    Transaction(Transaction&& other) noexcept;
    ~Transaction();

    /// Undoes all of it now. The body may end normally afterwards; a further statement throws std::logic_error.
    Task<void> rollback();

    /// For Database::transaction(): commits, or rolls back and throws `failure`.
    Task<void> finish(std::exception_ptr failure);

private:
    Task<Rows> run_query(detail::Statement statement) override;
    Task<Outcome> run_execute(detail::Statement statement) override;
    Task<RowStream> run_stream(detail::Statement statement) override;

    std::unique_ptr<detail::TransactionState> state_;
};

namespace detail {

template <class Body>
concept TransactionBody = std::invocable<Body&, Transaction&> &&
                          caropig::detail::is_task<std::remove_cvref_t<std::invoke_result_t<Body&, Transaction&>>>;

/// Owns the body for as long as its transaction lasts.
template <class Body>
std::invoke_result_t<Body&, Transaction&> run_transaction(Task<Transaction> beginning, Body body) {
    using T = typename std::invoke_result_t<Body&, Transaction&>::value_type;
    Transaction transaction = co_await std::move(beginning);
    std::optional<caropig::detail::ValueOf<T>> value;
    std::exception_ptr failure;
    try {
        Task<T> running = std::invoke(body, transaction);
        if constexpr (std::is_void_v<T>) {
            co_await std::move(running);
            value.emplace();
        } else {
            value.emplace(co_await std::move(running));
        }
    } catch (...) {
        failure = std::current_exception();
    }
    Task<void> finishing = transaction.finish(std::move(failure));
    co_await std::move(finishing);
    if constexpr (!std::is_void_v<T>) co_return *std::move(value);
}

}  // namespace detail
}  // namespace caropig::db
