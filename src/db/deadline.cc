#include "db/deadline.h"

#include <fmt/format.h>

namespace caropig::db {

std::string describe(std::chrono::milliseconds limit) {
    if (limit.count() % 1000 == 0) return fmt::format("{} s", limit.count() / 1000);
    return fmt::format("{} ms", limit.count());
}

}  // namespace caropig::db
