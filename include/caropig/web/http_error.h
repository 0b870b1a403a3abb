#pragma once

#include <stdexcept>
#include <string>

/// \file
/// The way out of a handler with a status: `throw HttpError(404, "no such user")`.
namespace caropig::web {

/// Ends the request with an error page. As Tornado's HTTPError: the message goes to the log, the client sees the
/// status and its reason; in debug mode the message too.
class HttpError : public std::runtime_error {
public:
    /// `status` is 400 to 599. A check fails for others.
    explicit HttpError(int status, const std::string& message = {});

    [[nodiscard]] int status() const noexcept { return status_; }

private:
    int status_;
};

}  // namespace caropig::web
