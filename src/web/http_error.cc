#include <caropig/base/check.h>
#include <caropig/http/status.h>
#include <caropig/web/http_error.h>

namespace caropig::web {
namespace {

std::string describe(int status, const std::string& message) {
    std::string text = "HTTP " + std::to_string(status) + ": " + std::string(http::reason_phrase(status));
    if (!message.empty()) text += " (" + message + ")";
    return text;
}

}  // namespace

HttpError::HttpError(int status, const std::string& message)
    : std::runtime_error(describe(status, message)), status_(status) {
    CAROPIG_CHECK(status >= 400 && status <= 599, "HttpError is for statuses from 400 to 599");
}

}  // namespace caropig::web
