#include "net/tls_session_cache.h"

#include <utility>

namespace caropig::net {
namespace {

bool usable(const SSL_SESSION& session) {
    if (SSL_SESSION_is_resumable(&session) == 0) return false;
    // OpenSSL looks at the certificate in full handshakes only.
    const X509* certificate = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(&session));
    return certificate == nullptr || X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

}  // namespace

void TlsSessionCache::put(const std::string& server, SslSessionPtr session) {
    if (max_servers_ == 0) return;
    const std::lock_guard lock(mutex_);
    if (const auto found = by_name_.find(server); found != by_name_.end()) {
        servers_.splice(servers_.begin(), servers_, found->second);
    } else {
        if (servers_.size() == max_servers_) {
            by_name_.erase(servers_.back().name);
            servers_.pop_back();
        }
        servers_.emplace_front().name = server;
        by_name_.emplace(server, servers_.begin());
    }
    std::vector<SslSessionPtr>& sessions = servers_.front().sessions;
    if (sessions.size() == kSessionsOfServer) sessions.erase(sessions.begin());
    sessions.push_back(std::move(session));
}

SslSessionPtr TlsSessionCache::take(const std::string& server) {
    const std::lock_guard lock(mutex_);
    const auto found = by_name_.find(server);
    if (found == by_name_.end()) return nullptr;
    servers_.splice(servers_.begin(), servers_, found->second);
    std::vector<SslSessionPtr>& sessions = servers_.front().sessions;
    while (!sessions.empty()) {
        if (!usable(*sessions.back())) {
            sessions.pop_back();
        } else if (SSL_SESSION_get_protocol_version(sessions.back().get()) >= TLS1_3_VERSION) {
            SslSessionPtr session = std::move(sessions.back());
            sessions.pop_back();
            return session;
        } else {
            SSL_SESSION_up_ref(sessions.back().get());
            return SslSessionPtr(sessions.back().get());
        }
    }
    return nullptr;
}

}  // namespace caropig::net
