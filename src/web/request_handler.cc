#include "web/error_page.h"
#include "web/handler_runner.h"
#include "web/response_coding.h"
#include "web/response_sender.h"
#include <caropig/server/service.h>
#include <caropig/web/application.h>
#include <caropig/web/authentication.h>
#include <caropig/web/etag.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request_handler.h>
#include <caropig/web/xsrf.h>

#include <stdexcept>
#include <utility>

#include <boost/json/value.hpp>

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

void RequestHandler::check_xsrf_cookie() { check_xsrf(*request_); }

std::string RequestHandler::xsrf_token() {
    Response cookie;
    std::string token = web::xsrf_token(*request_, flushed_ ? cookie : response_);
    if (!cookie.headers().empty()) require_unsent();
    return token;
}

std::string RequestHandler::xsrf_form_html() { return xsrf_field(xsrf_token()); }

Task<boost::json::value> RequestHandler::get_current_user() { co_return boost::json::value(); }

Task<boost::json::value> RequestHandler::current_user() {
    if (current_user_ == nullptr) {
        boost::json::value user = co_await get_current_user();
        set_current_user(std::move(user));
    }
    co_return *current_user_;
}

void RequestHandler::set_current_user(boost::json::value user) {
    current_user_ = std::make_shared<const boost::json::value>(std::move(user));
}

std::string RequestHandler::get_login_url() const {
    const std::string& url = request_->application().security().login_url();
    if (url.empty()) throw std::logic_error("there is no login page: set SecurityOptions::login_url()");
    return url;
}

Task<boost::json::value> RequestHandler::authenticated() {
    boost::json::value user = co_await current_user();
    if (!user.is_null()) co_return user;
    if (request_->method() != http::Method::kGet && request_->method() != http::Method::kHead) {
        throw HttpError(403, "nobody has logged in");
    }
    redirect(login_location(*request_, get_login_url()));
    throw Finish();
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
    if (exchange.upgraded()) throw std::logic_error("flush() after upgrade()");
    if (!std::exchange(flushed_, true)) {
        const auto& compression = request_->application().compression();
        if (compression) encoder_ = ResponseCoding::begin(*compression, request_->headers(), response_);
        exchange.start_response(ResponseSender::head(response_), std::nullopt);
    }
    std::string piece = ResponseSender::take_body(response_);
    if (encoder_) encoder_->write(std::exchange(piece, {}), http::ContentEncoder::Flush::kYes, piece);
    co_await exchange.write(piece);
}

void RequestHandler::add_trailer(std::string_view name, std::string_view value) {
    BodyWriter(*request_->exchange_, trailers_).add_trailer(name, value);
}

Task<net::Stream*> RequestHandler::upgrade(std::string_view protocol) {
    require_unsent();
    server::Exchange& exchange = *request_->exchange_;
    if (!exchange.offers_upgrade(protocol)) {
        response_ = Response::upgrade(*request_, protocol, {});
        throw Finish();
    }
    flushed_ = finished_ = true;
    return exchange.upgrade(protocol, response_.headers().wire());
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

Task<int> HandlerRunner::run(Request& request, std::unique_ptr<RequestHandler> handler, bool check_xsrf) {
    struct OnFinish {
        RequestHandler& handler;
        ~OnFinish() { handler.on_finish(); }
    };
    handler->request_ = &request;
    server::Exchange& exchange = *request.exchange_;
    OnFinish on_finish{*handler};
    std::exception_ptr failure;
    try {
        if (check_xsrf) handler->check_xsrf_cookie();
        co_await handler->prepare();
        if (!handler->finished_) co_await run_method(*handler, request.method());
    } catch (const Cancelled&) {
        throw;
    } catch (const server::BodyError&) {
        throw;
    } catch (const Finish&) {
        handler->finished_ = true;
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
    if (exchange.upgraded()) co_return 101;
    handler->finished_ = true;
    Response& response = handler->response_;
    if (handler->flushed_) {
        std::string rest = ResponseSender::take_body(response);
        if (handler->encoder_)
            handler->encoder_->write(std::exchange(rest, {}), http::ContentEncoder::Flush::kFinish, rest);
        co_await exchange.write(rest);
        co_await exchange.finish(handler->trailers_);
        co_return handler->status();
    }
    if (handler->wants_etag()) set_etag_and_check(request, response);
    const auto& compression = request.application().compression();
    if (compression) ResponseCoding::apply(*compression, request.headers(), response);
    co_await ResponseSender::send_later(exchange, response);
    co_return handler->status();
}

}  // namespace caropig::web
