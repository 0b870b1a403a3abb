#pragma once

#include <caropig/async/task.h>
#include <caropig/http/cookie.h>
#include <caropig/http/headers.h>
#include <caropig/net/stream.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// What a handler answers with.
namespace caropig::http {
class ContentEncoder;
}
namespace caropig::server {
class Exchange;
}

namespace caropig::web {

class Request;

/// Where a streamed response is written to.
class BodyWriter {
public:
    /// `trailers` must outlive it.
    BodyWriter(server::Exchange& exchange, http::Headers& trailers) noexcept
        : exchange_(&exchange), trailers_(&trailers) {}
    /// The same, with what is written compressed on its way. `encoder` must outlive it.
    BodyWriter(const BodyWriter& other, http::ContentEncoder& encoder) noexcept
        : exchange_(other.exchange_), trailers_(other.trailers_), encoder_(&encoder) {}

    /// Sends a piece, and waits until the connection has taken it: awaiting it is the flow control. `data` must outlive
    /// the task. Throws IoError when the client has gone, Cancelled.
    Task<void> write(std::string_view data);
    /// Sends `count` bytes of an open file from `offset` on, without a copy where the connection and the response allow
    /// it; see server::Exchange::write_file(). `file` must stay open until the task has ended.
    Task<void> write_file(int file, std::uint64_t offset, std::uint64_t count);

    /// A field that follows the body, such as a checksum of it. Sent where the body is chunked and dropped elsewhere
    /// (RFC 9112 7.1.2): nobody may depend on it. Fields that must not come late, as those that frame or route a
    /// message (RFC 9110 6.5.1), are std::invalid_argument, and so is what could end a line.
    void add_trailer(std::string_view name, std::string_view value);

private:
    Task<void> write_file_coded(int file, std::uint64_t offset, std::uint64_t count);
    Task<void> write_coded(std::string_view data);

    server::Exchange* exchange_;
    http::Headers* trailers_;
    http::ContentEncoder* encoder_ = nullptr;
};

/// A response: status, header fields, and a body, either whole or produced piece by piece.
/// The server adds Date, Server, Content-Length or Transfer-Encoding, and Connection; setting those that frame the
/// message is an error, and so is any name or value that could end a line (std::invalid_argument).
class Response {
public:
    /// Called after the head was sent; the response ends when its task does. Captures live until then. For HEAD it is
    /// not called.
    using Producer = std::move_only_function<Task<void>(BodyWriter&)>;
    /// Makes the response that is sent. Captures live until it has been made.
    using Maker = std::move_only_function<Task<Response>()>;
    /// Speaks another protocol on the connection, which ends with its task. Captures live until then.
    using Session = std::move_only_function<Task<void>(net::Stream&)>;

    Response() = default;
    // NOLINTBEGIN(google-explicit-constructor): a handler may simply return its text.
    /// 200 with this text as text/html; charset=UTF-8, as Tornado's default.
    Response(std::string body) : body_(std::move(body)) {}
    Response(std::string_view body) : body_(body) {}
    Response(const char* body) : body_(body) {}
    // NOLINTEND(google-explicit-constructor)
    /// A status from 200 to 599 (others: std::invalid_argument), with this text as HTML.
    Response(int status, std::string body);

    /// Plain text.
    [[nodiscard]] static Response text(std::string body, int status = 200);
    /// A body of unknown length, sent chunked (until close to an HTTP/1.0 client) while `producer` writes it.
    [[nodiscard]] static Response stream(Producer producer);
    /// A body of `length` bytes that `producer` writes; fewer or more is an error that closes the connection.
    [[nodiscard]] static Response stream(std::uint64_t length, Producer producer);
    /// A body that others share, such as a cache: it is sent from where it is, and `owner` keeps it alive until then.
    /// Where it lies in a file too (a memfd, for instance), a socket sends it from there without a copy; `owner` keeps
    /// that open, and nobody may write to it.
    [[nodiscard]] static Response shared(std::string_view body, std::shared_ptr<const void> owner, InFile in_file = {});
    /// For a handler that can answer most requests at once but must wait for some: the response is what `maker`'s task
    /// gives, and nothing that is set on this one counts. The request is gone by then: take what is needed of it along.
    [[nodiscard]] static Response later(Maker maker);
    /// 101 (Switching Protocols): from then on the connection is `session`'s, which reads first what the client had
    /// sent behind its request. HTTP's deadlines no longer apply; the session is cancelled when the client has gone for
    /// good, and as soon as the server begins to stop. A client that does not offer `protocol` with this request, in a
    /// way that RFC 9110 7.8 allows, is answered 426 (Upgrade Required) instead.
    [[nodiscard]] static Response upgrade(const Request& request, std::string_view protocol, Session session);
    /// To `url`: 302, or 301 when it is permanent. As Tornado's redirect.
    [[nodiscard]] static Response redirect(std::string_view url, bool permanent = false);

    /// 200 to 599.
    Response& status(int status);
    /// Replaces the field.
    Response& header(std::string_view name, std::string_view value);
    /// Adds a field beside those of the same name.
    Response& add_header(std::string_view name, std::string_view value);
    /// Removes all fields of that name.
    Response& remove_header(std::string_view name);
    /// Replaces all fields by these, the content type included; framing fields are errors here too.
    Response& headers(http::Headers headers);
    /// Adds to the body.
    Response& append(std::string_view text);
    /// For instance "application/json". Empty: none.
    Response& content_type(std::string_view type);
    /// The same for text that lives for ever, such as a literal: costs nothing.
    Response& static_content_type(std::string_view type) noexcept;

    // Cookies. As in Tornado, one that is set again replaces the one before, and the browser sends it with its next
    // request, not before. Mistakes are std::invalid_argument, see http::format_set_cookie().

    Response& set_cookie(std::string_view name, std::string_view value, const http::CookieOptions& options = {});
    /// Makes the browser forget a cookie: `options` must have the path and the domain that it was set with.
    Response& clear_cookie(std::string_view name, const http::CookieOptions& options = {});
    /// Sets a cookie that only this application can make, with any bytes as its value; signed, not encrypted. `request`
    /// is the one that is answered: its application has the secret (std::logic_error when it has none), and may demand
    /// Secure. Unless other options are given they are those of signed_cookie_options().
    Response& set_signed_cookie(const Request& request, std::string_view name, std::string_view value);
    Response& set_signed_cookie(const Request& request, std::string_view name, std::string_view value,
                                http::CookieOptions options);

    [[nodiscard]] int status() const noexcept { return status_; }
    /// The body, unless it is shared or streamed.
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }

private:
    friend class ResponseSender;
    friend class ResponseCoding;
    void put_cookie(std::string_view name, std::string_view field);

    static constexpr std::string_view kHtml = "text/html; charset=UTF-8";

    /// What few responses have, kept out of the many.
    struct Special {
        Producer producer;
        std::optional<std::uint64_t> length;
        Maker later;
        Session session;
        std::string protocol;
        std::string_view shared;
        std::shared_ptr<const void> owner;
        InFile in_file;
    };

    http::Headers headers_;
    std::string body_;
    std::unique_ptr<Special> special_;
    std::string_view content_type_ = kHtml;  // static text; others are a field of headers_
    int status_ = 200;
};

}  // namespace caropig::web
