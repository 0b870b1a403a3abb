#pragma once

#include <caropig/http/headers.h>
#include <caropig/http/url.h>

#include <string>
#include <string_view>
#include <utility>

/// \file
/// What another server has answered.
namespace caropig::client {

/// A whole answer, whatever its status: 404 and 500 are values, and so is a redirect that was not followed.
class Response {
public:
    Response() = default;
    Response(int status, std::string reason, http::Headers headers, std::string body = {})
        : status_(status), reason_(std::move(reason)), headers_(std::move(headers)), body_(std::move(body)) {}

    /// 200 to 999; 0 for one that was made empty.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// The text after the status, which may be empty; it comes from the peer and means nothing (RFC 9112 4).
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }
    /// Without the chunks' framing; in its Content-Encoding unless FetchRequest::decompress() was asked for.
    [[nodiscard]] const std::string& body() const& noexcept { return body_; }
    [[nodiscard]] std::string body() && noexcept { return std::move(body_); }
    Response& body(std::string bytes) noexcept {
        body_ = std::move(bytes);
        return *this;
    }

    /// Who has answered: the request's URL, or where redirects have led. As Tornado's effective_url.
    [[nodiscard]] const http::Url& url() const noexcept { return url_; }
    Response& url(http::Url url) noexcept {
        url_ = std::move(url);
        return *this;
    }

    /// Fields that came after a chunked body. Never among headers(): they must not frame, route or authenticate.
    [[nodiscard]] const http::Headers& trailers() const noexcept { return trailers_; }
    Response& trailers(http::Headers fields) noexcept {
        trailers_ = std::move(fields);
        return *this;
    }

private:
    int status_ = 0;
    std::string reason_;
    http::Headers headers_;
    std::string body_;
    http::Headers trailers_;
    http::Url url_;
};

}  // namespace caropig::client
