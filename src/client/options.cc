#include "client/limits.h"
#include "client/proxy.h"
#include <caropig/client/options.h>

#include <stdexcept>

#include <fmt/format.h>

namespace caropig::client {
namespace {

// Keeps the sum with the clock's time in range, whatever "practically never" somebody passes.
constexpr Duration kLongest = std::chrono::hours(24 * 366);

}  // namespace

void check_limit(Duration limit, std::string_view name) {
    if (limit < Duration::zero() || limit > kLongest) {
        throw std::invalid_argument(fmt::format("{}: it is negative, or longer than a year", name));
    }
}

ConnectionOptions& ConnectionOptions::resolve_timeout(Duration limit) {
    check_limit(limit, "resolve_timeout");
    resolve_timeout_ = limit;
    return *this;
}

ConnectionOptions& ConnectionOptions::connect_timeout(Duration limit) {
    check_limit(limit, "connect_timeout");
    connect_timeout_ = limit;
    return *this;
}

ConnectionOptions& ConnectionOptions::proxy_timeout(Duration limit) {
    check_limit(limit, "proxy_timeout");
    proxy_timeout_ = limit;
    return *this;
}

ConnectionOptions& ConnectionOptions::tls_timeout(Duration limit) {
    check_limit(limit, "tls_timeout");
    tls_timeout_ = limit;
    return *this;
}

ConnectionOptions& ConnectionOptions::proxy(std::string_view url) {
    if (!url.empty()) {
        if (const Result<Proxy, std::string> parsed = parse_proxy(url); !parsed) {
            throw std::invalid_argument(parsed.error());
        }
    }
    proxy_ = url;
    return *this;
}

}  // namespace caropig::client
