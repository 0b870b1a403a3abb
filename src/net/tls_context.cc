#include "net/tls_context.h"

#include "net/tls_engine.h"
#include "net/tls_pem.h"

#include <new>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace caropig::net {
namespace {

int number_of(TlsVersion version) noexcept { return version == TlsVersion::k1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; }

SslContextPtr make_context(const SSL_METHOD* method, TlsVersion minimum) {
    SslContextPtr context(SSL_CTX_new(method));
    if (context == nullptr) throw std::bad_alloc();
    SSL_CTX_set_min_proto_version(context.get(), number_of(minimum));
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_clear_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    // An idle session holds no buffer.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    return context;
}

/// ALPN's form: each name with its length before it.
std::string protocol_list(const std::vector<std::string>& names) {
    constexpr std::size_t kLongest = 255;
    std::string list;
    for (const std::string& name : names) {
        if (name.empty() || name.size() > kLongest) {
            throw std::invalid_argument("protocols: a name has 1 to 255 bytes");
        }
        list += static_cast<char>(name.size());
        list += name;
    }
    return list;
}

void use_certificate(SSL_CTX& context, const std::string& chain_file, const std::string& key_file) {
    const std::vector<CertificatePtr> chain = read_certificates(read_pem_file(chain_file, "certificate"), chain_file);
    const KeyPtr key = read_key(read_pem_file(key_file, "key"), key_file);
    if (SSL_CTX_use_certificate(&context, chain.front().get()) != 1) fail_pem(chain_file, "it can't be used");
    for (std::size_t i = 1; i < chain.size(); ++i) {
        if (SSL_CTX_add1_chain_cert(&context, chain[i].get()) != 1) fail_pem(chain_file, "its chain can't be used");
    }
    if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1 || SSL_CTX_check_private_key(&context) != 1) {
        fail_pem(key_file, fmt::format("it is not the key of the certificate in {}", chain_file));
    }
}

void add_roots(SSL_CTX& context, const std::string& text, const std::string& source) {
    X509_STORE* store = SSL_CTX_get_cert_store(&context);
    for (const CertificatePtr& root : read_certificates(text, source)) {
        if (X509_STORE_add_cert(store, root.get()) != 1) throw std::bad_alloc();
    }
}

void set_roots(SSL_CTX& context, const TlsClientOptions& options) {
    if (options.roots_files().empty() && options.roots_pem().empty()) {
        if (SSL_CTX_set_default_verify_paths(&context) != 1) throw std::bad_alloc();
    }
    for (const std::string& file : options.roots_files()) {
        add_roots(context, read_pem_file(file, "roots_file"), file);
    }
    if (!options.roots_pem().empty()) add_roots(context, options.roots_pem(), "roots_pem");
    if (options.revocation_lists_file().empty()) return;
    X509_STORE* store = SSL_CTX_get_cert_store(&context);
    const std::string& file = options.revocation_lists_file();
    for (const RevocationListPtr& list : read_revocation_lists(read_pem_file(file, "revocation_lists_file"), file)) {
        if (X509_STORE_add_crl(store, list.get()) != 1) throw std::bad_alloc();
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(&context), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

SSL& ssl_of(X509_STORE_CTX& store) noexcept {
    return *static_cast<SSL*>(X509_STORE_CTX_get_ex_data(&store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/// OpenSSL's verification, then the certificates that are distrusted; keeps why not.
int verify(X509_STORE_CTX* store, void* argument) {
    const auto* distrusted = static_cast<const std::vector<CertificatePtr>*>(argument);
    TlsEngine& engine = TlsEngine::of(ssl_of(*store));
    bool accepted = X509_verify_cert(store) == 1;
    if (accepted && distrusted != nullptr) {
        const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(store);
        for (int i = 0; accepted && i < sk_X509_num(chain); ++i) {
            X509* certificate = sk_X509_value(chain, i);
            for (const CertificatePtr& bad : *distrusted) {
                if (X509_cmp(certificate, bad.get()) != 0) continue;
                accepted = false;
                X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
                X509_STORE_CTX_set_error_depth(store, i);
                X509_STORE_CTX_set_current_cert(store, certificate);
                break;
            }
        }
    }
    if (!accepted) engine.refuse_certificate(certificate_problem(*store, engine.host()));
    return accepted ? 1 : 0;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
    TlsEngine::of(*ssl).keep_session(SslSessionPtr(session));
    return 1;  // it is ours now
}

int choose_protocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* argument) {
    const auto& own = static_cast<const TlsServerContext::State*>(argument)->protocols;
    unsigned char* found = nullptr;
    const int outcome = SSL_select_next_proto(&found, size, reinterpret_cast<const unsigned char*>(own.data()),
                                              static_cast<unsigned>(own.size()), offered, offered_size);
    *chosen = found;
    return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

TlsClientContext::TlsClientContext(const TlsClientOptions& options) : state_(std::make_shared<State>()) {
    state_->context = make_context(TLS_client_method(), options.minimum_version());
    SSL_CTX& context = *state_->context;
    set_roots(context, options);
    if (!options.distrust_pem().empty()) state_->distrusted = read_certificates(options.distrust_pem(), "distrust_pem");
    if (options.accepts_any_certificate()) {
        SSL_CTX_set_verify(&context, SSL_VERIFY_NONE, nullptr);
    } else {
        SSL_CTX_set_verify(&context, SSL_VERIFY_PEER, nullptr);
        SSL_CTX_set_cert_verify_callback(&context, &verify, &state_->distrusted);
    }
    if (!options.chain_file().empty()) use_certificate(context, options.chain_file(), options.key_file());
    state_->protocols = options.protocols();
    const std::string protocols = protocol_list(options.protocols());
    if (SSL_CTX_set_alpn_protos(&context, reinterpret_cast<const unsigned char*>(protocols.data()),
                                static_cast<unsigned>(protocols.size())) != 0) {
        throw std::bad_alloc();
    }
    if (options.max_resumable_servers() == 0) {
        SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
        return;
    }
    state_->sessions = std::make_shared<TlsSessionCache>(options.max_resumable_servers());
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(&context, &keep_session);
}

TlsServerContext::TlsServerContext(const TlsServerOptions& options) : state_(std::make_shared<State>()) {
    state_->context = make_context(TLS_server_method(), options.minimum_version());
    SSL_CTX& context = *state_->context;
    use_certificate(context, options.chain_file(), options.key_file());
    state_->protocols = protocol_list(options.protocols());
    if (!state_->protocols.empty()) SSL_CTX_set_alpn_select_cb(&context, &choose_protocol, state_.get());
    SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    // Sessions live in the tickets that clients keep; here is none to run out of.
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    constexpr std::string_view kName = "caropig";
    SSL_CTX_set_session_id_context(&context, reinterpret_cast<const unsigned char*>(kName.data()), kName.size());
    if (options.client_roots_file().empty()) return;
    add_roots(context, read_pem_file(options.client_roots_file(), "client_roots_file"), options.client_roots_file());
    SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(&context, &verify, nullptr);
}

}  // namespace caropig::net
