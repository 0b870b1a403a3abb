#pragma once

#include "net/tls_handles.h"
#include "net/tls_session_cache.h"
#include <caropig/net/tls.h>

#include <memory>
#include <string>
#include <vector>

namespace caropig::net {

struct TlsClientContext::State {
    SslContextPtr context;
    std::vector<CertificatePtr> distrusted;
    std::vector<std::string> protocols;
    std::shared_ptr<TlsSessionCache> sessions;  // null: nothing is resumed
};

struct TlsServerContext::State {
    SslContextPtr context;
    std::string protocols;  // as they are sent: each with its length before it
};

/// Says in a few words why OpenSSL did not accept the certificate that `store` is about; `host` is whom it was for.
std::string certificate_problem(X509_STORE_CTX& store, const std::string& host);

}  // namespace caropig::net
