#pragma once

#include <cstdint>
#include <optional>

/// \file
/// What is known of a statement once it has ended, beside the rows that it gave.
namespace caropig::db {

struct Outcome {
    /// Rows that were inserted, deleted, or matched by an UPDATE; for a SELECT, what the database says.
    std::uint64_t affected_rows = 0;
    /// The key that the database made for the inserted row, where it made one and says so: AUTO_INCREMENT, SQLite's
    /// rowid. PostgreSQL never does: use INSERT … RETURNING.
    std::optional<std::uint64_t> last_insert_id;
};

}  // namespace caropig::db
