#pragma once

#include "integration/tornado_client/own_peer.h"
#include "integration/tornado_client/tornado_peer.h"
#include "support/captured_log.h"
#include <caropig/client/client.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/with_timeout.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::support {

/// One for all tests: it takes a while to start.
TornadoPeer& tornado();

/// What a fetch ended with.
struct Outcome {
    std::optional<client::Response> response;
    std::optional<client::FetchError> error;
};

/// A client, and a way to ask Tornado.
class TornadoTest : public testing::Test {
public:
    static constexpr std::chrono::seconds kPatience{30};  // for what takes milliseconds

    [[nodiscard]] static std::string tornado_url(std::string_view path) { return at(tornado().plain, path); }
    /// Answers with bytes; see tornado_peer.py.
    [[nodiscard]] static std::string given_url(std::string_view path) { return at(tornado().given, path); }
    [[nodiscard]] static std::string at(std::uint16_t port, std::string_view path) {
        return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
    }

    /// A client that trusts the peer's certificate, and knows example.com.
    [[nodiscard]] static client::ClientOptions client_options() {
        client::ClientOptions options;
        options.connection.tls(net::TlsClientOptions().roots_file(tornado().root_file()))
            .resolver(net::ResolverOptions().answer("example.com", {"127.0.0.1"}));
        return options;
    }
    void use(client::ClientOptions options) { http = std::make_unique<client::HttpClient>(loop, std::move(options)); }

    template <class T>
    T run(Task<T> task) {
        return loop.run_until(with_timeout(kPatience, std::move(task)));
    }
    /// Throws what the fetch throws.
    client::Response fetch(client::FetchRequest request) { return run(http->fetch(std::move(request))); }
    Outcome attempt(client::FetchRequest request) {
        Outcome outcome;
        try {
            outcome.response = fetch(std::move(request));
        } catch (const client::FetchError& error) {
            outcome.error = error;
        }
        return outcome;
    }
    std::string body_of(client::FetchRequest request) { return fetch(std::move(request)).body(); }

    CapturedLog log;
    Loop loop;
    std::unique_ptr<client::HttpClient> http = std::make_unique<client::HttpClient>(loop, client_options());
};

/// The same of each peer: Tornado, Tornado by TLS, and our own server.
class PeersTest : public TornadoTest, public testing::WithParamInterface<std::string> {
public:
    PeersTest() {
        if (is_own()) own_ = std::make_unique<OwnPeer>(loop);
    }
    /// The server waits for clients to leave.
    ~PeersTest() override { http.reset(); }

    [[nodiscard]] static bool is_own() { return GetParam() == "caropig"; }
    [[nodiscard]] std::string url(std::string_view path) const {
        if (is_own()) return at(own_->port, path);
        if (GetParam() == "tornado") return tornado_url(path);
        return "https://127.0.0.1:" + std::to_string(tornado().tls) + std::string(path);
    }

private:
    std::unique_ptr<OwnPeer> own_;
};

inline auto all_peers() { return testing::Values("tornado", "tornado_tls", "caropig"); }
inline std::string name_of(const testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace caropig::support
