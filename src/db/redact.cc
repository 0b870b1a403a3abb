#include "db/redact.h"

namespace caropig::db {

std::string redact_values(std::string_view message) {
    constexpr std::string_view kMarks = "'\"";
    const std::size_t first = message.find_first_of(kMarks);
    if (first == std::string_view::npos) return std::string(message);
    const std::size_t last = message.find_last_of(kMarks);
    std::string result(message.substr(0, first + 1));
    result += "...";
    // A message that was cut off inside of a value has no second mark, and nothing after the first may be shown.
    if (last != first) result += message.substr(last);
    return result;
}

}  // namespace caropig::db
