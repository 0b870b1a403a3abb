#pragma once

#include <caropig/http/headers.h>
#include <caropig/http/url.h>
#include <caropig/loop/clock.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// What to ask another server for, and how long and how much of an answer to take.
namespace caropig::client {

/// A request to send. Set what differs from the defaults, by name: `FetchRequest(url).method("PUT").body(text)`.
/// Setters refuse with std::invalid_argument, in one line, what can't be sent: nothing that goes in can end a line of
/// the request's head. A setter gives the request itself: std::move() one with a large body into fetch().
class FetchRequest {
public:
    /// `url` is an absolute http or https URL; its fragment is not sent. One with a user or password is refused: set
    /// an Authorization field instead.
    template <std::convertible_to<std::string_view> Text>
    FetchRequest(const Text& url) : FetchRequest(parse(url)) {}

    /// As it is sent: methods are case-sensitive (RFC 9110 9.1). "GET" unless set. CONNECT is refused.
    FetchRequest& method(std::string_view name);
    [[nodiscard]] const std::string& method() const noexcept { return method_; }

    /// Replaces all fields of that name. "Host" replaces what the URL says; "User-Agent" is "CaroPig/0.1" unless set.
    /// Refused are the fields that frame the message and that the client sets itself: Connection, Content-Length,
    /// Keep-Alive, TE, Trailer, Transfer-Encoding and Upgrade; and Expect, since the body is sent at once.
    FetchRequest& header(std::string_view name, std::string_view value);
    /// Adds a field after those of that name.
    FetchRequest& add_header(std::string_view name, std::string_view value);
    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }

    /// Sent with its Content-Length. Its type is up to header("Content-Type", …); none is guessed. Without a body,
    /// POST, PUT and PATCH say Content-Length: 0 (RFC 9110 8.6).
    FetchRequest& body(std::string bytes) noexcept;
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

    /// From the call to the connection: resolving the name and connecting. Zero means no limit. Tornado's default.
    FetchRequest& connect_timeout(Duration limit);
    [[nodiscard]] Duration connect_timeout() const noexcept { return connect_timeout_; }

    /// From the call to the last byte of the answer. Zero means no limit. Tornado's request_timeout and its default.
    FetchRequest& total_timeout(Duration limit);
    [[nodiscard]] Duration total_timeout() const noexcept { return total_timeout_; }

    /// Bytes of the answer's body, without the chunks' framing; more is an error. Tornado's max_body_size and its
    /// default, 100 MiB. (The head is limited to 64 KiB and 100 fields.)
    FetchRequest& max_response_bytes(std::uint64_t limit) noexcept;
    [[nodiscard]] std::uint64_t max_response_bytes() const noexcept { return max_response_bytes_; }

    [[nodiscard]] const http::Url& url() const noexcept { return url_; }

private:
    explicit FetchRequest(http::Url url);
    static http::Url parse(std::string_view text);

    http::Url url_;
    std::string method_ = "GET";
    http::Headers headers_;
    std::string body_;
    Duration connect_timeout_ = std::chrono::seconds(20);
    Duration total_timeout_ = std::chrono::seconds(20);
    std::uint64_t max_response_bytes_ = std::uint64_t{100} * 1024 * 1024;
};

}  // namespace caropig::client
