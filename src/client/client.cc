#include "client/connector.h"
#include "client/exchange.h"
#include "client/pool.h"
#include "client/resilience.h"
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>

#include <utility>

namespace caropig::client {
namespace {

Task<HttpClient*> local_client() {
    const detail::TaskContext context = co_await current_context();
    co_return &static_cast<Loop&>(*context.executor).local<HttpClient>();
}

}  // namespace

HttpClient::HttpClient(Loop& loop, ClientOptions options)
    : connector_(std::make_unique<Connector>(loop, std::move(options.connection))),
      pool_(std::make_unique<Pool>(
          loop, options.pool,
          [this](Origin origin, FetchError::Phase& phase) { return connector_->connect(std::move(origin), phase); })),
      resilience_(options.resilience.enabled() ? std::make_unique<Resilience>(options.resilience) : nullptr) {}

HttpClient::~HttpClient() = default;

Task<Response> HttpClient::fetch(FetchRequest request) {
    if (resilience_ && request.resilient()) return resilience_->fetch(*pool_, std::move(request));
    return fetch_through(*pool_, std::move(request));
}

Task<ResponseStream> HttpClient::open(FetchRequest request) {
    if (resilience_ && request.resilient()) return resilience_->open(*pool_, std::move(request));
    return open_through(*pool_, std::move(request));
}

HttpClient::Counts HttpClient::counts() const noexcept { return {pool_->open(), pool_->idle(), pool_->waiting()}; }

Task<Response> fetch(FetchRequest request) {
    HttpClient* client = co_await local_client();
    co_return co_await client->fetch(std::move(request));
}

Task<ResponseStream> open(FetchRequest request) {
    HttpClient* client = co_await local_client();
    co_return co_await client->open(std::move(request));
}

}  // namespace caropig::client
