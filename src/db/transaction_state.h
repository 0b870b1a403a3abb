#pragma once

#include "db/database_url.h"
#include "db/pool.h"

#include <exception>
#include <string_view>

namespace caropig::db::detail {

/// An open transaction: its connection, and whether anything can still be done with it.
class TransactionState {
public:
    TransactionState(Lease lease, DatabaseUrl::Kind kind) noexcept : lease(std::move(lease)), kind(kind) {}

    /// Before each statement: throws what has doomed it, or std::logic_error where it has ended or a statement runs.
    void check() const;

    /// Notes the exception that a statement ended with.
    void statement_failed(const std::exception_ptr& exception) noexcept;

    /// Notes that the rest of a statement's rows was not wanted.
    void statement_stopped() noexcept;

    Lease lease;
    DatabaseUrl::Kind kind;
    std::exception_ptr doom;
    bool ended = false;

private:
    [[nodiscard]] std::exception_ptr doomed_by(std::string_view why) const noexcept;
};

}  // namespace caropig::db::detail
