#pragma once

#include <caropig/client/response.h>

#include <stdexcept>

/// \file
/// For whoever wants a status other than 2xx as an exception.
namespace caropig::client {

/// The server has answered, but not with 2xx; thrown where FetchRequest::raise_error() asks for it. As Tornado's
/// HTTPError of its client. what() is "HTTP 503: Service Unavailable".
class StatusError : public std::runtime_error {
public:
    explicit StatusError(Response response);

    /// Whole after fetch(); its head after open().
    [[nodiscard]] const Response& response() const noexcept { return response_; }
    [[nodiscard]] int status() const noexcept { return response_.status(); }

private:
    Response response_;
};

}  // namespace caropig::client
