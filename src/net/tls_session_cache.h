#pragma once

#include "net/tls_handles.h"

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace caropig::net {

/// Sessions that can be resumed, by server. Any thread.
class TlsSessionCache {
public:
    explicit TlsSessionCache(std::size_t max_servers) noexcept : max_servers_(max_servers) {}

    void put(const std::string& server, SslSessionPtr session);

    /// A session to offer to `server`, or null. One of TLS 1.3 is given out once only: used twice, it would tell who
    /// listens that both connections are of one client (RFC 8446 C.4). One whose certificate has expired is dropped.
    SslSessionPtr take(const std::string& server);

private:
    static constexpr std::size_t kSessionsOfServer = 2;
    struct Server {
        std::string name;
        std::vector<SslSessionPtr> sessions;  // the newest last
    };

    std::mutex mutex_;
    std::size_t max_servers_;
    std::list<Server> servers_;  // the most recently used first
    std::map<std::string, std::list<Server>::iterator, std::less<>> by_name_;
};

}  // namespace caropig::net
