#pragma once

#include <caropig/server/options.h>
#include <caropig/server/service.h>
#include <caropig/web/compression.h>
#include <caropig/web/handler.h>
#include <caropig/web/http_error.h>
#include <caropig/web/request_handler.h>
#include <caropig/web/router.h>
#include <caropig/web/security.h>
#include <caropig/web/ui_module.h>

#include <array>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

/// \file
/// A web application: routes, and what answers them.
namespace caropig::templates {
class BaseLoader;
}

namespace caropig::web {

class StaticFiles;
class KeptParameters;

/// A row of a table of routes: a pattern (see Pattern), a handler for GET and HEAD, and perhaps a name.
struct Route {
    Route(Pattern pattern_, Handler handler_, std::string name_ = {})
        : pattern(std::move(pattern_)), handler(std::move(handler_)), name(std::move(name_)) {}

    Pattern pattern;
    Handler handler;
    std::string name;
};

/// Routes tried in order, and the handlers behind them. Build it on one thread; from then on it does not change, and
/// all workers share it. Mistakes in a route are thrown as RouteError, which names the route, when it is added.
///
///     Application app;
///     app.get("/users/{id:int}", [](Request& request) { return Response("user " + std::string(request.param("id")));
///     });
class Application final : public server::Service {
public:
    Application();
    Application(std::initializer_list<Route> routes);
    ~Application() override;

    // A handler for one method of a path; GET answers HEAD too, unless HEAD has a handler of its own. Several methods
    // of one pattern make one route, which stands where the first of them was added. A name is for reverse_url().
    Application& get(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& post(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& put(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& patch(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& del(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& options(const Pattern& pattern, Handler handler, std::string_view name = {});
    Application& route(http::Method method, const Pattern& pattern, Handler handler, std::string_view name = {});

    /// The same handler for all of these methods.
    Application& any(const Pattern& pattern, const Handler& handler, std::string_view name = {});

    /// Answers a path with a class: one object a request, made of `arguments` (as Tornado's initialize()). The methods
    /// that it overrides are those that the route supports.
    template <class Class, class... Arguments>
    Application& add(const Pattern& pattern, Arguments... arguments) {
        return add_named<Class>(pattern, {}, std::move(arguments)...);
    }
    template <class Class, class... Arguments>
    Application& add_named(const Pattern& pattern, std::string_view name, Arguments... arguments);

    /// The path of the route called `name`. Throws RouteError. As Tornado's reverse_url.
    template <class... Values>
    [[nodiscard]] std::string reverse_url(std::string_view name, const Values&... values) const {
        return routes_.reverse(name, values...);
    }

    /// Shows clients what went wrong inside. Off by default; never for the public.
    Application& debug(bool enabled);
    [[nodiscard]] bool debug() const noexcept { return debug_; }

    /// Secrets and protections for an application with logins. From this call on, requests that change something need
    /// an XSRF token, unless `options` say otherwise. Throws std::invalid_argument when the XSRF cookie can't be set.
    Application& security(SecurityOptions options);
    /// What was set; the defaults before.
    [[nodiscard]] const SecurityOptions& security() const noexcept { return security_; }

    /// Where templates come from: a folder, whose files are read when they are first needed and, in debug mode, again
    /// when they have changed; or a loader of the program's own, with functions for templates, say. Throws IoError when
    /// there is no such folder. As Tornado's template_path.
    Application& templates(const std::string& folder);
    Application& templates(std::shared_ptr<templates::BaseLoader> loader);
    /// std::logic_error where none was set.
    [[nodiscard]] templates::BaseLoader& template_loader() const;

    /// What `{% module Name(...) %}` shows; an object of the class, made of nothing, for each page that has it.
    template <class Module>
    Application& ui_module(std::string name) {
        static_assert(std::derived_from<Module, UIModule>, "Application::ui_module is for classes derived of UIModule");
        ui_modules_[std::move(name)] = [] { return std::make_unique<Module>(); };
        return *this;
    }
    [[nodiscard]] const UIModules& ui_modules() const noexcept { return ui_modules_; }

    /// Serves a folder (see StaticFiles::add_to()), and gives its URLs to templates. As Tornado's static_path.
    Application& static_files(const StaticFiles& files);
    /// StaticFiles::static_url() of that folder. std::logic_error where none was set.
    [[nodiscard]] std::string static_url(std::string_view path) const;

    /// Compresses responses for clients that accept it; off unless called. See CompressionOptions for which, and for
    /// when not to. As Tornado's compress_response.
    Application& compress(const CompressionOptions& options = {}) {
        compression_ = options;
        return *this;
    }
    [[nodiscard]] const std::optional<CompressionOptions>& compression() const noexcept { return compression_; }

    /// Called by servers.
    void serve(server::Exchange& exchange) noexcept override;

private:
    static constexpr std::size_t kMethods = 9;
    struct Entry {
        Pattern pattern;
        std::array<std::shared_ptr<detail::Endpoint>, kMethods> endpoints;
        std::string allow;
    };

    template <class Class, class... Arguments>
    class ClassEndpoint;

    Application& add_endpoint(const Pattern& pattern, std::string_view name, std::span<const http::Method> methods,
                              const std::shared_ptr<detail::Endpoint>& endpoint);
    static bool is_free(const Entry& entry, http::Method method) noexcept;
    Task<void> answer_later(server::Exchange& exchange, detail::Endpoint& endpoint, KeptParameters parameters) const;
    Task<void> serve_later(server::Exchange& exchange, detail::Endpoint& endpoint, KeptParameters parameters) const;
    Task<void> stream_later(server::Exchange& exchange, Response response) const;
    Task<void> send_later(server::Exchange& exchange, Response& response) const;
    Task<void> check_xsrf_later(Request& request) const;
    static std::exception_ptr failure_for_a_page(const server::Exchange& exchange);
    void answer_failure(server::Exchange& exchange, const std::exception_ptr& failure) const;
    void serve_found(server::Exchange& exchange, const RouteMatch& match, const Entry& entry) const;
    [[nodiscard]] bool needs_xsrf_token(const server::Exchange& exchange, const detail::Endpoint& endpoint) const;

    RouteTable routes_;
    std::vector<Entry> entries_;
    SecurityOptions security_;
    bool checks_xsrf_ = false;
    std::optional<CompressionOptions> compression_;
    std::string template_folder_;
    std::shared_ptr<templates::BaseLoader> template_loader_;
    UIModules ui_modules_;
    std::shared_ptr<const StaticFiles> static_files_;
    bool debug_ = false;
};

template <class Class, class... Arguments>
class Application::ClassEndpoint final : public detail::Endpoint {
public:
    explicit ClassEndpoint(Arguments... arguments) : Endpoint(Kind::kClass), arguments_(std::move(arguments)...) {}

    std::unique_ptr<RequestHandler> make_handler() override {
        return std::apply([](const Arguments&... each) { return std::make_unique<Class>(each...); }, arguments_);
    }

private:
    std::tuple<Arguments...> arguments_;
};

template <class Class, class... Arguments>
Application& Application::add_named(const Pattern& pattern, std::string_view name, Arguments... arguments) {
    static_assert(std::derived_from<Class, RequestHandler>,
                  "Application::add is for classes derived of RequestHandler");
    using http::Method;
    constexpr auto overridden = [](auto mine, auto base) { return !std::is_same_v<decltype(mine), decltype(base)>; };
    std::vector<Method> methods;
    if (overridden(&Class::get, &RequestHandler::get))
        methods.push_back(Method::kGet);  // and HEAD with it
    else if (overridden(&Class::head, &RequestHandler::head))
        methods.push_back(Method::kHead);
    if (overridden(&Class::post, &RequestHandler::post)) methods.push_back(Method::kPost);
    if (overridden(&Class::put, &RequestHandler::put)) methods.push_back(Method::kPut);
    if (overridden(&Class::patch, &RequestHandler::patch)) methods.push_back(Method::kPatch);
    if (overridden(&Class::del, &RequestHandler::del)) methods.push_back(Method::kDelete);
    if (overridden(&Class::options, &RequestHandler::options)) methods.push_back(Method::kOptions);
    return add_endpoint(pattern, name, methods,
                        std::make_shared<ClassEndpoint<Class, Arguments...>>(std::move(arguments)...));
}

}  // namespace caropig::web
