#pragma once

#include <string>

#include <boost/json/fwd.hpp>

namespace caropig::web {

/// A value as text, to the byte what boost::json::serialize() makes of it. That one can stop at any byte and go on
/// later, which is half of its time for a small value; here the string grows instead. Recursive as that one is.
[[nodiscard]] std::string json_text(const boost::json::value& value);

}  // namespace caropig::web
