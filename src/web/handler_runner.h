#pragma once

#include <caropig/http/method.h>
#include <caropig/web/request_handler.h>

#include <exception>
#include <memory>

namespace caropig::server {
class Exchange;
}

namespace caropig::web {

/// Takes a RequestHandler through its life: the XSRF check, prepare(), the method, errors, finish(), on_finish().
class HandlerRunner {
public:
    /// Answers the request whose body has been read; the status that was sent. What goes wrong after the head was
    /// flushed is thrown on. `check_xsrf` says whether the handler has to check the request's XSRF token.
    static Task<int> run(Request& request, std::unique_ptr<RequestHandler> handler, bool check_xsrf);

private:
    static Task<void> run_method(RequestHandler& handler, http::Method method);
};

/// Says in the log what a handler threw: a warning for an HttpError and for a database that is down, an error for
/// anything else.
void log_failure(const server::Exchange& exchange, const std::exception_ptr& failure);

}  // namespace caropig::web
