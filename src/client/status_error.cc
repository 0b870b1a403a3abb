#include <caropig/client/status_error.h>
#include <caropig/http/status.h>

#include <fmt/format.h>

namespace caropig::client {
namespace {

std::string_view phrase(const Response& response) {
    return response.reason().empty() ? http::reason_phrase(response.status()) : std::string_view(response.reason());
}

}  // namespace

StatusError::StatusError(Response response)
    : runtime_error(fmt::format("HTTP {}: {}", response.status(), phrase(response))), response_(std::move(response)) {}

}  // namespace caropig::client
