#pragma once

#include <stdexcept>
#include <string>

/// \file
/// The ways out of a handler: with a status, `throw HttpError(404, "no such user")`, or with the response as it is.
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

/// Ends a RequestHandler's prepare() or method from any depth, without an error: what it has written so far is the
/// response. As Tornado's Finish. No std::exception, so that a handler's own catch clauses let it pass.
class Finish {};

}  // namespace caropig::web
