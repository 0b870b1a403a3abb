#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace caropig::db {

/// A statement in PostgreSQL's own notation.
struct NumberedStatement {
    std::string sql;
    std::size_t placeholders = 0;  ///< How many `?` became $1, $2 …
    bool has_numbers = false;      ///< The text had $1, $2 … of its own.
};

/// Makes $1, $2 … of each `?` that stands for an argument, and the operator `?` of `??` (so the operators ?| and ?& are
/// written ??| and ??&). What PostgreSQL does not read as code is left alone: '…', E'…', "…", $tag$…$tag$, comments,
/// nested ones too. A placeholder never merges with what is next to it: a space is put between where it would. Strings
/// are read as with standard_conforming_strings on, which the driver sets. (PostgreSQL 15 manual, 4.1)
NumberedStatement number_placeholders(std::string_view sql);

}  // namespace caropig::db
