#include "client/connector.h"

#include "client/tunnel.h"
#include <caropig/loop/with_timeout.h>
#include <caropig/net/connect.h>
#include <caropig/net/unix.h>

#include <chrono>
#include <cstdlib>
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

ProxyRules rules_of(const ConnectionOptions& options) {
    ProxyRules rules;
    if (options.proxies_from_environment() && options.proxy().empty()) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here writes it
        rules = ProxyRules::from_environment([](const char* name) { return std::getenv(name); });
    } else if (!options.proxy().empty()) {
        rules.for_http = rules.for_https = *parse_proxy(options.proxy());
    }
    if (!options.no_proxy().empty()) rules.direct = DirectHosts(options.no_proxy());
    return rules;
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

/// One connection that is being made.
struct Connector::Attempt {
    const Origin& origin;
    FetchError::Phase& phase;
    Loop& loop;

    /// Runs one step within its own deadline, which `name` is the option of; what it throws becomes a FetchError.
    template <class T>
    Task<T> step(Phase reached, Kind kind, std::string_view name, Duration limit, Task<T> work) {
        phase = reached;
        const TimePoint deadline = loop.now() + limit;
        try {
            if (limit == Duration::zero()) co_return co_await std::move(work);
            co_return co_await with_deadline(deadline, std::move(work));
        } catch (const TimeoutError& error) {
            // Name servers that don't answer in time are TimeoutErrors too.
            if (limit == Duration::zero() || loop.now() < deadline) fail(origin, reached, kind, error);
            const std::chrono::duration<double> seconds = limit;
            throw FetchError(Kind::kTimeout, reached, error.code(), origin.text(),
                             fmt::format("the {} of {:g} s passed", name, seconds.count()));
        } catch (const IoError& error) {
            fail(origin, reached, kind, error);
        }
    }
};

Connector::Connector(Loop& loop, ConnectionOptions options)
    : options_(std::move(options)),
      proxies_(rules_of(options_)),
      resolver_(loop, options_.resolver()),
      tls_(options_.tls()) {}

Task<std::unique_ptr<net::Stream>> Connector::dial(Attempt& attempt, std::string host, std::uint16_t port) {
    const std::string name = Target(host, port).text();
    std::vector<net::Address> addresses =
        co_await attempt.step(Phase::kResolve, Kind::kUnresolvable, "resolve_timeout", options_.resolve_timeout(),
                              resolver_.resolve(std::move(host), port));
    co_return co_await attempt.step(Phase::kConnect, Kind::kUnreachable, "connect_timeout", options_.connect_timeout(),
                                    net::connect_tcp(std::move(addresses), name, options_.tcp()));
}

Task<std::unique_ptr<net::Stream>> Connector::secure(Attempt& attempt, std::unique_ptr<net::Stream> stream,
                                                     std::string host, std::uint16_t port) {
    if (!tls_) tls_.emplace();
    co_return co_await attempt.step(Phase::kTls, Kind::kTls, "tls_timeout", options_.tls_timeout(),
                                    net::tls_connect(std::move(stream), *tls_, std::move(host), port));
}

Task<Connected> Connector::connect_by_proxy(Attempt& attempt, const Proxy& proxy) {
    const Origin& origin = attempt.origin;
    Connected connected;
    connected.stream = co_await dial(attempt, proxy.host, proxy.port);
    if (proxy.kind == Proxy::Kind::kHttps) {
        connected.stream = co_await secure(attempt, std::move(connected.stream), proxy.host, proxy.port);
    }
    if (proxy.speaks_http() && origin.scheme == "http") {
        connected.absolute_target = true;
        connected.proxy_authorization = proxy.authorization();
        co_return connected;
    }
    Target target(origin.host, origin.port);
    if (proxy.kind == Proxy::Kind::kSocks5) {
        const std::vector<net::Address> addresses =
            co_await attempt.step(Phase::kResolve, Kind::kUnresolvable, "resolve_timeout", options_.resolve_timeout(),
                                  resolver_.resolve(origin.host, origin.port));
        target.host = addresses.front().host();
    }
    Task<void> tunnel = proxy.speaks_http() ? open_http_tunnel(*connected.stream, proxy, std::move(target))
                                            : open_socks_tunnel(*connected.stream, proxy, std::move(target));
    co_await attempt.step(Phase::kProxy, Kind::kProxy, "proxy_timeout", options_.proxy_timeout(), std::move(tunnel));
    co_return connected;
}

Task<Connected> Connector::connect(Origin origin, FetchError::Phase& phase) {
    Attempt attempt{origin, phase, resolver_.loop()};
    const std::string& unix_path = origin.unix_path.empty() ? options_.unix_socket() : origin.unix_path;
    const Proxy* proxy = unix_path.empty() ? proxies_.choose(origin.scheme, origin.host) : nullptr;
    Connected connected;
    if (!unix_path.empty()) {
        connected.stream = co_await attempt.step(Phase::kConnect, Kind::kUnreachable, "connect_timeout",
                                                 options_.connect_timeout(), net::connect_unix(unix_path));
    } else if (proxy != nullptr) {
        connected = co_await connect_by_proxy(attempt, *proxy);
    } else {
        connected.stream = co_await dial(attempt, origin.host, origin.port);
    }
    if (origin.scheme == "https") {
        connected.stream = co_await secure(attempt, std::move(connected.stream), origin.host, origin.port);
    }
    co_return connected;
}

}  // namespace caropig::client
