#include "net/tls_engine.h"

#include <caropig/base/check.h>
#include <caropig/net/address.h>

#include <algorithm>
#include <cstring>
#include <new>

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace caropig::net {

/// What OpenSSL reads from and writes to.
struct TlsEngineBio {
    static TlsEngine& engine(BIO* bio) noexcept { return *static_cast<TlsEngine*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
        TlsEngine& self = engine(bio);
        BIO_clear_retry_flags(bio);
        *count = std::min(size, self.input_.size());
        if (*count == 0) {
            BIO_set_retry_read(bio);
            return 0;
        }
        std::memcpy(into, self.input_.data(), *count);
        self.input_ = self.input_.subspan(*count);
        return 1;
    }

    static int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
        const auto* begin = reinterpret_cast<const std::byte*>(bytes);
        std::vector<std::byte>& output = engine(bio).output_;
        output.insert(output.end(), begin, begin + size);
        *count = size;
        return 1;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "caropig stream");
            if (fresh == nullptr) throw std::bad_alloc();
            BIO_meth_set_read_ex(fresh, &TlsEngineBio::read);
            BIO_meth_set_write_ex(fresh, &TlsEngineBio::write);
            BIO_meth_set_ctrl(fresh, &TlsEngineBio::control);
            return fresh;
        }();
        return made;
    }
};

namespace {

/// The reason of the oldest error that OpenSSL has noted, and of an alert who sent it.
std::string reason_of_failure() {
    const unsigned long error = ERR_peek_error();
    if (error == 0) return "OpenSSL does not say why";
    const int reason = ERR_GET_REASON(error);
    const char* text = ERR_reason_error_string(error);
    std::string words = text != nullptr ? text : "error " + std::to_string(reason);
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET) return "the peer refused it: " + words;
    if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG) {
        return "the peer speaks no TLS (" + words + ")";
    }
    return words;
}

}  // namespace

TlsEngine::TlsEngine(SSL_CTX& context) : ssl_(SSL_new(&context)) {
    BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(TlsEngineBio::method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
}

TlsEngine::~TlsEngine() {
    // OpenSSL would not resume the session of a connection that ended without a good-bye. That rule went with TLS 1.1
    // (RFC 4346 7.2.1).
    if (failure_.empty()) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN);
}

TlsEngine& TlsEngine::of(const SSL& ssl) noexcept { return *static_cast<TlsEngine*>(SSL_get_app_data(&ssl)); }

bool TlsEngine::start_client(const std::string& host, std::string server, std::shared_ptr<TlsSessionCache> cache) {
    host_ = host;
    if (host_.ends_with('.')) host_.pop_back();
    server_ = std::move(server);
    cache_ = std::move(cache);
    SSL_set_connect_state(ssl_.get());
    X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl_.get());
    // RFC 9525: the subject's common name is no name of a host, and "*" stands for a whole label.
    X509_VERIFY_PARAM_set_hostflags(parameters,
                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (const auto address = Address::parse(host_, 0)) {
        if (X509_VERIFY_PARAM_set1_ip_asc(parameters, address->host().c_str()) != 1) return false;
    } else {
        if (host_.empty() || host_.find('\0') != std::string::npos) return false;
        if (X509_VERIFY_PARAM_set1_host(parameters, host_.data(), host_.size()) != 1) return false;
        if (SSL_set_tlsext_host_name(ssl_.get(), host_.c_str()) != 1) return false;
    }
    if (cache_ != nullptr) {
        if (const SslSessionPtr session = cache_->take(server_)) SSL_set_session(ssl_.get(), session.get());
    }
    return true;
}

void TlsEngine::start_server() noexcept { SSL_set_accept_state(ssl_.get()); }

void TlsEngine::keep_input() {
    if (input_.empty()) {
        kept_ = {};
        return;
    }
    const bool kept = !kept_.empty() && input_.data() >= kept_.data() && input_.data() < kept_.data() + kept_.size();
    if (kept) return;
    kept_.assign(input_.begin(), input_.end());
    input_ = kept_;
}

TlsEngine::Step TlsEngine::step_after(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_NONE:
            return Step::kDone;
        case SSL_ERROR_WANT_READ:
            return Step::kNeedsInput;
        case SSL_ERROR_ZERO_RETURN:
            over_ = true;
            return Step::kEnded;
        default:
            break;
    }
    over_ = true;
    if (failure_.empty()) failure_ = reason_of_failure();
    ERR_clear_error();
    return Step::kFailed;
}

TlsEngine::Step TlsEngine::handshake() {
    ERR_clear_error();
    return step_after(SSL_do_handshake(ssl_.get()));
}

TlsEngine::Step TlsEngine::read(MutableBytes into, std::size_t& size) {
    size = 0;
    while (size < into.size()) {
        ERR_clear_error();
        std::size_t count = 0;
        const int result = SSL_read_ex(ssl_.get(), into.data() + size, into.size() - size, &count);
        size += count;
        if (result == 1) continue;
        const Step step = step_after(result);
        // What came before an end or a failure is read first; both are found again.
        return size != 0 ? Step::kDone : step;
    }
    return Step::kDone;
}

TlsEngine::Step TlsEngine::write(ConstBytes plain) {
    ERR_clear_error();
    std::size_t count = 0;
    const Step step = step_after(SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &count));
    CAROPIG_CHECK(step != Step::kDone || count == plain.size(), "OpenSSL wrote a part only");
    return step;
}

void TlsEngine::say_end() noexcept {
    if (SSL_in_init(ssl_.get()) != 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

TlsVersion TlsEngine::version() const noexcept {
    return SSL_version(ssl_.get()) >= TLS1_3_VERSION ? TlsVersion::k1_3 : TlsVersion::k1_2;
}

std::string TlsEngine::protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

}  // namespace caropig::net
