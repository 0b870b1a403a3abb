#pragma once

#include <caropig/client/request_body.h>
#include <caropig/http/headers.h>
#include <caropig/http/url.h>
#include <caropig/loop/clock.h>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/fwd.hpp>

/// \file
/// What to ask another server for, and how long and how much of an answer to take.
namespace caropig::client {

class CookieJar;
class DigestAuth;
class FileBody;
class MultipartForm;

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
    /// Keep-Alive, TE, Trailer, Transfer-Encoding and Upgrade; and Expect: see expect_continue().
    FetchRequest& header(std::string_view name, std::string_view value);
    /// Adds a field after those of that name.
    FetchRequest& add_header(std::string_view name, std::string_view value);
    /// Removes all fields of that name.
    FetchRequest& remove_header(std::string_view name);
    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }
    /// Replaces all fields by these; those that header() refuses are refused here too.
    FetchRequest& headers(http::Headers fields);

    /// Whether "User-Agent: CaroPig/0.1" is added where there is none. True; who relays the requests of others says
    /// nothing in their name.
    FetchRequest& names_itself(bool does) noexcept;
    [[nodiscard]] bool names_itself() const noexcept { return names_itself_; }

    /// Sends "TE: trailers": whoever reads the answer wants the fields behind its body (RFC 9110 10.1.4). Off unless
    /// set.
    FetchRequest& wants_trailers(bool does) noexcept;
    [[nodiscard]] bool wants_trailers() const noexcept { return wants_trailers_; }

    /// Offers to go on with `protocol` ("websocket", "name/version") on the connection (RFC 9110 7.8); for
    /// HttpClient::open(). Where the server agrees, the answer has the status 101, and its take_stream() the
    /// connection.
    FetchRequest& upgrade(std::string_view protocol);
    [[nodiscard]] const std::string& upgrade() const noexcept { return upgrade_; }

    /// Sent with its Content-Length. Its type is up to header("Content-Type", …); none is guessed. Without a body,
    /// POST, PUT and PATCH say Content-Length: 0 (RFC 9110 8.6).
    FetchRequest& body(std::string bytes) noexcept;
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    /// Moves the body out: for the client, when it sends it.
    [[nodiscard]] std::string take_body() noexcept { return std::exchange(body_, {}); }

    /// The body is what `producer` writes, instead of a string: in chunks, or with a Content-Length where `length` is
    /// known; it must write exactly that much.
    FetchRequest& body_from(BodyProducer producer, std::optional<std::uint64_t> length = std::nullopt);
    [[nodiscard]] const BodyProducer& producer() const noexcept { return producer_; }
    [[nodiscard]] std::optional<std::uint64_t> produced_length() const noexcept { return produced_length_; }

    /// Sends Expect: 100-continue and the body only once the server agrees, or after `wait`, since old servers don't
    /// answer it; not at all where it refuses. Zero, the default: sends the body at once. Without a body it does
    /// nothing. As Tornado's expect_100_continue.
    FetchRequest& expect_continue(Duration wait);
    [[nodiscard]] Duration expect_continue() const noexcept { return expect_continue_; }

    /// Whether doing it twice is the same as doing it once: then it is sent again on a new connection where one that
    /// was kept turns out to be dead. Unless set, GET, HEAD, PUT, DELETE, OPTIONS and TRACE are (RFC 9110 9.2.2).
    FetchRequest& idempotent(bool is) noexcept;
    [[nodiscard]] bool idempotent() const noexcept { return idempotent_.value_or(idempotent_method()); }

    /// Whether the client's ResilienceOptions hold for it. True; false for a probe that is to see the server as it is.
    FetchRequest& resilient(bool is) noexcept;
    [[nodiscard]] bool resilient() const noexcept { return resilient_; }

    /// From the place in the pool to the connection: resolving the name and connecting. Zero means no limit. Tornado's
    /// default.
    FetchRequest& connect_timeout(Duration limit);
    [[nodiscard]] Duration connect_timeout() const noexcept { return connect_timeout_; }

    /// From the call to the last byte of the answer. Zero means no limit. Tornado's request_timeout and its default.
    FetchRequest& total_timeout(Duration limit);
    [[nodiscard]] Duration total_timeout() const noexcept { return total_timeout_; }

    /// From the last byte of the request to the first of the answer. Zero, the default, means no limit of its own.
    FetchRequest& first_byte_timeout(Duration limit);
    [[nodiscard]] Duration first_byte_timeout() const noexcept { return first_byte_timeout_; }

    /// Between two arrivals of bytes of the answer. Zero, the default, means no limit of its own.
    FetchRequest& between_bytes_timeout(Duration limit);
    [[nodiscard]] Duration between_bytes_timeout() const noexcept { return between_bytes_timeout_; }

    /// Throws StatusError where the answer's status is not 2xx. False, the default: every status is a value.
    FetchRequest& raise_error(bool raises) noexcept;
    [[nodiscard]] bool raise_error() const noexcept { return raise_error_; }

    /// Called for each interim answer, such as 103 (Early Hints), with views that are valid during the call. At most
    /// 16 are taken. What it throws ends the fetch.
    using Informational = std::function<void(int status, http::HeadersView fields)>;
    FetchRequest& on_informational(Informational callback);
    [[nodiscard]] const Informational& informational() const noexcept { return informational_; }

    /// Bytes of the answer's body, without the chunks' framing; more is an error. Tornado's max_body_size and its
    /// default, 100 MiB. (The head is limited to 64 KiB and 100 fields.)
    FetchRequest& max_response_bytes(std::uint64_t limit) noexcept;
    [[nodiscard]] std::uint64_t max_response_bytes() const noexcept { return max_response_bytes_; }

    [[nodiscard]] const http::Url& url() const noexcept { return url_; }
    /// Moves the URL out: for the client, when it is done.
    [[nodiscard]] http::Url take_url() noexcept { return std::move(url_); }
    /// Goes there instead, with everything else as it is; a user or password in it is refused.
    FetchRequest& url(http::Url url);

    // --- Bodies of the usual kinds, each with its Content-Type; they replace the body that was there ---------------

    /// As application/json.
    FetchRequest& json(const boost::json::value& value);
    /// As application/x-www-form-urlencoded.
    FetchRequest& form(const http::QueryParameters& fields);
    /// As multipart/form-data, with its length; files in it are read while they are sent.
    FetchRequest& multipart(const MultipartForm& form);
    /// A file, read while it is sent, with its length and without a Content-Type.
    FetchRequest& file(FileBody file);

    /// Says that body_from()'s producer makes the same body each time that it is called, so that a redirect or a
    /// challenge may have it sent again. body_from() takes this back.
    FetchRequest& repeatable(bool is) noexcept;
    [[nodiscard]] bool repeatable() const noexcept { return !producer_ || repeatable_; }

    /// Asks for zstd, br or gzip (Accept-Encoding, unless the request has one) and gives the answer's body decoded,
    /// without Content-Encoding and Content-Length; max_response_bytes() holds for what was sent and for what comes of
    /// it. A body that is not what it says is an error; one in another coding, or in several, is given as it is. False,
    /// the default, unlike Tornado's decompress_response: between machines close to each other it costs more than it
    /// saves, and who relays an answer wants it as it came.
    FetchRequest& decompress(bool does) noexcept;
    [[nodiscard]] bool decompress() const noexcept { return decompress_; }

    // --- Redirects -------------------------------------------------------------------------------------------------

    /// How many redirects in a row are followed; the answer that would be one more is given as it is. 0 follows none.
    /// Tornado's max_redirects and its default, 5. Where any may
    /// follow, the body is kept until the answer begins.
    FetchRequest& max_redirects(int count);
    [[nodiscard]] int max_redirects() const noexcept { return max_redirects_; }

    /// Whether a redirect may lead from https to http, where everybody on the way can read and change what follows.
    /// Off, which makes such a redirect an error.
    FetchRequest& allow_downgrade(bool allow = true) noexcept;
    [[nodiscard]] bool allows_downgrade() const noexcept { return allow_downgrade_; }

    // --- Cookies and credentials -----------------------------------------------------------------------------------

    /// Sends the jar's cookies, after those of a Cookie field of the request's own, and keeps in it what answers set,
    /// redirects too. Requests on one loop may share a jar. None, the default: cookies are ignored.
    FetchRequest& cookies(std::shared_ptr<CookieJar> jar) noexcept;
    [[nodiscard]] const std::shared_ptr<CookieJar>& cookies() const noexcept { return cookies_; }

    /// An Authorization field of the scheme Basic (RFC 7617; UTF-8): the password itself, so over https only. As
    /// Tornado's auth_username and auth_password. Refused are colons in the user and control characters.
    FetchRequest& basic_auth(std::string_view user, std::string_view password);
    /// The same with a bearer token (RFC 6750).
    FetchRequest& bearer_token(std::string_view token);
    /// Answers a server's 401 that asks for digest (RFC 7616: MD5, SHA-256 and SHA-512-256, also -sess; qop=auth) by
    /// sending the request again; the body is kept for that; one that is not repeatable() makes the 401 the answer.
    /// Copies of this request share the server's nonce, on one loop: only the first of them is sent twice. Replaces an
    /// Authorization field. Like that, it stays behind when a redirect changes the origin.
    FetchRequest& digest_auth(std::string_view user, std::string_view password);
    [[nodiscard]] const std::shared_ptr<DigestAuth>& digest() const noexcept { return digest_; }
    /// Forgets the credentials, of whichever kind.
    FetchRequest& no_auth() noexcept;

private:
    explicit FetchRequest(http::Url url);
    [[nodiscard]] bool idempotent_method() const noexcept;
    static http::Url parse(std::string_view text);

    http::Url url_;
    std::string method_ = "GET";
    http::Headers headers_;
    std::string upgrade_;
    std::string body_;
    BodyProducer producer_;
    std::optional<std::uint64_t> produced_length_;
    Informational informational_;
    Duration expect_continue_{};
    Duration first_byte_timeout_{};
    Duration between_bytes_timeout_{};
    std::optional<bool> idempotent_;
    bool repeatable_ = false;
    bool resilient_ = true;
    bool decompress_ = false;
    bool raise_error_ = false;
    bool names_itself_ = true;
    bool wants_trailers_ = false;
    Duration connect_timeout_ = std::chrono::seconds(20);
    Duration total_timeout_ = std::chrono::seconds(20);
    std::uint64_t max_response_bytes_ = std::uint64_t{100} * 1024 * 1024;
    int max_redirects_ = 5;
    bool allow_downgrade_ = false;
    std::shared_ptr<CookieJar> cookies_;
    std::shared_ptr<DigestAuth> digest_;
};

}  // namespace caropig::client
