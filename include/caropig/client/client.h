#pragma once

#include <caropig/async/task.h>
#include <caropig/client/client_options.h>
#include <caropig/client/fetch_error.h>
#include <caropig/client/fetch_request.h>
#include <caropig/client/response.h>
#include <caropig/client/response_stream.h>
#include <caropig/client/status_error.h>
#include <caropig/loop/loop.h>

#include <memory>

/// \file
/// Talking to other web services from a coroutine, without holding up anybody: `co_await client::fetch(url)`.
namespace caropig::client {

class Connector;
class Pool;
class Resilience;

/// An HTTP/1.1 client on one loop; used on its thread only. `loop.local<HttpClient>()` is the one that a loop has
/// anyway, as tornado.httpclient.AsyncHTTPClient(). It keeps connections and uses them again (PoolOptions).
class HttpClient {
public:
    /// `loop` must outlive the client, and the client its fetches.
    explicit HttpClient(Loop& loop, ClientOptions options = {});
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient();

    /// Sends the request and gives the whole answer, once its last byte has come. Interim answers (1xx) are skipped,
    /// bytes beyond the answer's end ignored. A server that answers before it has read all of the request, and closes,
    /// is heard. Throws FetchError when there is no answer, whatever the reason; statuses are values, unless
    /// raise_error() asks for StatusError.
    ///
    /// A request goes out again only on a kept connection that turns out to be dead, once, where not a byte of it was
    /// taken or where it is idempotent, and no byte of an answer has come; and as ResilienceOptions say.
    ///
    /// When the awaiting coroutine is cancelled, the connection is closed at once, before Cancelled is thrown.
    Task<Response> fetch(FetchRequest request);

    /// As fetch(), but ends with the answer's head; the body is read from what it gives. total_timeout() goes on over
    /// the body: set it to zero for a stream without an end, and between_bytes_timeout() to notice a silent one.
    Task<ResponseStream> open(FetchRequest request);

    /// Connections that are open, and those of them that wait for the next fetch; fetches that wait for a connection.
    struct Counts {
        std::size_t open = 0;
        std::size_t idle = 0;
        std::size_t waiting = 0;
    };
    [[nodiscard]] Counts counts() const noexcept;

private:
    std::unique_ptr<Connector> connector_;
    std::unique_ptr<Pool> pool_;
    std::unique_ptr<Resilience> resilience_;  // null: nothing of it is on
};

/// The same, by `local<HttpClient>()` of the loop that the awaiting coroutine runs on.
Task<Response> fetch(FetchRequest request);
Task<ResponseStream> open(FetchRequest request);

}  // namespace caropig::client
