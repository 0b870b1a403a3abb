#pragma once

#include <caropig/async/task.h>
#include <caropig/client/response.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace caropig {
class ThreadPool;
}
namespace caropig::net {
class Stream;
}

/// \file
/// An answer that is read while it arrives.
namespace caropig::client {

struct Exchange;
class Pool;

/// The head of an answer, and its body piece by piece. Nothing is received but what read() asks for, so a slow reader
/// slows the server down. Destroying it before the end closes the connection. It must not outlive its client.
///
///     client::ResponseStream answer = co_await http.open(url);
///     for (std::string_view piece = co_await answer.read(); !piece.empty(); piece = co_await answer.read()) …
class ResponseStream {
public:
    ResponseStream(Pool& pool, std::unique_ptr<Exchange> exchange);
    ResponseStream(ResponseStream&&) noexcept;
    ResponseStream& operator=(ResponseStream&&) noexcept;
    ~ResponseStream();

    [[nodiscard]] int status() const noexcept { return head_.status(); }
    [[nodiscard]] const std::string& reason() const noexcept { return head_.reason(); }
    [[nodiscard]] const http::Headers& headers() const noexcept { return head_.headers(); }
    /// As Response::url().
    [[nodiscard]] const http::Url& url() const noexcept { return head_.url(); }

    /// Whether read() has something to give without waiting: a piece that has come with the head, or the end.
    [[nodiscard]] bool ready() const noexcept;
    /// Whether all of the answer has come, its trailers too: read() does not wait any more.
    [[nodiscard]] bool complete() const noexcept;

    /// The next 1 to 64 Ki bytes of the body, valid until the next call; empty at its end, after which it stays so.
    /// Throws FetchError: a deadline has passed, the connection broke, or the body exceeds max_response_bytes. Throws
    /// Cancelled; the connection is closed then.
    Task<std::string_view> read();

    /// The connection, after an answer of 101 to FetchRequest::upgrade(): its first bytes are those that came behind
    /// the head. Null for other answers, and for a second call. It must not outlive its client; destroying it closes
    /// it, when no operation of it may be pending. The request's deadlines do not apply to it.
    [[nodiscard]] std::unique_ptr<net::Stream> take_stream() noexcept;

    /// Writes the rest of the body to a new file, or over an old one, on the threads of `threads`; returns its length.
    /// When it fails or is cancelled, the file is removed. Throws as read(), and IoError that names the file.
    Task<std::uint64_t> save_to(std::string path, ThreadPool& threads);

    /// Fields after a chunked body, once read() has come to the end.
    [[nodiscard]] const http::Headers& trailers() const noexcept;

private:
    Task<void> receive();
    Task<std::string_view> read_decoded();

    Pool* pool_;
    std::unique_ptr<Exchange> exchange_;
    std::unique_ptr<net::Stream> stream_;  // after 101
    Response head_;
    std::string piece_;
    std::string coded_;  // what has come of a coded body, and how much of it has been decoded
    std::size_t decoded_ = 0;
    bool first_read_ = false;  // what came with the head has been given
};

}  // namespace caropig::client
