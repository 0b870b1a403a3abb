#pragma once

#include <caropig/async/task.h>
#include <caropig/client/fetch_error.h>
#include <caropig/client/fetch_request.h>
#include <caropig/client/options.h>
#include <caropig/client/response.h>
#include <caropig/net/stream.h>

#include <memory>

/// \file
/// Talking to other web services from a coroutine, without holding up anybody: `co_await client::fetch(url)`.
namespace caropig::client {

class Connector;
struct Exchange;

/// An HTTP/1.1 client on one loop; used on its thread only. `loop.local<HttpClient>()` is the one that a loop has
/// anyway, as tornado.httpclient.AsyncHTTPClient(). Each fetch has a connection of its own, which is closed with it.
class HttpClient {
public:
    /// `loop` must outlive the client, and the client its fetches. Throws std::invalid_argument where the environment
    /// is to name the proxies and does not.
    explicit HttpClient(Loop& loop, ConnectionOptions options = {});
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient();

    /// Sends the request and gives the whole answer, once its last byte has come. Interim answers (1xx) are skipped,
    /// bytes beyond the answer's end ignored. A server that answers before it has read all of the request, and closes,
    /// is heard. Throws FetchError when there is no answer, whatever the reason; statuses are values.
    ///
    /// When the awaiting coroutine is cancelled, the connection is closed at once, before Cancelled is thrown.
    Task<Response> fetch(FetchRequest request);

private:
    friend Task<Response> fetch(FetchRequest request);
    Task<std::unique_ptr<net::Stream>> connect(Loop& loop, Exchange& exchange);

    std::unique_ptr<Connector> connector_;
};

/// The same, by `local<HttpClient>()` of the loop that the awaiting coroutine runs on.
Task<Response> fetch(FetchRequest request);

}  // namespace caropig::client
