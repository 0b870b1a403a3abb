#pragma once

#include <caropig/client/fetch_error.h>
#include <caropig/client/fetch_request.h>
#include <caropig/client/response.h>
#include <caropig/net/stream.h>

#include <string>
#include <utility>

namespace caropig::client {

/// One fetch while it lasts: what is asked, how far it has come, and what was answered. It lives in one place, and the
/// steps refer to it: each of thousands of waiting fetches holds it once.
struct Exchange {
    explicit Exchange(FetchRequest asked) noexcept : request(std::move(asked)) {}

    FetchRequest request;  ///< its body is dropped once it is sent
    FetchError::Phase phase = FetchError::Phase::kResolve;
    bool absolute_target = false;     ///< the request line names the whole URL: it goes to a proxy
    std::string proxy_authorization;  ///< for that proxy; empty: none
    Response response;
};

/// Sends the request over a connected stream and takes the response, which it leaves in `exchange`. Both must outlive
/// the task. Neither closes the stream nor knows of deadlines. Throws FetchError, Cancelled.
Task<void> fetch_over(net::Stream& stream, Exchange& exchange);

}  // namespace caropig::client
