#include "client/exchange.h"
#include "client/fetch_through.h"
#include "net/happy_eyeballs.h"
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>
#include <caropig/net/connect.h>

#include <utility>
#include <vector>

namespace caropig::client {
namespace {

/// As net::connect_tcp() of a name, but `exchange` tells whether it was resolving or connecting that did not end.
Task<std::unique_ptr<net::Stream>> connect_to_origin(net::Resolver& resolver, Exchange& exchange) {
    const http::Url& url = exchange.request.url();
    std::vector<net::Address> addresses = co_await resolver.resolve(url.host, url.port);
    exchange.phase = FetchError::Phase::kConnect;
    net::ConnectAttempt attempt = [&resolver](net::Address address) {
        return net::connect_tcp(resolver, address.host(), address.port());
    };
    co_return co_await net::race_to_connect(net::interleave_families(addresses), net::ConnectOptions().attempt_delay(),
                                            std::move(attempt));
}

}  // namespace

Task<std::unique_ptr<net::Stream>> HttpClient::connect(Loop& loop, Exchange& exchange) {
    CAROPIG_CHECK(&loop == &resolver_.loop(), "an HttpClient was used on another loop than its own");
    return connect_to_origin(resolver_, exchange);
}

Task<Response> HttpClient::fetch(FetchRequest request) {
    return fetch_through([this](Loop& loop, Exchange& exchange) { return connect(loop, exchange); },
                         Exchange(std::move(request)));
}

Task<Response> fetch(FetchRequest request) {
    return fetch_through(
        [](Loop& loop, Exchange& exchange) { return loop.local<HttpClient>().connect(loop, exchange); },
        Exchange(std::move(request)));
}

}  // namespace caropig::client
