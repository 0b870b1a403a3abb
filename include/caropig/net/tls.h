#pragma once

#include <caropig/async/task.h>
#include <caropig/base/error.h>
#include <caropig/net/stream.h>
#include <caropig/net/tls_options.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// \file
/// TLS over any stream: nobody in between reads or changes what is sent, and the server is who it says (OpenSSL 3).
namespace caropig::net {

/// There is no session: what() says why in one line, with whom: "TLS with example.com (192.0.2.1:443): the certificate
/// is not accepted: it has expired (CN=example.com)". code() is std::errc::protocol_error.
class TlsError : public IoError {
public:
    enum class Kind {
        kCertificate,  ///< the peer's certificate was not accepted
        kHandshake,    ///< the two have nothing in common, the peer refused, or it spoke no TLS
    };

    /// `peer` is with whom, `detail` what happened.
    TlsError(Kind kind, std::string_view peer, std::string_view detail);

    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    Kind kind_;
    std::string line_;
};

/// A session of TLS: a Stream, so that who reads and writes need not know.
///
/// The end of the stream (0 bytes) means that the peer has said so in the session (close_notify). When the connection
/// ends without that, reading fails with ECONNABORTED: somebody may have cut it. What is no TLS fails with EPROTO;
/// failure() says more. shutdown_write() says it to the peer; so does close(), if it can without waiting. The peer
/// can't have the session negotiated anew.
class TlsStream : public Stream {
public:
    [[nodiscard]] virtual TlsVersion version() const noexcept = 0;
    /// What both speak over it (ALPN): "http/1.1"; empty where one of them did not say.
    [[nodiscard]] virtual std::string protocol() const = 0;
    /// Whether the session goes on from an earlier one, without the certificates.
    [[nodiscard]] virtual bool resumed() const noexcept = 0;
    /// Why reading failed with EPROTO, in a few words; empty when it did not.
    [[nodiscard]] virtual std::string failure() const = 0;
};

/// What the sessions of a client have in common: roots, certificate, what can be resumed. Making one reads files;
/// copies share it. Any thread; loops may share one.
class TlsClientContext {
public:
    /// Throws std::invalid_argument, in one line, for what can't be used ("roots_file /x.pem: No such file").
    explicit TlsClientContext(const TlsClientOptions& options = {});

    struct State;
    [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

private:
    std::shared_ptr<State> state_;
};

/// The same for a server.
class TlsServerContext {
public:
    explicit TlsServerContext(const TlsServerOptions& options);

    struct State;
    [[nodiscard]] const std::shared_ptr<State>& state() const noexcept { return state_; }

private:
    std::shared_ptr<State> state_;
};

/// Makes a session over `stream`, as the client. `host` is a name, which is sent (SNI), or an IP address, without
/// brackets; the certificate must be for it (RFC 9525: by its subject alternative names, "*" for a whole first label).
/// Sessions are resumed between calls with the same context, host and port. There is no deadline: use with_timeout().
/// Throws TlsError; IoError when the connection breaks; Cancelled. Whatever it throws, `stream` is closed by then.
Task<std::unique_ptr<TlsStream>> tls_connect(std::unique_ptr<Stream> stream, TlsClientContext context, std::string host,
                                             std::uint16_t port = 443);

/// Makes a session over `stream`, which a client has opened, as the server. The rest as tls_connect().
Task<std::unique_ptr<TlsStream>> tls_accept(std::unique_ptr<Stream> stream, TlsServerContext context);

}  // namespace caropig::net
