#pragma once

#include <string>

#include <boost/json/value.hpp>

namespace caropig::web {

/// Writes a session's JSON. Text that is no UTF-8, which could not be read again, is std::invalid_argument.
[[nodiscard]] std::string session_json(const boost::json::value& value);

/// The same in ASCII: a column's character set can't spoil it, and a MariaDB's default may still be latin1.
[[nodiscard]] std::string ascii_session_json(const boost::json::value& value);

}  // namespace caropig::web
