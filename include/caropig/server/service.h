#pragma once

#include <caropig/async/task.h>
#include <caropig/base/bytes.h>
#include <caropig/http/headers.h>
#include <caropig/http/method.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// What a server asks to answer its requests: the seam between the protocol and the web layer.
namespace caropig {
class Loop;
}
namespace caropig::net {
class Stream;
}

namespace caropig::server {

class Connection;
struct Activity;

/// The request's body is not what it should be, or came too slowly. Its status is the answer that it deserves.
class BodyError : public std::runtime_error {
public:
    /// `limit` is the name of the option that was exceeded, if one was; it must be a literal.
    BodyError(int status, const std::string& message, std::string_view limit = {})
        : std::runtime_error(message), status_(status), limit_(limit) {}
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] std::string_view limit() const noexcept { return limit_; }

private:
    int status_;
    std::string_view limit_;
};

/// The head of a response. `content_type` may be empty; `fields` are complete lines "Name: value\r\n" without those
/// that frame the message (Content-Length, Transfer-Encoding, Connection), Date and Server: the server writes these.
struct ResponseHead {
    int status = 200;
    std::string_view content_type;
    std::string_view fields;
};

/// Who has sent a request, and what for: through the proxies that are trusted (ProxyOptions), or as the connection has
/// it.
struct ClientInfo {
    std::string ip;                    ///< "192.0.2.1", "2001:db8::1"; "unix" on a Unix-domain socket
    std::string_view scheme = "http";  ///< "http" or "https"
    std::string_view host;             ///< "host" or "host:port"; empty only for HTTP/1.0
};

/// One request and its response. Valid from Service::serve() until the response has been written, or the task given
/// to run() has ended. Used on the connection's loop.
class Exchange {
public:
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // The request. Views are valid as long as the exchange; own_head() moves them, see there.
    [[nodiscard]] http::Method method() const noexcept;
    [[nodiscard]] std::string_view method_text() const noexcept;
    /// As received: "/path?query", or an absolute URL.
    [[nodiscard]] std::string_view target() const noexcept;
    /// The target's path, still percent-encoded, and its query without the question mark.
    [[nodiscard]] std::string_view path() const noexcept { return path_; }
    [[nodiscard]] std::string_view query() const noexcept { return query_; }
    [[nodiscard]] std::string_view host() const noexcept;
    [[nodiscard]] int minor_version() const noexcept;
    [[nodiscard]] http::HeadersView headers() const noexcept;
    /// Whether a body follows the head (of length 0 counts as none).
    [[nodiscard]] bool has_body() const noexcept;
    /// The body's length, if the head says it.
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept;
    /// Who sent it, as Stream::peer().
    [[nodiscard]] std::string peer() const;
    /// The client behind trusted proxies: found anew by each call, from peer() and the fields. Its views are as those
    /// above.
    [[nodiscard]] ClientInfo client() const;
    /// Whether proxies are trusted at all: where none is, client() shows the connection.
    [[nodiscard]] bool trusts_proxies() const noexcept;
    [[nodiscard]] Loop& loop() const noexcept;
    /// When its head was complete, by the loop's clock in nanoseconds since an arbitrary moment.
    [[nodiscard]] std::int64_t started() const noexcept { return started_; }

    // The answer, in one piece.

    /// Sends a response with `body`; once, and not after start_response(). For HEAD, 204 and 304 the body is left out.
    void respond(const ResponseHead& head, std::string_view body);
    /// The same for a body that is worth moving instead of copying.
    void respond(const ResponseHead& head, std::string&& body);
    /// The same for a body that others share: it is sent from where it is, and `owner` keeps it alive until then, and
    /// the file that it lies in too, if it does.
    void respond(const ResponseHead& head, std::string_view body, std::shared_ptr<const void> owner,
                 InFile in_file = {});
    /// What a handler that was cancelled stands for in a log: 503 after its deadline or a stop, 499 (nginx's word) when
    /// the client has gone, 101 when it spoke another protocol.
    [[nodiscard]] int status_if_cancelled() const noexcept;
    /// Whether a response has been sent or begun.
    [[nodiscard]] bool responded() const noexcept { return responded_; }

    // Waiting: requests with a body, coroutines, streamed responses.

    /// Runs `task` as this request's handler: cancelled when the client goes, when the deadline passes or when the
    /// server stops. The request ends with it; unanswered, it is answered 500. Call own_head() before making the task.
    void run(Task<void> task);

    /// Copies the head to memory that lives as long as the exchange, so that a task may wait. Views of path, query,
    /// headers and target taken before must be taken again; rebase() does so for others.
    void own_head();
    /// The new place of a view into the request's head taken before own_head().
    [[nodiscard]] std::string_view rebase(std::string_view view) const noexcept;

    /// The next piece of the body, valid until the next call; nothing at its end. Sends "100 Continue" where the
    /// client waits for it. Nothing is read ahead beyond the option read_ahead_bytes.
    /// With the option decompress_requests it is given decoded; what headers() and content_length() say is then of the
    /// body as it was sent. Throws BodyError (400, 408, 413, 415), Cancelled when the client has gone.
    Task<std::optional<std::string_view>> read_body();
    /// The rest of the body as a whole. As read_body().
    Task<std::string> read_whole_body();
    /// Fields that followed the body, once it has been read to its end: without those that frame, route, authenticate
    /// or describe a message, which must not come late (RFC 9110 6.5.1). Treat them as less trusted than headers().
    [[nodiscard]] const http::Headers& trailers() const noexcept;
    /// Another limit than the option max_body_bytes, for this request; before its body is read.
    void set_max_body_bytes(std::uint64_t limit) noexcept;
    /// The same for the option max_inflated_bytes.
    void set_max_inflated_bytes(std::uint64_t limit) noexcept;
    /// Whether read_body() decodes what has a Content-Encoding: the option decompress_requests.
    [[nodiscard]] bool decodes_body() const noexcept;

    /// Begins a response whose body follows by write(): with Content-Length when `length` is known, else chunked (or
    /// until close, for HTTP/1.0).
    void start_response(const ResponseHead& head, std::optional<std::uint64_t> length);
    /// Writes a piece of the body and waits until the connection has taken it. `data` must outlive the task. Throws
    /// IoError when the client is gone, Cancelled.
    Task<void> write(std::string_view data);
    /// Writes `count` bytes of an open file from `offset` on, as write(): a socket takes them from the kernel's memory,
    /// 256 KiB at a time, and other streams get them read in pieces. `file` must stay open until the task has ended;
    /// its own position does not count. Throws IoError as write() and where the file can't be read, std::runtime_error
    /// where it ends before that, which leaves a body of known length too short: the connection is closed.
    Task<void> write_file(int file, std::uint64_t offset, std::uint64_t count);
    /// Ends the body; missing bytes of a known length close the connection.
    Task<void> finish();
    /// The same with fields after the body, which must live until the task has ended. They are sent where the body is
    /// chunked, and dropped elsewhere: a body with a length has no place for them (RFC 9112 7.1.2).
    Task<void> finish(const http::Headers& trailers);

    /// Sends an interim response before the response: 103 (Early Hints) with Link fields, or 102. `fields` as in
    /// ResponseHead. HTTP/1.0 clients know no interim responses and get nothing (RFC 9110 15.2).
    void inform(int status, std::string_view fields);

    // Another protocol on the same connection (RFC 9110 7.8).

    /// Whether the client offers to go on with `protocol` ("websocket"; case does not matter) and may be taken at its
    /// word: in HTTP/1.1, named by Upgrade, which Connection names, without "close"; nothing of a body is unread, and
    /// nothing was answered.
    [[nodiscard]] bool offers_upgrade(std::string_view protocol) const noexcept;

    /// Answers 101 (Switching Protocols) with `fields` (as in ResponseHead, without Upgrade and Connection) and gives
    /// the connection to the handler, which runs in run(): a stream whose first bytes are those that the client had
    /// sent behind the request. It is the exchange's, and valid until the handler's task ends, which ends the
    /// connection; no operation of it may be pending then. What the handler sends must have been awaited. HTTP's
    /// deadlines and limits do not apply any more. The connection counts as open, and its handler is cancelled when the
    /// client is gone for good, and as soon as the server begins to stop, which gives it shutdown_timeout for a
    /// goodbye. Throws std::logic_error unless offers_upgrade(protocol), IoError when the client has gone, Cancelled.
    Task<net::Stream*> upgrade(std::string_view protocol, std::string_view fields = {});
    /// Whether upgrade() was called, so that there is nothing to answer.
    [[nodiscard]] bool upgraded() const noexcept;

protected:
    Exchange() = default;
    ~Exchange() = default;

private:
    friend class Connection;
    [[nodiscard]] Activity& activity() noexcept;
    [[nodiscard]] const Activity& activity() const noexcept;
    [[nodiscard]] Connection& connection() const noexcept;

    std::string_view path_;
    std::string_view query_;
    std::int64_t started_ = 0;
    bool responded_ = false;
};

/// Answers requests. One service is shared by all workers: serve() is called on many threads at a time.
class Service {
public:
    virtual ~Service() = default;

    /// Answers `exchange`: by respond() before it returns, or by run(). It must not throw.
    virtual void serve(Exchange& exchange) noexcept = 0;
};

}  // namespace caropig::server
