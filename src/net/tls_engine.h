#pragma once

#include "net/tls_handles.h"
#include "net/tls_session_cache.h"
#include <caropig/base/bytes.h>
#include <caropig/net/tls.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace caropig::net {

/// One session of TLS without I/O: ciphertext goes in and comes out, plaintext too. OpenSSL reads the ciphertext where
/// it was received. Stays where it is made.
class TlsEngine {
public:
    enum class Step {
        kDone,
        kNeedsInput,  ///< all input is consumed
        kEnded,       ///< the peer has said that it sends no more
        kFailed,      ///< see failure(); there may be output, an alert
    };

    /// A side of a session that has not begun. Throws std::bad_alloc.
    explicit TlsEngine(SSL_CTX& context);
    TlsEngine(const TlsEngine&) = delete;
    TlsEngine& operator=(const TlsEngine&) = delete;
    ~TlsEngine();

    /// The engine that `ssl` is of: for callbacks.
    [[nodiscard]] static TlsEngine& of(const SSL& ssl) noexcept;

    /// As a client of `host`, which is verified unless the context verifies nothing, with a session of `cache`, which
    /// may be null. False when OpenSSL can't take the name.
    [[nodiscard]] bool start_client(const std::string& host, std::string server,
                                    std::shared_ptr<TlsSessionCache> cache);
    void start_server() noexcept;

    /// Ciphertext that has come. It is looked at by the calls that follow; before it goes, keep_input() copies the
    /// rest. Not to be called while has_input().
    void feed(ConstBytes input) noexcept { input_ = input; }
    void keep_input();
    [[nodiscard]] bool has_input() const noexcept { return !input_.empty(); }

    /// Whether read() may have something without more input.
    [[nodiscard]] bool may_read() const noexcept { return over_ || has_input() || SSL_has_pending(ssl_.get()) != 0; }

    [[nodiscard]] Step handshake();
    /// Gives up to `into.size()` bytes of plaintext: kDone with `size` above 0.
    [[nodiscard]] Step read(MutableBytes into, std::size_t& size);
    /// Makes output of `plain`, all of it.
    [[nodiscard]] Step write(ConstBytes plain);
    /// Makes output that says that no more is sent.
    void say_end() noexcept;

    /// Ciphertext to be sent; whoever sends it takes it away.
    [[nodiscard]] std::vector<std::byte>& output() noexcept { return output_; }

    /// Why a step failed, in a few words; and whether it was the peer's certificate.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
    [[nodiscard]] bool certificate_refused() const noexcept { return certificate_refused_; }
    void refuse_certificate(std::string reason) noexcept {
        certificate_refused_ = true;
        failure_ = std::move(reason);
    }

    [[nodiscard]] const std::string& host() const noexcept { return host_; }
    [[nodiscard]] TlsVersion version() const noexcept;
    [[nodiscard]] std::string protocol() const;
    [[nodiscard]] bool resumed() const noexcept { return SSL_session_reused(ssl_.get()) != 0; }

    void keep_session(SslSessionPtr session) {
        if (cache_ != nullptr) cache_->put(server_, std::move(session));
    }

private:
    friend struct TlsEngineBio;

    Step step_after(int result);

    SslPtr ssl_;
    ConstBytes input_;
    std::vector<std::byte> kept_;  // what input_ views, where it was copied
    std::vector<std::byte> output_;
    std::string failure_;
    std::string host_;
    std::string server_;
    std::shared_ptr<TlsSessionCache> cache_;
    bool certificate_refused_ = false;
    bool over_ = false;  // the input has ended, or failed: every read says so
};

}  // namespace caropig::net
