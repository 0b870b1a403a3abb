#include "web/access_log.h"
#include "web/error_page.h"
#include "web/form_body.h"
#include "web/handler_runner.h"
#include "web/kept_parameters.h"
#include "web/response_coding.h"
#include "web/response_sender.h"
#include <caropig/base/log.h>
#include <caropig/template/loader.h>
#include <caropig/web/application.h>
#include <caropig/web/static_files.h>
#include <caropig/web/xsrf.h>

#include <algorithm>
#include <utility>

namespace caropig::web {

void log_failure(const server::Exchange& exchange, const std::exception_ptr& failure) {
    bool expected = false;
    try {
        std::rethrow_exception(failure);
    } catch (const HttpError&) {
        expected = true;
    } catch (...) {
        expected = status_of(failure) == 503;
    }
    log::Level level = expected ? log::Level::kWarning : log::Level::kError;
    if (!log::enabled(level)) return;
    std::string line = expected ? "" : "Uncaught exception ";
    line += std::string(exchange.method_text()) + " " + std::string(exchange.target()) + " (" + exchange.client().ip +
            "): " + text_of(failure);
    log::write(level, "application", line);
}

namespace {

/// Whether the patterns match the same paths, as far as their texts tell.
bool same_paths(const Pattern& a, const Pattern& b) {
    if (a.text() != b.text()) return false;
    return a.syntax() == b.syntax() || a.text().find_first_of("{}()[]\\*+?|^$.") == std::string::npos;
}

int answer(server::Exchange& exchange, Response&& response) {
    int status = response.status();
    ResponseSender::send(exchange, std::move(response));
    return status;
}

}  // namespace

Application::Application() = default;

Application::Application(std::initializer_list<Route> routes) {
    for (const Route& each : routes) get(each.pattern, each.handler, each.name);
}

Application::~Application() = default;

bool Application::is_free(const Entry& entry, http::Method method) noexcept {
    auto of = [&](http::Method each) { return entry.endpoints[static_cast<std::size_t>(each)].get(); };
    bool implied = method == http::Method::kHead && of(method) == of(http::Method::kGet);
    return of(method) == nullptr || implied;
}

Application& Application::add_endpoint(const Pattern& pattern, std::string_view name,
                                       std::span<const http::Method> methods,
                                       const std::shared_ptr<detail::Endpoint>& endpoint) {
    for (http::Method method : methods) {
        if (static_cast<std::size_t>(method) >= kMethods) {
            throw RouteError("route \"" + pattern.text() + "\": a handler is for a method with a name of its own");
        }
    }
    auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return same_paths(entry.pattern, pattern) &&
               std::all_of(methods.begin(), methods.end(), [&](http::Method each) { return is_free(entry, each); });
    });
    auto index = static_cast<std::size_t>(found - entries_.begin());
    // A name that comes with a later method needs a row of its own in the table; no path is matched by it.
    if (found == entries_.end() || !name.empty()) {
        routes_.add(pattern, name);
        entries_.push_back(Entry{pattern, {}, {}});
    }
    Entry& entry = entries_[index];
    auto set = [&](http::Method method) {
        auto& place = entry.endpoints[static_cast<std::size_t>(method)];
        if (place == nullptr) {
            entry.allow += (entry.allow.empty() ? "" : ", ") + std::string(http::to_string(method));
        }
        place = endpoint;
    };
    for (http::Method method : methods) {
        bool with_head = method == http::Method::kGet && is_free(entry, http::Method::kHead);
        set(method);
        if (with_head) set(http::Method::kHead);
    }
    return *this;
}

Application& Application::route(http::Method method, const Pattern& pattern, Handler handler, std::string_view name) {
    return add_endpoint(pattern, name, std::span(&method, 1), handler.endpoint());
}

Application& Application::get(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kGet, pattern, std::move(handler), name);
}
Application& Application::post(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kPost, pattern, std::move(handler), name);
}
Application& Application::put(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kPut, pattern, std::move(handler), name);
}
Application& Application::patch(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kPatch, pattern, std::move(handler), name);
}
Application& Application::del(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kDelete, pattern, std::move(handler), name);
}
Application& Application::options(const Pattern& pattern, Handler handler, std::string_view name) {
    return route(http::Method::kOptions, pattern, std::move(handler), name);
}

Application& Application::any(const Pattern& pattern, const Handler& handler, std::string_view name) {
    using http::Method;
    constexpr std::array kAll{Method::kGet,   Method::kHead,   Method::kPost,   Method::kPut,
                              Method::kPatch, Method::kDelete, Method::kOptions};
    return add_endpoint(pattern, name, kAll, handler.endpoint());
}

Application& Application::security(SecurityOptions options) {
    const http::CookieOptions& cookie = options.xsrf_cookie_options();
    static_cast<void>(http::format_set_cookie(options.xsrf_cookie_name(), {}, options.secured(cookie)));
    checks_xsrf_ = options.xsrf_cookies();
    security_ = std::move(options);
    return *this;
}

Application& Application::debug(bool enabled) {
    debug_ = enabled;
    if (!template_folder_.empty()) templates(template_folder_);
    return *this;
}

Application& Application::templates(const std::string& folder) {
    templates::LoaderOptions options;
    options.debug = debug_;
    template_loader_ = std::make_shared<templates::Loader>(folder, std::move(options));
    template_folder_ = folder;
    return *this;
}

Application& Application::templates(std::shared_ptr<templates::BaseLoader> loader) {
    template_loader_ = std::move(loader);
    template_folder_.clear();
    return *this;
}

templates::BaseLoader& Application::template_loader() const {
    if (!template_loader_) throw std::logic_error("there are no templates: set Application::templates()");
    return *template_loader_;
}

Application& Application::static_files(const StaticFiles& files) {
    files.add_to(*this);
    static_files_ = std::make_shared<const StaticFiles>(files);
    return *this;
}

std::string Application::static_url(std::string_view path) const {
    if (!static_files_) throw std::logic_error("there are no static files: set Application::static_files()");
    return static_files_->static_url(path);
}

bool Application::needs_xsrf_token(const server::Exchange& exchange, const detail::Endpoint& endpoint) const {
    if (!checks_xsrf_ || endpoint.xsrf_exempt()) return false;
    http::Method method = exchange.method();
    return method != http::Method::kGet && method != http::Method::kHead && method != http::Method::kOptions;
}

void Application::serve(server::Exchange& exchange) noexcept {
    static thread_local RouteMatch match;  // reused, so that matching allocates nothing
    auto index = routes_.match(exchange.path(), match);
    if (!index) {
        bool bad = match.status() == RouteStatus::kBadEncoding;
        log_access(exchange, answer(exchange, error_page(bad ? 400 : 404)));
        return;
    }
    serve_found(exchange, match, entries_[*index]);
}

void Application::serve_found(server::Exchange& exchange, const RouteMatch& match, const Entry& entry) const {
    auto method = static_cast<std::size_t>(exchange.method());
    detail::Endpoint* endpoint = method < kMethods ? entry.endpoints[method].get() : nullptr;
    if (endpoint == nullptr) {
        Response page = error_page(405);
        page.header("Allow", entry.allow);
        log_access(exchange, answer(exchange, std::move(page)));
        return;
    }
    using Kind = detail::Endpoint::Kind;
    if (endpoint->kind() != Kind::kFunction || exchange.has_body()) {
        exchange.own_head();
        KeptParameters parameters(exchange, match);
        exchange.run(endpoint->kind() == Kind::kCoroutine ? answer_later(exchange, *endpoint, std::move(parameters))
                                                          : serve_later(exchange, *endpoint, std::move(parameters)));
        return;
    }
    Request request(exchange, match.parameters().data(), match.parameters().size(), *this);
    try {
        if (needs_xsrf_token(exchange, *endpoint)) check_xsrf(request);
        Response response = endpoint->call(request);
        if (compression_ && !ResponseSender::is_later(response)) {
            ResponseCoding::apply(*compression_, exchange.headers(), response);
        }
        if (ResponseSender::streams(response)) {
            exchange.own_head();
            exchange.run(stream_later(exchange, std::move(response)));
            return;
        }
        log_access(exchange, answer(exchange, std::move(response)));
    } catch (...) {
        answer_failure(exchange, std::current_exception());
    }
}

void Application::answer_failure(server::Exchange& exchange, const std::exception_ptr& failure) const {
    log_failure(exchange, failure);
    log_access(exchange, answer(exchange, error_page(status_of(failure), debug_ ? text_of(failure) : std::string())));
}

/// In a handler of any exception that a task ends with: the exception where it is answered with a page. Others, which
/// mean the end of the exchange or are answered by the server, are thrown on.
std::exception_ptr Application::failure_for_a_page(const server::Exchange& exchange) {
    try {
        throw;
    } catch (const Cancelled&) {
        log_access(exchange, exchange.status_if_cancelled());
        throw;
    } catch (const server::BodyError& error) {
        log_access(exchange, error.status());
        throw;
    } catch (...) {
        if (exchange.responded()) throw;
        return std::current_exception();
    }
}

Task<void> Application::stream_later(server::Exchange& exchange, Response response) const {
    std::exception_ptr failure;
    try {
        if (ResponseSender::is_later(response)) {
            co_await ResponseSender::make(response);
            if (compression_) ResponseCoding::apply(*compression_, exchange.headers(), response);
        }
        co_await ResponseSender::send_later(exchange, response);
        log_access(exchange, response.status());
    } catch (...) {
        failure = failure_for_a_page(exchange);
    }
    if (failure) answer_failure(exchange, failure);
}

/// Sends what a task has to send: makes it, compresses it, streams it.
Task<void> Application::send_later(server::Exchange& exchange, Response& response) const {
    co_await ResponseSender::make(response);
    if (compression_) ResponseCoding::apply(*compression_, exchange.headers(), response);
    co_await ResponseSender::send_later(exchange, response);
}

/// Throws unless the request has its XSRF token, for which a form in the body is read.
Task<void> Application::check_xsrf_later(Request& request) const {
    if (form_kind(request) == FormKind::kUrlencoded) co_await request.read_whole_body();
    check_xsrf(request);
}

/// Answers by a handler that is a coroutine. Requests wait here by the thousand, so that the size of this frame counts:
/// what only some of them need is awaited in frames of its own.
Task<void> Application::answer_later(server::Exchange& exchange, detail::Endpoint& endpoint,
                                     KeptParameters parameters) const {
    Request request(exchange, parameters.get().data(), parameters.get().size(), *this);
    std::exception_ptr failure;
    try {
        if (needs_xsrf_token(exchange, endpoint)) co_await check_xsrf_later(request);
        Response response = co_await endpoint.call_later(request);
        if (compression_ || ResponseSender::streams(response)) {
            co_await send_later(exchange, response);
            log_access(exchange, response.status());
        } else {
            log_access(exchange, answer(exchange, std::move(response)));
        }
    } catch (...) {
        failure = failure_for_a_page(exchange);
    }
    if (failure) answer_failure(exchange, failure);
}

/// Answers by a handler of any other kind: a class, one that answers by itself, or a function that is given the body.
Task<void> Application::serve_later(server::Exchange& exchange, detail::Endpoint& endpoint,
                                    KeptParameters parameters) const {
    Request request(exchange, parameters.get().data(), parameters.get().size(), *this);
    std::exception_ptr failure;
    try {
        int status = 0;
        if (endpoint.kind() == detail::Endpoint::Kind::kExchange) {
            status = co_await endpoint.answer(exchange);
        } else {
            const bool guarded = needs_xsrf_token(exchange, endpoint);
            co_await request.read_whole_body();
            if (endpoint.kind() == detail::Endpoint::Kind::kClass) {
                status = co_await HandlerRunner::run(request, endpoint.make_handler(), guarded);
            } else {
                if (guarded) check_xsrf(request);
                Response response = endpoint.call(request);
                co_await send_later(exchange, response);
                status = response.status();
            }
        }
        log_access(exchange, status);
    } catch (...) {
        failure = failure_for_a_page(exchange);
    }
    if (failure) answer_failure(exchange, failure);
}

}  // namespace caropig::web
