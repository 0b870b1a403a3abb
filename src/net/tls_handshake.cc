#include "net/io_awaiter.h"
#include "net/tls_context.h"
#include "net/tls_engine.h"
#include "net/tls_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include <fmt/format.h>

namespace caropig::net {
namespace {

// A handshake with long chains takes some 10 KiB; OpenSSL itself limits a message to 100 KiB of certificates and the
// number of messages. This is for who sends records that make none.
constexpr std::size_t kMaxHandshakeBytes = 256 * 1024;

/// "example.com (192.0.2.1:443)"; the name may be empty.
std::string name_of_peer(const std::string& host, const Stream& stream) {
    std::string address = stream.peer();
    if (host.empty()) return address;
    return address.empty() ? host : fmt::format("{} ({})", host, address);
}

/// Sends what the engine has for the peer. The errno value that it failed with, or 0.
Task<int> send_output(Stream& stream, TlsEngine& engine) {
    const std::vector<std::byte> output = std::exchange(engine.output(), {});
    if (output.empty()) co_return 0;
    const std::array<ConstBytes, 1> pieces{output};
    IoAwaiter<SendOperation, Stream> send(stream);
    send.operation.pieces = pieces;
    const std::int32_t result = co_await send;
    co_return -result;
}

[[noreturn]] void fail(const TlsEngine& engine, const std::string& peer) {
    if (engine.certificate_refused()) {
        throw TlsError(TlsError::Kind::kCertificate, peer, "the certificate is not accepted: " + engine.failure());
    }
    throw TlsError(TlsError::Kind::kHandshake, peer, "the handshake failed: " + engine.failure());
}

/// Leaves in `engine` what has come after the handshake, and the last that our side has to say in it: nobody waits for
/// that.
Task<void> shake_hands(Stream& stream, TlsEngine& engine, const std::string& peer) {
    std::size_t received = 0;
    for (;;) {
        const TlsEngine::Step step = engine.handshake();
        engine.keep_input();
        if (step == TlsEngine::Step::kDone) co_return;
        const int error = co_await send_output(stream, engine);
        if (step == TlsEngine::Step::kFailed || step == TlsEngine::Step::kEnded) fail(engine, peer);
        // Whoever refuses the handshake may have closed already; what it said is still to be read.
        if (error != 0 && error != EPIPE) throw IoError(errno_code(error), "TLS handshake with " + peer);
        IoAwaiter<ReceiveOperation, Stream> receive(stream);
        const std::int32_t size = co_await receive;
        if (size < 0) throw IoError(errno_code(-size), "TLS handshake with " + peer);
        if (size == 0) {
            throw TlsError(TlsError::Kind::kHandshake, peer, "the peer closed the connection in the handshake");
        }
        received += static_cast<std::size_t>(size);
        if (received > kMaxHandshakeBytes) {
            throw TlsError(TlsError::Kind::kHandshake, peer,
                           fmt::format("the handshake has more than {} bytes", kMaxHandshakeBytes));
        }
        engine.feed(receive.operation.received());
    }
}

}  // namespace

TlsError::TlsError(Kind kind, std::string_view peer, std::string_view detail)
    : IoError(std::make_error_code(std::errc::protocol_error), fmt::format("TLS with {}", peer)),
      kind_(kind),
      line_(fmt::format("{}: {}", operation(), detail)) {}

Task<std::unique_ptr<TlsStream>> tls_connect(std::unique_ptr<Stream> stream, TlsClientContext context, std::string host,
                                             std::uint16_t port) {
    const TlsClientContext::State& state = *context.state();
    const std::string peer = name_of_peer(host, *stream);
    auto engine = std::make_unique<TlsEngine>(*state.context);
    if (!engine->start_client(host, fmt::format("{}:{}", host, port), state.sessions)) {
        throw TlsError(TlsError::Kind::kHandshake, peer, "this is no name of a host");
    }
    co_await shake_hands(*stream, *engine, peer);
    const std::string protocol = engine->protocol();
    if (!protocol.empty() && std::ranges::find(state.protocols, protocol) == state.protocols.end()) {
        throw TlsError(TlsError::Kind::kHandshake, peer, "the server chose a protocol that was not offered");
    }
    co_return make_tls_stream(std::move(stream), std::move(engine));
}

Task<std::unique_ptr<TlsStream>> tls_accept(std::unique_ptr<Stream> stream, TlsServerContext context) {
    const TlsServerContext::State& state = *context.state();
    const std::string peer = name_of_peer({}, *stream);
    auto engine = std::make_unique<TlsEngine>(*state.context);
    engine->start_server();
    co_await shake_hands(*stream, *engine, peer);
    co_return make_tls_stream(std::move(stream), std::move(engine));
}

}  // namespace caropig::net
