#pragma once

#include <caropig/web/request.h>
#include <caropig/web/response.h>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

/// \file
/// Tornado's way of answering: a class with a method per HTTP method, made anew for each request.
namespace caropig::web {

/// Derive from it, override what the route supports, and register it with Application::add<Handler>(). The order is
/// Tornado's: 405 when the method is not overridden; the body is read; check_xsrf_cookie(), where it applies; prepare()
/// (no method follows when it finished the response); the method; finish(), unless it was called; on_finish(). All of
/// it on one worker's thread; the object lives until on_finish() has returned.
class RequestHandler {
public:
    RequestHandler() = default;
    RequestHandler(const RequestHandler&) = delete;
    RequestHandler& operator=(const RequestHandler&) = delete;
    virtual ~RequestHandler() = default;

    /// Before every method; may wait.
    virtual Task<void> prepare();
    /// After the response was sent or given up.
    virtual void on_finish() noexcept {}

    virtual Task<void> get();
    /// By default get(), whose body is not sent.
    virtual Task<void> head();
    virtual Task<void> post();
    virtual Task<void> put();
    virtual Task<void> patch();
    virtual Task<void> del();
    virtual Task<void> options();

    /// Whether a response that was not flushed gets an ETag and is checked against the request's conditions; see
    /// set_etag_and_check(). An ETag that the handler sets is used instead. As Tornado's compute_etag.
    [[nodiscard]] virtual bool wants_etag() const noexcept { return true; }

    /// Writes the page for an error: `status`, and the exception that led there, if any. By default a short HTML page,
    /// which shows the exception's text in debug mode only.
    virtual void write_error(int status, const std::exception_ptr& error);

    /// Before prepare(), for each method but GET, HEAD and OPTIONS, once Application::security() was called: throws
    /// HttpError 403 unless the request brings the token of its XSRF cookie (see xsrf.h). Override it to do nothing
    /// where clients prove who they are otherwise than by a cookie.
    virtual void check_xsrf_cookie();

    /// Who asks, found out from a cookie, a session, a database: override it; null stands for nobody, which is the
    /// default. Called by current_user(), at most once a request.
    virtual Task<boost::json::value> get_current_user();

    /// Names for every template of this class: override it to add to `names`, which render() was given. Values that are
    /// there already should stay. As Tornado's get_template_namespace.
    virtual void get_template_namespace(boost::json::object& names);

    /// Where authenticated() sends those who have not logged in: by default SecurityOptions::login_url(), and
    /// std::logic_error when that is not set.
    [[nodiscard]] virtual std::string get_login_url() const;

protected:
    [[nodiscard]] Request& request() const noexcept { return *request_; }
    /// The path parameter of that name, or at that place.
    [[nodiscard]] std::string_view param(std::string_view name) const { return request_->param(name); }
    [[nodiscard]] std::string_view param(std::size_t index) const { return request_->param(index); }
    [[nodiscard]] std::string get_argument(std::string_view name) const { return request_->get_argument(name); }
    [[nodiscard]] std::string get_argument(std::string_view name, std::string_view fallback) const {
        return request_->get_argument(name, fallback);
    }
    [[nodiscard]] std::vector<std::string> get_arguments(std::string_view name) const {
        return request_->get_arguments(name);
    }
    [[nodiscard]] std::string get_query_argument(std::string_view name) const {
        return request_->get_query_argument(name);
    }
    [[nodiscard]] std::string get_query_argument(std::string_view name, std::string_view fallback) const {
        return request_->get_query_argument(name, fallback);
    }
    [[nodiscard]] std::vector<std::string> get_query_arguments(std::string_view name) const {
        return request_->get_query_arguments(name);
    }
    [[nodiscard]] std::string get_body_argument(std::string_view name) const {
        return request_->get_body_argument(name);
    }
    [[nodiscard]] std::string get_body_argument(std::string_view name, std::string_view fallback) const {
        return request_->get_body_argument(name, fallback);
    }
    [[nodiscard]] std::vector<std::string> get_body_arguments(std::string_view name) const {
        return request_->get_body_arguments(name);
    }

    /// A cookie of the request; see Request::get_cookie() and Request::get_signed_cookie().
    [[nodiscard]] std::optional<std::string> get_cookie(std::string_view name) const {
        return request_->get_cookie(name);
    }
    [[nodiscard]] std::string get_cookie(std::string_view name, std::string_view fallback) const {
        return request_->get_cookie(name, fallback);
    }
    [[nodiscard]] std::optional<std::string> get_signed_cookie(std::string_view name) const;
    [[nodiscard]] std::optional<std::string> get_signed_cookie(std::string_view name,
                                                               const SignedValueOptions& options) const;

    // Cookies of the response, as those of Response, Secure where SecurityOptions::secure_cookies() says so. An error
    // after flush() (std::logic_error). An error page has none of those that were set before it.
    void set_cookie(std::string_view name, std::string_view value, http::CookieOptions options = {});
    void clear_cookie(std::string_view name, http::CookieOptions options = {});
    void set_signed_cookie(std::string_view name, std::string_view value);
    void set_signed_cookie(std::string_view name, std::string_view value, http::CookieOptions options);

    /// A token for this browser's forms, and a hidden field with it; see xsrf.h. The first token for a browser sets its
    /// cookie, so it must come before flush() (std::logic_error).
    [[nodiscard]] std::string xsrf_token();
    [[nodiscard]] std::string xsrf_form_html();

    /// Who asks, as get_current_user() found out when it was first needed, or as set_current_user() says; null is
    /// nobody. As Tornado's current_user, which can't wait. Throws what get_current_user() throws, and asks again then.
    Task<boost::json::value> current_user();
    /// From now on this is who asks: after a login, or from prepare().
    void set_current_user(boost::json::value user);

    /// Who asks, where nobody but a user may: `boost::json::value user = co_await authenticated();`. For nobody it ends
    /// the method: GET and HEAD are redirected to get_login_url(), with the argument next, by a Finish; other methods
    /// get HttpError 403. In prepare() it guards all methods. As Tornado's decorator.
    Task<boost::json::value> authenticated();

    // The head; an error after flush() has sent it (std::logic_error).
    void set_status(int status);
    void set_header(std::string_view name, std::string_view value);
    void add_header(std::string_view name, std::string_view value);
    void clear_header(std::string_view name);
    [[nodiscard]] int status() const noexcept { return response_.status(); }

    /// Adds to the response's body; sent by flush() or finish(). An error after finish() (std::logic_error).
    void write(std::string_view text);
    /// Sends the head and what was written, as a chunk. Awaiting it is the flow control.
    Task<void> flush();
    /// A field that follows the body of a response that flush() has begun; see BodyWriter::add_trailer().
    void add_trailer(std::string_view name, std::string_view value);
    /// Answers 101 with the header so far, and gives the connection to the method: see Response::upgrade(). The stream
    /// is valid until the method ends, and the connection ends with it. For a client that does not offer the upgrade it
    /// ends the method by a Finish, with 426.
    Task<net::Stream*> upgrade(std::string_view protocol);
    /// Adds `text` and ends the response; it is sent when the method returns. Nothing may be written after it.
    void finish(std::string_view text = {});
    /// Renders a template of the application with these values and ends the response with it; its names are those of
    /// page.h. A page that is long is better streamed. Throws templates::TemplateError, and what get_current_user()
    /// throws where the page mentions current_user. As Tornado's render.
    Task<void> render(std::string_view name);
    Task<void> render(std::string_view name, const boost::json::object& values);
    /// The same, sent piece by piece as it is rendered: a page of any length needs little memory. Without an ETag, and
    /// UI modules add no scripts or styles to it; one that makes an XSRF token does so before anything was sent.
    Task<void> render_stream(std::string_view name, const boost::json::object& values);
    /// A template as text, to be written. current_user is what is known of it already. As Tornado's render_string.
    [[nodiscard]] std::string render_string(std::string_view name, const boost::json::object& values);

    /// 302 to `url`, or 301 when it is permanent; ends the response.
    void redirect(std::string_view url, bool permanent = false);

    [[nodiscard]] bool finished() const noexcept { return finished_; }

private:
    friend class HandlerRunner;
    friend class Sessions;
    void require_unsent() const;
    Task<void> render_page(std::string name, boost::json::object values, bool streamed);
    [[nodiscard]] const boost::json::value& known_user() const noexcept;

    Request* request_ = nullptr;
    Response response_;
    http::Headers trailers_;
    std::shared_ptr<const boost::json::value> current_user_;
    std::shared_ptr<http::ContentEncoder> encoder_;  // of what is flushed, where it is compressed
    bool finished_ = false;
    bool flushed_ = false;
};

}  // namespace caropig::web
