#include <caropig/db/error.h>

#include <fmt/format.h>

namespace caropig::db {

Error::Error(Kind kind, std::string_view database, std::string_view statement, std::string_view message,
             std::string sql_state, int server_code, std::error_code code, std::string_view shown)
    : IoError(code, std::string(database)),
      kind_(kind),
      server_code_(server_code),
      sql_state_(std::move(sql_state)),
      message_(message),
      statement_(statement),
      line_(fmt::format("{}: {}{}{}", database, statement, statement.empty() ? "" : ": ",
                        shown.empty() ? message : shown)) {
    if (!sql_state_.empty()) line_ += fmt::format(" ({})", sql_state_);
}

}  // namespace caropig::db
