#include "client/connector.h"
#include "client/exchange.h"
#include "client/fetch_through.h"
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>

#include <utility>

namespace caropig::client {
namespace {

Task<std::unique_ptr<net::Stream>> connect_to_origin(Connector& connector, Exchange& exchange) {
    Connected connected = co_await connector.connect(Origin(exchange.request.url()), exchange.phase);
    exchange.absolute_target = connected.absolute_target;
    exchange.proxy_authorization = std::move(connected.proxy_authorization);
    co_return std::move(connected.stream);
}

}  // namespace

HttpClient::HttpClient(Loop& loop, ConnectionOptions options)
    : connector_(std::make_unique<Connector>(loop, std::move(options))) {}

HttpClient::~HttpClient() = default;

Task<std::unique_ptr<net::Stream>> HttpClient::connect(Loop& loop, Exchange& exchange) {
    CAROPIG_CHECK(&loop == &connector_->loop(), "an HttpClient was used on another loop than its own");
    return connect_to_origin(*connector_, exchange);
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
