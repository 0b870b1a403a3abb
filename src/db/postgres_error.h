#pragma once

#include <caropig/db/error.h>

#include <span>
#include <string>
#include <string_view>

/// \file
/// What PostgreSQL says of a failure, and what of that may be told.
namespace caropig::db {

/// A failure, as the server or libpq has put it.
struct PostgresFailure {
    std::string sql_state;  ///< Empty: libpq's own.
    std::string message;    ///< One line. DETAIL and HINT, which quote rows, are no part of it.
    bool lost = false;      ///< The connection is gone.
};

/// What a failure in use means. Of a connection that broke in a statement nobody knows what became of it.
Error::Kind postgres_error_kind(const PostgresFailure& failure) noexcept;

/// `message` without what may be an argument: of class 22 (data exceptions), whose messages quote the value, all that
/// stands in quotation marks; of the others (a RAISE in a function of the database's, say) each of `arguments` that
/// occurs in it verbatim and has at least 3 bytes.
std::string redact_postgres_message(std::string_view message, std::string_view sql_state,
                                    std::span<const std::string> arguments);

/// libpq's text about a connection that could not be made, with PQERRORS_VERBOSE, taken apart: 'connection to server
/// at "::1", port 5432 failed: FATAL:  28P01: password …\nLOCATION: …'.
PostgresFailure parse_connect_failure(std::string_view text);

/// The first line of `text`.
std::string_view first_line(std::string_view text) noexcept;

}  // namespace caropig::db
