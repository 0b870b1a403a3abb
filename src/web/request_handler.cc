#include "web/error_page.h"
#include "web/handler_runner.h"
#include "web/response_sender.h"
#include <caropig/server/service.h>
#include <caropig/web/application.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request_handler.h>

#include <stdexcept>
#include <utility>

namespace caropig::web {

Task<void> RequestHandler::prepare() { co_return; }
Task<void> RequestHandler::get() { throw HttpError(405); }
Task<void> RequestHandler::head() { return get(); }
Task<void> RequestHandler::post() { throw HttpError(405); }
Task<void> RequestHandler::put() { throw HttpError(405); }
Task<void> RequestHandler::patch() { throw HttpError(405); }
Task<void> RequestHandler::del() { throw HttpError(405); }
Task<void> RequestHandler::options() { throw HttpError(405); }

void RequestHandler::write_error(int status, const std::exception_ptr& error) {
    bool show = request_->application().debug() && error;
    finish(error_page(status, show ? text_of(error) : std::string()).body());
}

void RequestHandler::require_unsent() const {
    if (flushed_) throw std::logic_error("the response's head has been sent already");
}

void RequestHandler::set_status(int status) {
    require_unsent();
    response_.status(status);
}

void RequestHandler::set_header(std::string_view name, std::string_view value) {
    require_unsent();
    response_.header(name, value);
}

void RequestHandler::add_header(std::string_view name, std::string_view value) {
    require_unsent();
    response_.add_header(name, value);
}

void RequestHandler::clear_header(std::string_view name) {
    require_unsent();
    response_.remove_header(name);
}

void RequestHandler::write(std::string_view text) {
    if (finished_) throw std::logic_error("write() after finish()");
    response_.append(text);
}

Task<void> RequestHandler::flush() {
    server::Exchange& exchange = *request_->exchange_;
    if (!std::exchange(flushed_, true)) exchange.start_response(ResponseSender::head(response_), std::nullopt);
    std::string piece = ResponseSender::take_body(response_);
    co_await exchange.write(piece);
}

void RequestHandler::finish(std::string_view text) {
    if (finished_) throw std::logic_error("finish() was called twice");
    response_.append(text);
    finished_ = true;
}

void RequestHandler::redirect(std::string_view url, bool permanent) {
    require_unsent();
    response_.header("Location", url);
    response_.status(permanent ? 301 : 302);
    finish();
}

Task<void> HandlerRunner::run_method(RequestHandler& handler, http::Method method) {
    switch (method) {
        case http::Method::kGet:
            return handler.get();
        case http::Method::kHead:
            return handler.head();
        case http::Method::kPost:
            return handler.post();
        case http::Method::kPut:
            return handler.put();
        case http::Method::kPatch:
            return handler.patch();
        case http::Method::kDelete:
            return handler.del();
        case http::Method::kOptions:
            return handler.options();
        default:
            throw HttpError(405);
    }
}

Task<int> HandlerRunner::run(Request& request, std::unique_ptr<RequestHandler> handler) {
    struct OnFinish {
        RequestHandler& handler;
        ~OnFinish() { handler.on_finish(); }
    };
    handler->request_ = &request;
    server::Exchange& exchange = *request.exchange_;
    OnFinish on_finish{*handler};
    std::exception_ptr failure;
    try {
        co_await handler->prepare();
        if (!handler->finished_) co_await run_method(*handler, request.method());
    } catch (const Cancelled&) {
        throw;
    } catch (const server::BodyError&) {
        throw;
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (handler->flushed_) std::rethrow_exception(failure);
        log_failure(exchange, failure);
        handler->finished_ = false;
        handler->response_ = Response();
        handler->set_status(status_of(failure));
        handler->write_error(status_of(failure), failure);
    }
    handler->finished_ = true;
    int status = handler->status();
    if (handler->flushed_) {
        std::string rest = ResponseSender::take_body(handler->response_);
        co_await exchange.write(rest);
        co_await exchange.finish();
    } else {
        ResponseSender::send(exchange, std::move(handler->response_));
    }
    co_return status;
}

}  // namespace caropig::web
