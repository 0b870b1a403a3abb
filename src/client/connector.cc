#include "client/connector.h"

#include <caropig/loop/with_timeout.h>
#include <caropig/net/connect.h>
#include <caropig/net/unix.h>

#include <utility>
#include <vector>

#include <fmt/format.h>

namespace caropig::client {
namespace {

using Kind = FetchError::Kind;
using Phase = FetchError::Phase;

/// What a step of connecting ended with, as a FetchError.
[[noreturn]] void fail(const Origin& origin, Phase phase, Kind kind, const IoError& error) {
    if (error.code() == std::errc::timed_out) kind = Kind::kTimeout;
    throw FetchError(kind, phase, error.code(), origin.text(), error.what());
}

/// Runs one step within its own deadline, which `name` is the option of; what it throws becomes a FetchError.
template <class T>
Task<T> in_phase(Loop& loop, const Origin& origin, Phase& reached, Phase phase, Kind kind, std::string_view name,
                 Duration limit, Task<T> step) {
    reached = phase;
    const TimePoint deadline = loop.now() + limit;
    try {
        if (limit == Duration::zero()) co_return co_await std::move(step);
        co_return co_await with_deadline(deadline, std::move(step));
    } catch (const TimeoutError& error) {
        // Name servers that don't answer in time are TimeoutErrors too.
        if (limit == Duration::zero() || loop.now() < deadline) fail(origin, phase, kind, error);
        const std::chrono::duration<double> seconds = limit;
        throw FetchError(Kind::kTimeout, phase, error.code(), origin.text(),
                         fmt::format("the {} of {:g} s passed", name, seconds.count()));
    } catch (const IoError& error) {
        fail(origin, phase, kind, error);
    }
}

std::string name_and_port(const Origin& origin) {
    const bool is_v6 = origin.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + origin.host + "]" : origin.host) + ":" + std::to_string(origin.port);
}

}  // namespace

Origin::Origin(std::string its_scheme, std::string its_host, std::uint16_t its_port, std::string its_unix_path)
    : scheme(std::move(its_scheme)), host(std::move(its_host)), port(its_port), unix_path(std::move(its_unix_path)) {}

std::string Origin::text() const {
    http::Url url;
    url.scheme = scheme;
    url.host = host;
    url.port = port;
    return url.origin();
}

Connector::Connector(Loop& loop, ConnectionOptions options) : options_(std::move(options)), resolver_(loop) {}

Task<Connected> Connector::connect(Origin origin, FetchError::Phase& phase) {
    Loop& loop = resolver_.loop();
    const std::string& unix_path = origin.unix_path.empty() ? options_.unix_socket() : origin.unix_path;
    Connected connected;
    if (!unix_path.empty()) {
        connected.stream =
            co_await in_phase(loop, origin, phase, Phase::kConnect, Kind::kUnreachable, "connect_timeout",
                              options_.connect_timeout(), net::connect_unix(unix_path));
        co_return connected;
    }
    std::vector<net::Address> addresses =
        co_await in_phase(loop, origin, phase, Phase::kResolve, Kind::kUnresolvable, "resolve_timeout",
                          options_.resolve_timeout(), resolver_.resolve(origin.host, origin.port));
    connected.stream =
        co_await in_phase(loop, origin, phase, Phase::kConnect, Kind::kUnreachable, "connect_timeout",
                          options_.connect_timeout(), net::connect_tcp(std::move(addresses), name_and_port(origin)));
    co_return connected;
}

}  // namespace caropig::client
