#pragma once

#include "support/certificates.h"
#include <caropig/async/scope.h>
#include <caropig/async/when_all.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/net/tls.h>
#include <caropig/testkit/test_loop.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace caropig::net {

/// What one side of a handshake came to.
struct TlsOutcome {
    std::unique_ptr<TlsStream> stream;
    std::optional<TlsError::Kind> kind;
    std::string error;
    bool cancelled = false;
};

inline Task<TlsOutcome> outcome_of(Task<std::unique_ptr<TlsStream>> handshake) {
    TlsOutcome outcome;
    try {
        outcome.stream = co_await std::move(handshake);
    } catch (const TlsError& error) {
        outcome.kind = error.kind();
        outcome.error = error.what();
    } catch (const IoError& error) {
        outcome.error = error.what();
    } catch (const Cancelled&) {
        outcome.cancelled = true;
    }
    co_return outcome;
}

/// Everything that comes until the end of the stream; `error` is the one that it ended with, or 0.
struct Received {
    std::string text;
    int error = 0;
};

inline Task<Received> read_all(Stream& stream, std::size_t at_a_time = 4096) {
    Received received;
    std::string buffer(at_a_time, '\0');
    try {
        for (;;) {
            const MutableBytes into(reinterpret_cast<std::byte*>(buffer.data()), buffer.size());
            const std::size_t size = co_await stream.read_some(into);
            if (size == 0) break;
            received.text.append(buffer, 0, size);
        }
    } catch (const IoError& error) {
        received.error = error.code().value();
    }
    co_return received;
}

/// A client and a server of TLS on one loop, with a pipe in between.
class TlsTest : public ::testing::Test {
protected:
    using CertificateFiles = support::CertificateFiles;

    TlsClientOptions trusting() const { return TlsClientOptions().roots_file(root.root_file()); }
    TlsServerContext server_with(const CertificateFiles& files) const {
        return TlsServerContext(TlsServerOptions(files.chain, files.key));
    }

    /// Both sides' handshakes.
    std::pair<TlsOutcome, TlsOutcome> shake_hands(const TlsClientContext& client, const TlsServerContext& server,
                                                  const std::string& host = "example.com") {
        auto [here, there] = memory_pipe(loop);
        auto accepting = loop.start(outcome_of(tls_accept(std::move(there), server)));
        auto connecting = loop.start(outcome_of(tls_connect(std::move(here), client, host)));
        loop.run_ready();
        EXPECT_TRUE(accepting.done());
        EXPECT_TRUE(connecting.done());
        return {connecting.result(), accepting.result()};
    }

    /// The line with which a client refuses a server, or "accepted".
    std::string refusal(const TlsClientOptions& options, const CertificateFiles& files,
                        const std::string& host = "example.com") {
        const auto [client, server] = shake_hands(TlsClientContext(options), server_with(files), host);
        if (client.stream != nullptr) return "accepted";
        EXPECT_EQ(client.kind, TlsError::Kind::kCertificate);
        const std::string start = "TLS with " + host + " (pipe): the certificate is not accepted: ";
        EXPECT_TRUE(client.error.starts_with(start)) << client.error;
        return client.error.substr(std::min(start.size(), client.error.size()));
    }

    testkit::TestLoop loop;
    support::CertificateFolder folder;
    support::Authority root{folder};
};

}  // namespace caropig::net
