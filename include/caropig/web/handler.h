#pragma once

#include <caropig/async/task.h>
#include <caropig/web/request.h>
#include <caropig/web/response.h>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

/// \file
/// What may answer a route: a function or any callable that takes the Request (or nothing) and returns a Response (or
/// text), at once or as a Task. The application owns the callable, so a coroutine lambda may have captures. It is
/// called on every worker's thread, at the same time.
namespace caropig::server {
class Exchange;
}

namespace caropig::web {

class RequestHandler;

namespace detail {

/// A route's answer behind one interface. It exists once per route, and is shared by all workers.
class Endpoint {
public:
    enum class Kind : unsigned char { kFunction, kCoroutine, kClass, kExchange };

    explicit Endpoint(Kind kind) noexcept : kind_(kind) {}
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    virtual ~Endpoint() = default;

    [[nodiscard]] Kind kind() const noexcept { return kind_; }

    /// Whether requests are taken without an XSRF token; see xsrf_exempt().
    [[nodiscard]] bool xsrf_exempt() const noexcept { return xsrf_exempt_; }
    void exempt_from_xsrf() noexcept { xsrf_exempt_ = true; }

    // One of these, as kind() says.
    virtual Response call(Request& request);
    virtual Task<Response> call_later(Request& request);
    virtual std::unique_ptr<RequestHandler> make_handler();
    /// Answers by the server's own means; gives the status for the log.
    virtual Task<int> answer(server::Exchange& exchange);

private:
    Kind kind_;
    bool xsrf_exempt_ = false;
};

template <class Callable>
decltype(auto) invoke_handler(Callable& callable, Request& request) {
    if constexpr (std::invocable<Callable&, Request&>) {
        return callable(request);
    } else {
        return callable();
    }
}

template <class Callable>
concept HandlerCallable = std::invocable<Callable&, Request&> || std::invocable<Callable&>;

template <class Callable>
using HandlerResult = decltype(invoke_handler(std::declval<Callable&>(), std::declval<Request&>()));

template <class T>
inline constexpr bool is_response_task = false;
template <class T>
inline constexpr bool is_response_task<Task<T>> = std::convertible_to<T, Response>;

template <class Callable>
class CallableEndpoint final : public Endpoint {
    using Result = HandlerResult<Callable>;
    static constexpr bool kWaits = is_response_task<Result>;

public:
    explicit CallableEndpoint(Callable callable)
        : Endpoint(kWaits ? Kind::kCoroutine : Kind::kFunction), callable_(std::move(callable)) {}

    Response call(Request& request) override {
        if constexpr (!kWaits) {
            return Response(invoke_handler(callable_, request));
        } else {
            return Endpoint::call(request);
        }
    }
    Task<Response> call_later(Request& request) override {
        if constexpr (std::same_as<Result, Task<Response>>) {
            return invoke_handler(callable_, request);
        } else if constexpr (kWaits) {
            return convert(invoke_handler(callable_, request));
        } else {
            return Endpoint::call_later(request);
        }
    }

private:
    static Task<Response> convert(Result task) { co_return Response(co_await std::move(task)); }

    Callable callable_;
};

}  // namespace detail

/// Any handler, behind one type. Copies share the callable.
class Handler {
public:
    /// Takes over `callable`; see the top of this file for what it may look like.
    template <class Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, Handler> &&
                 detail::HandlerCallable<std::decay_t<Callable>>)
    Handler(Callable&& callable) {  // NOLINT(google-explicit-constructor): a table of routes holds plain functions
        using Stored = std::decay_t<Callable>;
        using Result = detail::HandlerResult<Stored>;
        static_assert(std::convertible_to<Result, Response> || detail::is_response_task<Result>,
                      "a handler returns a Response or text, or a Task of one");
        endpoint_ = std::make_shared<detail::CallableEndpoint<Stored>>(std::forward<Callable>(callable));
    }
    explicit Handler(std::shared_ptr<detail::Endpoint> endpoint) noexcept : endpoint_(std::move(endpoint)) {}

    [[nodiscard]] const std::shared_ptr<detail::Endpoint>& endpoint() const noexcept { return endpoint_; }

private:
    std::shared_ptr<detail::Endpoint> endpoint_;
};

}  // namespace caropig::web
