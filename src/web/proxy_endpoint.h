#pragma once

#include <caropig/client/fetch_request.h>
#include <caropig/client/response_stream.h>
#include <caropig/web/reverse_proxy.h>

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace caropig::web {

/// What reverse_proxy() puts behind a route.
class ProxyEndpoint final : public detail::Endpoint {
public:
    /// Sends a request to an upstream, on this loop. As HttpClient::open().
    using Open = std::function<Task<client::ResponseStream>(Loop& loop, client::FetchRequest request)>;

    /// Throws std::invalid_argument.
    ProxyEndpoint(const std::vector<std::string>& upstreams, ReverseProxyOptions options, Open open);

    Task<int> answer(server::Exchange& exchange) override;

private:
    struct Upstream {
        client::FetchRequest request;  // as it is but for what comes from the client
        std::string base;              // of its path, without a slash at the end
    };

    [[nodiscard]] client::FetchRequest make_request(const Upstream& upstream, server::Exchange& exchange) const;
    Task<client::ResponseStream> ask(server::Exchange& exchange);

    ReverseProxyOptions options_;
    Open open_;
    std::vector<Upstream> upstreams_;
    std::atomic<unsigned> turn_ = 0;
};

}  // namespace caropig::web
