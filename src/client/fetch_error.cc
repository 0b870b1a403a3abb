#include <caropig/client/fetch_error.h>

#include <fmt/format.h>

namespace caropig::client {

FetchError::FetchError(Kind kind, Phase phase, std::error_code code, std::string_view origin, std::string_view detail)
    : IoError(code, fmt::format("fetch {}", origin)),
      kind_(kind),
      phase_(phase),
      line_(fmt::format("{}: {}", operation(), detail)) {}

}  // namespace caropig::client
