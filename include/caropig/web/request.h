#pragma once

#include <caropig/async/task.h>
#include <caropig/http/headers.h>
#include <caropig/http/method.h>
#include <caropig/web/form_options.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// The request that a handler answers.
namespace caropig {
class Loop;
}
namespace caropig::server {
class Exchange;
}

namespace caropig::web {

class Application;
class Form;
class FormFile;
struct RouteParameter;
class SignedValueOptions;

namespace detail {
/// The arguments of a request, parsed when the first is asked for.
struct RequestArguments;
struct DeleteRequestArguments {
    void operator()(RequestArguments* arguments) const noexcept;
};
}  // namespace detail

/// A request, as its handler sees it. It lives as long as the handler runs (a coroutine: until its task has ended), and
/// so do the views that it gives. Used on its worker's thread.
class Request {
public:
    /// The route's `count` parameters must outlive the request.
    Request(server::Exchange& exchange, const RouteParameter* parameters, std::size_t count,
            const Application& application) noexcept
        : exchange_(&exchange),
          parameters_(parameters),
          application_(&application),
          parameter_count_(static_cast<std::uint8_t>(count)) {}
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    [[nodiscard]] http::Method method() const noexcept;
    /// "GET", "POST" …, as received.
    [[nodiscard]] std::string_view method_text() const noexcept;
    /// The path as received, percent-encoded.
    [[nodiscard]] std::string_view path() const noexcept;
    /// What follows the question mark, as received.
    [[nodiscard]] std::string_view query() const noexcept;
    /// Path and query.
    [[nodiscard]] std::string_view target() const noexcept;
    /// "host" or "host:port"; empty only for HTTP/1.0. What the client asked for, where trusted proxies say it.
    [[nodiscard]] std::string_view host() const;
    /// "http" or "https": how the client asked, where trusted proxies say it. As Tornado's protocol.
    [[nodiscard]] std::string_view scheme() const;
    /// Scheme, host and target, as the client sees them: "https://example.org/path?query". As Tornado's full_url.
    [[nodiscard]] std::string full_url() const;
    /// The first field of that name, whatever its case.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
    [[nodiscard]] http::HeadersView headers() const noexcept;
    /// The client's address without its port: "192.0.2.1", "2001:db8::1"; "unix" on a Unix-domain socket. The one that
    /// trusted proxies name, where server::ProxyOptions says whom to trust; else who is connected, which may be a
    /// proxy.
    [[nodiscard]] std::string remote_ip() const;

    /// The path parameter of that name, decoded. A check fails when the route has none of that name.
    [[nodiscard]] std::string_view param(std::string_view name) const;
    /// The path parameter at that place, from 0.
    [[nodiscard]] std::string_view param(std::size_t index) const;
    [[nodiscard]] std::size_t param_count() const noexcept { return parameter_count_; }

    // Arguments, with Tornado's semantics: of the query and, where body() is there, of an urlencoded or multipart form
    // in it; the last of several, whitespace stripped, control characters made spaces. Both are parsed once, when they
    // are first asked for, and errors are thrown then: HttpError 400 for what is not UTF-8, a bad percent escape or a
    // broken form, 413 for a form beyond the form options, 415 for a
    // compressed one that decodes_body() leaves as it is.

    /// The argument, or `HttpError(400)` when it is missing.
    [[nodiscard]] std::string get_argument(std::string_view name) const;
    [[nodiscard]] std::string get_argument(std::string_view name, std::string_view fallback) const;
    /// All of that name, those of the query first.
    [[nodiscard]] std::vector<std::string> get_arguments(std::string_view name) const;

    // The same of the query alone, and of the body alone.
    [[nodiscard]] std::string get_query_argument(std::string_view name) const;
    [[nodiscard]] std::string get_query_argument(std::string_view name, std::string_view fallback) const;
    [[nodiscard]] std::vector<std::string> get_query_arguments(std::string_view name) const;
    [[nodiscard]] std::string get_body_argument(std::string_view name) const;
    [[nodiscard]] std::string get_body_argument(std::string_view name, std::string_view fallback) const;
    [[nodiscard]] std::vector<std::string> get_body_arguments(std::string_view name) const;

    /// The cookie of that name, as find_cookie() reads it: what came with the request, never what this response sets.
    [[nodiscard]] std::optional<std::string> get_cookie(std::string_view name) const;
    [[nodiscard]] std::string get_cookie(std::string_view name, std::string_view fallback) const;
    /// The value of a cookie set by set_signed_cookie(), of this application or of a Tornado that has the same secret;
    /// nothing when it is missing, too old, or not signed by either. std::logic_error without a cookie secret (see
    /// SecurityOptions).
    [[nodiscard]] std::optional<std::string> get_signed_cookie(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> get_signed_cookie(std::string_view name,
                                                               const SignedValueOptions& options) const;

    /// The files of that name in a multipart form in body(), and all of them; they view it. Errors as for arguments.
    /// Include <caropig/web/form.h> to use them.
    [[nodiscard]] std::vector<const FormFile*> files(std::string_view name) const;
    [[nodiscard]] const std::vector<FormFile>& files() const;
    /// Other limits for the arguments and files above, before the first is asked for.
    void set_form_options(const FormOptions& options);

    /// Reads the body as a form, urlencoded or multipart, with large files in temporary ones; see form.h. For
    /// coroutines that have not begun to read the body, and where it is in memory. Errors: as for arguments, and 415
    /// for what is no form; IoError of the temporary folder; as read_body(). Cancelling it leaves no file behind.
    Task<Form> read_form(FormOptions options = {});

    /// The whole body: it is there for plain functions and RequestHandlers; a coroutine calls read_whole_body() first.
    [[nodiscard]] std::string_view body() const noexcept { return body_; }
    /// Reads the body into memory, within the server's max_body_bytes; what has been read already is not read again.
    /// Errors answer 400, 408 or 413 by themselves.
    Task<void> read_whole_body();
    /// The next piece of a body that is not read as a whole, valid until the next call; nothing at its end. Awaiting it
    /// is the flow control. Errors as read_whole_body().
    Task<std::optional<std::string_view>> read_body();
    /// Another limit for this body than the server's max_body_bytes; before it is read.
    void set_max_body_bytes(std::uint64_t limit) noexcept;
    /// The same for the server's max_inflated_bytes.
    void set_max_inflated_bytes(std::uint64_t limit) noexcept;
    /// Whether the body is given decoded where it has a Content-Encoding: the server's decompress_requests. Its headers
    /// are those of the body as it was sent.
    [[nodiscard]] bool decodes_body() const noexcept;

    /// Fields that followed the body, once it has been read to its end; less trusted than headers(), and without those
    /// that must not come late (RFC 9110 6.5.1).
    [[nodiscard]] const http::Headers& trailers() const noexcept;

    /// Sends an interim response before the response: 103 (Early Hints) with Link fields lets a browser fetch a page's
    /// scripts while the page is made. 102 to 199 but for 101 (std::invalid_argument), and before the response has
    /// begun (std::logic_error). HTTP/1.0 clients get none (RFC 9110 15.2).
    void inform(int status, const http::Headers& fields);

    /// Whether the client offers to go on with another protocol on this connection, and may be taken at its word: see
    /// Response::upgrade().
    [[nodiscard]] bool offers_upgrade(std::string_view protocol) const noexcept;

    /// The loop of the worker that answers this request.
    [[nodiscard]] Loop& loop() const noexcept;
    [[nodiscard]] const Application& application() const noexcept { return *application_; }

private:
    friend class Application;
    friend class HandlerRunner;
    friend class RequestHandler;
    Task<std::optional<std::string_view>> take_whole_body();
    [[nodiscard]] detail::RequestArguments& arguments() const;
    void forget_body_arguments() noexcept;

    server::Exchange* exchange_;
    const RouteParameter* parameters_;
    const Application* application_;
    std::string body_;
    std::uint8_t parameter_count_;
    bool whole_ = false;  // body_ is all there is
    bool taken_ = false;  // read_body() has given it
    mutable std::unique_ptr<detail::RequestArguments, detail::DeleteRequestArguments> arguments_;
};

}  // namespace caropig::web
