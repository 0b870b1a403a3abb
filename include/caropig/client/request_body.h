#pragma once

#include <caropig/async/task.h>
#include <caropig/http/headers.h>

#include <functional>
#include <string_view>

/// \file
/// A request's body that is made while it is sent.
namespace caropig::client {

/// What a producer writes to.
class RequestBody {
public:
    RequestBody() = default;
    RequestBody(const RequestBody&) = delete;
    RequestBody& operator=(const RequestBody&) = delete;

    /// Sends `data`, which must outlive the task, and waits until the operating system has taken it: a slow server
    /// slows the producer down. Throws Cancelled, and an exception of its own, which the producer should let pass, once
    /// nobody wants the rest: the server has answered already, or has gone. Throws std::length_error when more comes
    /// than was announced.
    virtual Task<void> write(std::string_view data) = 0;

    /// Fields that follow the body, such as a checksum of it. Sent where the body goes in chunks and dropped elsewhere
    /// (RFC 9112 7.1.2), so nobody may depend on them. Throws std::invalid_argument for those that must not come late
    /// (RFC 9110 6.5.1).
    void trailers(http::Headers fields);
    [[nodiscard]] const http::Headers& trailers() const noexcept { return trailers_; }

protected:
    ~RequestBody() = default;

private:
    http::Headers trailers_;
};

/// Writes the body, piece by piece, and ends when it is whole. What it throws ends the fetch with that, and closes the
/// connection. Called once for each time that the body is sent: a fetch whose producer has begun is not sent again.
using BodyProducer = std::function<Task<void>(RequestBody& body)>;

}  // namespace caropig::client
