#pragma once

#include <caropig/web/json_item.h>

#include <initializer_list>
#include <string>

#include <boost/json/fwd.hpp>

namespace caropig::web {

/// A value as text, to the byte what boost::json::serialize() makes of it. That one can stop at any byte and go on
/// later, which is half of its time for a small value; here the string grows instead. Recursive as that one is.
[[nodiscard]] std::string json_text(const boost::json::value& value);

/// The same for the value that boost::json::value would be made of such a list.
[[nodiscard]] std::string json_text(std::initializer_list<JsonItem> items);

}  // namespace caropig::web
