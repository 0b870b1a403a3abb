#include "client/fetch_through.h"

#include <caropig/loop/with_timeout.h>

#include <utility>

#include <fmt/format.h>

namespace caropig::client {
namespace {

using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

std::string_view describe(Phase phase) {
    switch (phase) {
        case Phase::kResolve:
            return "resolving the name";
        case Phase::kConnect:
            return "connecting";
        case Phase::kProxy:
            return "asking the proxy";
        case Phase::kTls:
            return "in the TLS handshake";
        case Phase::kSend:
            return "sending the request";
        case Phase::kWait:
            return "waiting for the response";
        case Phase::kReceive:
            break;
    }
    return "receiving the response";
}

[[noreturn]] void fail(const Exchange& exchange, Kind kind, std::error_code code, std::string_view detail) {
    throw FetchError(kind, exchange.phase, code, exchange.request.url().origin(), detail);
}

[[noreturn]] void fail_late(const Exchange& exchange, std::string_view name, Duration limit) {
    const std::chrono::duration<double> seconds = limit;
    fail(exchange, Kind::kTimeout, std::make_error_code(std::errc::timed_out),
         fmt::format("the {} of {:g} s passed while {}", name, seconds.count(), describe(exchange.phase)));
}

/// What connecting ended with that was not the request's deadline.
[[noreturn]] void fail_unconnected(const Exchange& exchange, const IoError& error) {
    const Kind kind = error.code() == std::errc::timed_out ? Kind::kTimeout
                      : exchange.phase == Phase::kResolve  ? Kind::kUnresolvable
                                                           : Kind::kUnreachable;
    fail(exchange, kind, error.code(), error.what());
}

/// Runs `task` for at most `limit`, where zero is none.
template <class T>
Task<T> limited(Loop& loop, Duration limit, Task<T> task) {
    return limit == Duration::zero() ? std::move(task) : with_deadline(loop.now() + limit, std::move(task));
}

Task<std::unique_ptr<net::Stream>> connect_in_time(Connect& connect, Loop& loop, Exchange& exchange) {
    const Duration limit = exchange.request.connect_timeout();
    const TimePoint deadline = loop.now() + limit;
    try {
        co_return co_await limited(loop, limit, connect(loop, exchange));
    } catch (const TimeoutError& error) {
        // Name servers that don't answer in time are TimeoutErrors too, as the operating system's is not.
        if (limit == Duration::zero() || loop.now() < deadline) fail_unconnected(exchange, error);
        fail_late(exchange, "connect_timeout", limit);
    } catch (const FetchError&) {
        throw;
    } catch (const IoError& error) {
        fail_unconnected(exchange, error);
    }
}

Task<void> connect_and_fetch(Connect& connect, Loop& loop, Exchange& exchange) {
    const std::unique_ptr<net::Stream> stream = co_await connect_in_time(connect, loop, exchange);
    co_await fetch_over(*stream, exchange);
}

}  // namespace

Task<Response> fetch_through(Connect connect, Exchange exchange) {
    const detail::TaskContext context = co_await current_context();
    Loop& loop = static_cast<Loop&>(*context.executor);
    const Duration limit = exchange.request.total_timeout();
    try {
        co_await limited(loop, limit, connect_and_fetch(connect, loop, exchange));
    } catch (const TimeoutError&) {
        fail_late(exchange, "total_timeout", limit);
    }
    co_return std::move(exchange.response);
}

}  // namespace caropig::client
