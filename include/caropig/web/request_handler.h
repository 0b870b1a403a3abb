#pragma once

#include <caropig/web/request.h>
#include <caropig/web/response.h>

#include <exception>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Tornado's way of answering: a class with a method per HTTP method, made anew for each request.
namespace caropig::web {

/// Derive from it, override what the route supports, and register it with Application::add<Handler>(). The order is
/// Tornado's: 405 when the method is not overridden; the body is read; prepare() (no method follows when it finished
/// the response); the method; finish(), unless it was called; on_finish(). All of it on one worker's thread; the object
/// lives until on_finish() has returned.
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

    /// Writes the page for an error: `status`, and the exception that led there, if any. By default a short HTML page,
    /// which shows the exception's text in debug mode only.
    virtual void write_error(int status, const std::exception_ptr& error);

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
    /// Adds `text` and ends the response; it is sent when the method returns. Nothing may be written after it.
    void finish(std::string_view text = {});
    /// 302 to `url`, or 301 when it is permanent; ends the response.
    void redirect(std::string_view url, bool permanent = false);

    [[nodiscard]] bool finished() const noexcept { return finished_; }

private:
    friend class HandlerRunner;
    void require_unsent() const;

    Request* request_ = nullptr;
    Response response_;
    bool finished_ = false;
    bool flushed_ = false;
};

}  // namespace caropig::web
