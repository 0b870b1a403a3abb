#include "client/exchange.h"
#include "client/scripted_upstream.h"
#include "support/web_client.h"
#include "web/hop_by_hop.h"
#include "web/proxied_request.h"
#include "web/proxy_endpoint.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using namespace std::chrono_literals;
using client::Connected;
using client::FetchError;
using client::Origin;
using client::ScriptedUpstream;
using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Forwarding = ReverseProxyOptions::Forwarding;
using Fields = ReverseProxyOptions::Fields;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A client, the proxy, and upstreams in the hands of the test.
class ReverseProxy : public testing::Test {
protected:
    WebClient& start(ReverseProxyOptions options = {}, server::ServerOptions server = {},
                     std::vector<std::string> upstreams = {"http://up:9000/"}) {
        ProxyEndpoint::Open open = [this](Loop&, client::FetchRequest request) {
            return client::open_through(*pool, std::move(request));
        };
        app.any("/{path:path}",
                Handler(std::make_shared<ProxyEndpoint>(upstreams, std::move(options), std::move(open))));
        client.emplace(app, std::move(server), 65536, peer);
        pool.emplace(client->loop(), pool_options,
                     [this](const Origin& origin, FetchError::Phase& phase) { return connect(origin, phase); });
        for (int i = 0; i < 4; ++i) ups.emplace_back(client->loop());
        return *client;
    }
    void TearDown() override {
        if (!client) return;
        client->leave();
        pool.reset();
        client->loop().run_ready();  // its connections end before the upstreams do
    }

    Task<Connected> connect(Origin origin, FetchError::Phase& phase) {
        asked.push_back(origin.host);
        phase = FetchError::Phase::kConnect;
        if (origin.host == down) throw IoError(errno_code(ECONNREFUSED), "connect to " + origin.host);
        Connected connected;
        connected.stream = ups.at(connections++).connect();
        co_return connected;
    }

    /// What a request with these lines becomes on its way to the upstream.
    std::string sent_for(std::string_view lines, std::string_view start_line = "GET /x HTTP/1.1") {
        client->send(std::string(start_line) + "\r\nHost: site\r\n" + std::string(lines) + "\r\n");
        return up().sent();
    }
    /// What a client gets of this answer.
    std::string answer_for(std::string_view answer,
                           std::string_view request = "GET /x HTTP/1.1\r\nHost: site\r\n\r\n") {
        client->send(request);
        const std::size_t before = client->received().size();
        up().deliver(std::string(answer));
        client->loop().run_ready();
        return client->received().substr(before);
    }
    ScriptedUpstream& up() { return ups.at(connections == 0 ? 0 : connections - 1); }

    Application app;
    std::string peer = "192.0.2.9:5000";
    std::string down;
    client::PoolOptions pool_options;
    std::vector<std::string> asked;
    std::size_t connections = 0;
    std::optional<WebClient> client;
    std::deque<ScriptedUpstream> ups;
    std::optional<client::Pool> pool;
};

TEST_F(ReverseProxy, ARequestAndItsAnswer) {
    start();
    EXPECT_EQ(sent_for("Accept: a\r\nCookie: b=c\r\nCookie: d=e\r\n", "GET /x%2Fy?q=%20 HTTP/1.1"),
              "GET /x%2Fy?q=%20 HTTP/1.1\r\nHost: site\r\nAccept: a\r\nCookie: b=c\r\nCookie: d=e\r\n"
              "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: site\r\n"
              "Via: 1.1 caropig\r\n\r\n");
    up().deliver(
        "HTTP/1.1 201 Odd\r\nSet-Cookie: a=1\r\nServer: up\r\nSet-Cookie: b=2\r\nContent-Type: text/x\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 201 Created\r\nServer: CaroPig\r\nDate: "));
    EXPECT_THAT(client->received(), testing::EndsWith("GMT\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                                                      "Content-Type: text/x\r\nVia: 1.1 caropig\r\n"
                                                      "Content-Length: 2\r\n\r\nok"));
    EXPECT_THAT(client->received(), Not(HasSubstr("1970")));
}

TEST_F(ReverseProxy, ConnectionsAreUsedAgain) {
    start();
    for (int i = 0; i < 3; ++i) EXPECT_THAT(answer_for(kOk), HasSubstr("\r\n\r\nok"));
    EXPECT_EQ(connections, 1U);
}

// ---- fields

TEST_F(ReverseProxy, WhatIsForOneConnectionStaysBehind) {
    start();
    const std::string sent = sent_for(
        "Connection: close, X-Hop , keep-alive\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\n"
        "TE: deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nProxy-Authorization: Basic eDp5\r\n"
        "Proxy-Authenticate: b\r\nProxy-Authentication-Info: c\r\nTrailer: X\r\nX-End: 2\r\nAuthorization: Basic "
        "eA==\r\n");
    EXPECT_EQ(sent,
              "GET /x HTTP/1.1\r\nHost: site\r\nX-End: 2\r\nAuthorization: Basic eA==\r\n"
              "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: site\r\n"
              "Via: 1.1 caropig\r\n\r\n");
    up().deliver(
        "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\n"
        "Proxy-Authenticate: Basic\r\nProxy-Connection: a\r\nX-End: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nok\r\n0\r\n\r\n");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), HasSubstr("GMT\r\nX-End: 2\r\nVia: 1.1 caropig\r\nContent-Length: 2\r\n"
                                              "Connection: close\r\n\r\nok"));
}

TEST(HopByHop, NamesWhatConnectionNames) {
    http::Headers fields;
    fields.add("connection", " ,A,, b ,close");
    fields.add("Connection", "c");
    const HopByHop stays(fields);
    for (const char* name : {"a", "B", "C", "connection", "te", "UPGRADE"}) EXPECT_TRUE(stays(name)) << name;
    for (const char* name : {"close", "d", "host", ""}) EXPECT_FALSE(stays(name)) << name;
}

TEST_F(ReverseProxy, ClientsAreNotBelieved) {
    start();
    const std::string sent = sent_for(
        "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-proto: https\r\nX_Forwarded_Host: evil\r\nX-Real-IP: 2.2.2.2\r\n"
        "Forwarded: for=3.3.3.3\r\nX-Forwarded-Port: 1\r\nX-Forward: stays\r\n");
    EXPECT_EQ(sent,
              "GET /x HTTP/1.1\r\nHost: site\r\nX-Forward: stays\r\nX-Forwarded-For: 192.0.2.9\r\n"
              "X-Forwarded-Proto: http\r\nX-Forwarded-Host: site\r\nVia: 1.1 caropig\r\n\r\n");
}

TEST_F(ReverseProxy, TrustedProxiesAreBelieved) {
    server::ProxyOptions proxies;
    proxies.trusted(net::Networks::parse("192.0.2.0/24").value());
    start({}, server::ServerOptions().proxies(proxies));
    EXPECT_THAT(sent_for("X-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
                         "X-Forwarded-Host: a.example\r\n"),
                HasSubstr("Host: site\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
                          "X-Forwarded-Host: a.example\r\n"));
}

TEST_F(ReverseProxy, WhatCameIsKept) {
    start(ReverseProxyOptions().forwarding(Forwarding::kAppend));
    EXPECT_THAT(sent_for("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nVia: 1.0 a\r\n"),
                HasSubstr("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 192.0.2.9\r\nX-Forwarded-Proto: http\r\n"
                          "X-Forwarded-Host: site\r\nVia: 1.0 a, 1.1 caropig\r\n"));
}

TEST_F(ReverseProxy, ForwardedByTheStandard) {
    peer = "[2001:db8::1]:5000";
    start(ReverseProxyOptions().forwarding(Forwarding::kAppend).fields(Fields::kForwarded).via({}));
    EXPECT_EQ(sent_for("Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 1.1.1.1\r\n"),
              "GET /x HTTP/1.1\r\nHost: site\r\nForwarded: for=1.1.1.1, "
              "for=\"[2001:db8::1]\";host=\"site\";proto=http\r\n\r\n");
}

TEST_F(ReverseProxy, NothingIsAdded) {
    start(ReverseProxyOptions().forwarding(Forwarding::kPass).via({}).pass_host(false));
    EXPECT_EQ(sent_for("X-Forwarded-For: 1.1.1.1\r\n"),
              "GET /x HTTP/1.1\r\nHost: up:9000\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n");
}

// ---- paths

TEST_F(ReverseProxy, PrefixesAreExchanged) {
    start(ReverseProxyOptions().strip_prefix("/api/"), {}, {"http://up:9000/v2/"});
    EXPECT_THAT(sent_for("", "GET /api/users?a HTTP/1.1"), StartsWith("GET /v2/users?a HTTP/1.1\r\n"));
    for (const char* path : {"/other", "/apis"}) {
        WebClient second(app);
        EXPECT_EQ(second.get(path).status, 404) << path;
    }
}

TEST(ProxiedPath, Joins) {
    EXPECT_EQ(proxied_path("/api", "/api", ""), "/");
    EXPECT_EQ(proxied_path("/api", "/api", "/v2"), "/v2");
    EXPECT_EQ(proxied_path("/api/", "/api", "/v2"), "/v2/");
    EXPECT_EQ(proxied_path("/a/b", "", ""), "/a/b");
    EXPECT_EQ(proxied_path("/api//x", "/api", ""), "//x");
}

TEST(ProxiedPath, DotSegmentsAreRefused) {
    for (const char* path : {"/a/../b", "/..", "/.", "/%2e%2E/x", "/a/.%2e", "/a%2f..%2fb", "/a\\..\\b", "/%5c.."}) {
        EXPECT_THROW(proxied_path(path, "", "/base"), HttpError) << path;
    }
    for (const char* path : {"/a..b", "/...", "/.well-known", "/a.", "/..a", "/%2e%2e%2e", "/a%2fb"}) {
        EXPECT_EQ(proxied_path(path, "", ""), path);
    }
}

TEST_F(ReverseProxy, MistakesAreRefused) {
    for (const char* url : {"ftp://a/", "http://a/?q", "a", ""}) {
        EXPECT_THROW((void)reverse_proxy(url), std::invalid_argument) << url;
    }
    EXPECT_THROW((void)reverse_proxy(std::vector<std::string>{}), std::invalid_argument);
    EXPECT_THROW((void)reverse_proxy("http://a/", ReverseProxyOptions().strip_prefix("api")), std::invalid_argument);
    EXPECT_THROW((void)reverse_proxy("http://a/", ReverseProxyOptions().via("a b")), std::invalid_argument);
    EXPECT_THROW((void)reverse_proxy("http://a/", ReverseProxyOptions().total_timeout(-1s)), std::invalid_argument);
}

// ---- framing

TEST_F(ReverseProxy, BodiesKeepTheirLength) {
    start();
    EXPECT_THAT(sent_for("Content-Length: 3\r\n", "PUT /x HTTP/1.1"), HasSubstr("\r\nContent-Length: 3\r\n\r\n"));
    client->send("ab");
    EXPECT_THAT(up().sent(), testing::EndsWith("\r\n\r\nab")) << "as it comes";
    client->send("c");
    EXPECT_THAT(up().sent(), testing::EndsWith("\r\n\r\nabc"));
    up().deliver("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("Content-Length: 4\r\n\r\n")) << "the head does not wait";
    up().deliver("ab");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("\r\n\r\nab"));
    up().deliver("cd");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("\r\n\r\nabcd"));
}

TEST_F(ReverseProxy, ChunksAndTrailersBothWays) {
    start();
    EXPECT_THAT(sent_for("Transfer-Encoding: chunked\r\nTE: trailers\r\n", "POST /x HTTP/1.1"),
                HasSubstr("\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"));
    client->send("3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n");
    EXPECT_THAT(up().sent(), testing::EndsWith("\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"));
    up().deliver("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\nX-Sum: 2\r\n\r\n");
    client->loop().run_ready();
    EXPECT_THAT(client->received(),
                testing::EndsWith("Transfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\nX-Sum: 2\r\n\r\n"));
}

TEST_F(ReverseProxy, AnswersWithoutABody) {
    start();
    EXPECT_THAT(answer_for("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"), testing::EndsWith("Via: 1.1 caropig\r\n\r\n"));
    EXPECT_THAT(answer_for("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 9\r\n\r\n"),
                testing::EndsWith("ETag: \"a\"\r\nVia: 1.1 caropig\r\n\r\n"));
    EXPECT_THAT(answer_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD /x HTTP/1.1\r\nHost: site\r\n\r\n"),
                testing::EndsWith("Content-Length: 9\r\n\r\n"));
    EXPECT_THAT(answer_for("HTTP/1.1 302 Found\r\nLocation: http://up/\r\nContent-Length: 0\r\n\r\n"),
                HasSubstr("302 Found"))
        << "not followed";
    EXPECT_THAT(answer_for("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz"),
                HasSubstr("Content-Encoding: gzip\r\n"))
        << "not decoded";
    EXPECT_EQ(connections, 1U);
}

TEST_F(ReverseProxy, AnAnswerThatLastsUntilClose) {
    start();
    EXPECT_THAT(answer_for("HTTP/1.1 200 OK\r\n\r\nab"), testing::EndsWith("chunked\r\n\r\n2\r\nab\r\n"));
    up().finish();
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("\r\n0\r\n\r\n"));
    EXPECT_FALSE(client->closed_by_server());
}

TEST_F(ReverseProxy, OldClientsGetNoChunks) {
    start();
    const std::string got = answer_for(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: 1\r\n\r\n", "GET /x HTTP/1.0\r\n\r\n");
    EXPECT_THAT(up().sent(), StartsWith("GET /x HTTP/1.1\r\nHost: up:9000\r\n"));
    EXPECT_THAT(up().sent(), HasSubstr("Via: 1.0 caropig\r\n"));
    EXPECT_THAT(got, testing::EndsWith("Connection: close\r\n\r\nok"));
    EXPECT_TRUE(client->closed_by_server());
}

TEST_F(ReverseProxy, InterimAnswers) {
    start();
    const std::string got = answer_for("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: X\r\nX: 1\r\n\r\n" +
                                       std::string("HTTP/1.1 100 Continue\r\n\r\n") + std::string(kOk));
    EXPECT_THAT(got, StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_F(ReverseProxy, ExpectedContinue) {
    start();
    EXPECT_THAT(sent_for("Expect: 100-continue\r\nContent-Length: 2\r\n", "PUT /x HTTP/1.1"),
                testing::EndsWith("Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"));
    EXPECT_EQ(client->received(), "") << "the upstream has not agreed yet";
    up().deliver("HTTP/1.1 100 Continue\r\n\r\n");
    client->loop().run_ready();
    EXPECT_EQ(client->received(), "HTTP/1.1 100 Continue\r\n\r\n");
    client->send("ab");
    EXPECT_THAT(up().sent(), testing::EndsWith("\r\n\r\nab"));
    up().deliver(std::string(kOk));
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("\r\n\r\nok"));
}

TEST_F(ReverseProxy, RefusedContinue) {
    start();
    sent_for("Expect: 100-continue\r\nContent-Length: 2\r\n", "PUT /x HTTP/1.1");
    up().deliver("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(client->received(), HasSubstr("Connection: close\r\n"));
    EXPECT_FALSE(up().open()) << "whether the body follows is not known";
}

// ---- other protocols

constexpr std::string_view kWebSocket =
    "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n";

TEST_F(ReverseProxy, WebSocketsArePassedThrough) {
    start();
    EXPECT_THAT(sent_for(kWebSocket),
                testing::AllOf(HasSubstr("Sec-WebSocket-Key: a\r\n"),
                               testing::EndsWith("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n")));
    up().deliver(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n"
        "Sec-WebSocket-Accept: b\r\n\r\nfrom");
    client->loop().run_ready();
    EXPECT_EQ(client->received(),
              "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Accept: b\r\nVia: 1.1 caropig\r\n\r\nfrom");
    client->send("to");
    EXPECT_THAT(up().sent(), testing::EndsWith("\r\n\r\nto"));
    client->loop().advance(1h);
    up().deliver("more");
    client->loop().run_ready();
    EXPECT_THAT(client->received(), testing::EndsWith("frommore"));
    EXPECT_FALSE(client->closed_by_server());
    up().finish();
    client->loop().run_ready();
    EXPECT_TRUE(client->closed_by_server());
    EXPECT_FALSE(up().open());
    EXPECT_THAT(client->log("access"), ElementsAre(StartsWith("101 GET /x ")));
}

TEST_F(ReverseProxy, AWebSocketsClientThatGoes) {
    start();
    answer_for("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
               "GET /x HTTP/1.1\r\nHost: site\r\n" + std::string(kWebSocket) + "\r\n");
    EXPECT_TRUE(up().open());
    client->leave();
    EXPECT_FALSE(up().open());
}

TEST_F(ReverseProxy, AnUpstreamThatWantsNoWebSocket) {
    start();
    EXPECT_THAT(answer_for("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
                           "GET /x HTTP/1.1\r\nHost: site\r\n" + std::string(kWebSocket) + "\r\n"),
                testing::AllOf(StartsWith("HTTP/1.1 403 "), testing::EndsWith("\r\n\r\nno")));
    EXPECT_FALSE(client->closed_by_server());
}

TEST_F(ReverseProxy, OtherProtocolsAreNotOffered) {
    start();
    EXPECT_THAT(sent_for("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n"),
                Not(testing::AnyOf(HasSubstr("h2c"), HasSubstr("Upgrade"), HasSubstr("HTTP2"))));
}

// ---- failures

TEST_F(ReverseProxy, AnUpstreamThatIsDown) {
    down = "up";
    start();
    const support::Answer answer = client->get("/x");
    EXPECT_EQ(answer.status, 502);
    EXPECT_THAT(answer.body, Not(HasSubstr("connect to"))) << "the inside is not the client's business";
    EXPECT_THAT(client->log("application"), ElementsAre(HasSubstr("fetch http://up:9000: connect to up")));
    EXPECT_FALSE(client->closed_by_server());
}

TEST_F(ReverseProxy, TheOtherUpstreamAnswers) {
    down = "b";
    start({}, {}, {"http://a/", "http://b/", "http://c/"});
    for (int i = 0; i < 3; ++i) EXPECT_THAT(answer_for(kOk), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(asked, ElementsAre("a", "b", "c")) << "c was asked for b's, and its connection kept";
    EXPECT_EQ(connections, 2U);
}

TEST_F(ReverseProxy, AnUpstreamThatIsSilent) {
    start(ReverseProxyOptions().first_byte_timeout(5s));
    sent_for("");
    client->loop().advance(5s - 1ms);
    EXPECT_EQ(client->received(), "");
    client->loop().advance(1ms);
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 504 "));
    EXPECT_THAT(client->log("application"), ElementsAre(HasSubstr("first_byte_timeout of 5 s passed while waiting")));
    EXPECT_FALSE(up().open());
}

TEST_F(ReverseProxy, AnUpstreamThatTalksNonsense) {
    start();
    EXPECT_THAT(answer_for("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
                StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(answer_for("HTTP/1.1 101 Switching Protocols\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
    EXPECT_FALSE(ups[1].open());
}

TEST_F(ReverseProxy, AnUpstreamThatClosesBeforeItAnswers) {
    start();
    sent_for("Content-Length: 0\r\n", "POST /x HTTP/1.1");
    up().finish();
    client->loop().run_ready();
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 502 "));
    EXPECT_EQ(connections, 1U) << "not sent again";
}

/// How an answer begins that will break off, and by what its connection ends.
class BrokenAnswer : public ReverseProxy, public testing::WithParamInterface<std::pair<const char*, int>> {};

TEST_P(BrokenAnswer, ClosesTheClientsConnection) {
    start();
    const auto [framing, error] = GetParam();
    const std::string body = std::string_view(framing).starts_with("T") ? "2\r\nab\r\n" : "ab";
    EXPECT_THAT(answer_for("HTTP/1.1 200 OK\r\n" + std::string(framing) + "\r\n\r\n" + body),
                testing::EndsWith("\r\n\r\n" + body));
    EXPECT_FALSE(client->closed_by_server());
    if (error == 0) {
        up().finish();
    } else {
        up().fail(error);
    }
    client->loop().run_ready();
    EXPECT_TRUE(client->closed_by_server());
    EXPECT_THAT(client->received(), testing::EndsWith("\r\n\r\n" + body)) << "no end that the client could believe";
    EXPECT_THAT(client->log("application"), ElementsAre(HasSubstr("GET /x: fetch http://up:9000: the connection ")));
}

INSTANTIATE_TEST_SUITE_P(, BrokenAnswer,
                         testing::Values(std::pair("Content-Length: 9", 0), std::pair("Content-Length: 9", ECONNRESET),
                                         std::pair("Transfer-Encoding: chunked", 0),
                                         std::pair("Transfer-Encoding: chunked", ECONNRESET)));

TEST_F(ReverseProxy, AnAnswerThatStops) {
    start(ReverseProxyOptions().between_bytes_timeout(5s));
    answer_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
    client->loop().advance(5s);
    EXPECT_TRUE(client->closed_by_server());
    EXPECT_FALSE(up().open());
}

TEST_F(ReverseProxy, TooManyForTheUpstream) {
    pool_options.max_connections_per_origin(1).max_waiting(0);
    start();
    FetchError::Phase phase{};
    auto taking = client->loop().start(pool->obtain(Origin(http::parse_url("http://up:9000/").value()), true, phase));
    ASSERT_TRUE(taking.done());
    const client::Pool::Lease taken = taking.result();
    EXPECT_EQ(client->get("/x").status, 503);
    EXPECT_THAT(client->log("application"), ElementsAre(HasSubstr("fetch http://up:9000: ")));
}

TEST_F(ReverseProxy, AnUpstreamThatTakesNothing) {
    start();
    ups[0].send_error = EPIPE;
    sent_for("Content-Length: 0\r\n", "POST /x HTTP/1.1");
    up().finish();
    client->loop().run_ready();
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(client->log("application"), ElementsAre(HasSubstr("broke while sending the request")));
}

TEST_F(ReverseProxy, AnUpstreamThatAnswersBeforeTheBodyHasCome) {
    start();
    sent_for("Content-Length: 4\r\n", "PUT /x HTTP/1.1");
    up().deliver("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    client->loop().run_ready();
    client->send("ab");
    EXPECT_THAT(client->received(), testing::AllOf(StartsWith("HTTP/1.1 401 "), testing::EndsWith("\r\n\r\nno")));
    EXPECT_FALSE(up().open()) << "its body was not sent whole";
    client->send("cd");
    EXPECT_THAT(answer_for(kOk), StartsWith("HTTP/1.1 200 ")) << "the rest was dropped, and no request made of it";
}

TEST_F(ReverseProxy, ABodyThatIsTooLarge) {
    start(ReverseProxyOptions().max_body_bytes(3));
    sent_for("Transfer-Encoding: chunked\r\n", "POST /x HTTP/1.1");
    client->send("3\r\nabc\r\n");
    EXPECT_EQ(client->received(), "");
    client->send("1\r\nd\r\n");
    EXPECT_THAT(client->received(), StartsWith("HTTP/1.1 413 "));
    EXPECT_FALSE(up().open());
    EXPECT_THAT(up().sent(), Not(testing::EndsWith("0\r\n\r\n"))) << "the upstream must not take it for whole";
}

TEST_F(ReverseProxy, DecodedBodiesAreFramedAnew) {
    start({}, server::ServerOptions().decompress_requests(true));
    EXPECT_THAT(sent_for("Content-Encoding: gzip\r\nContent-Length: 40\r\n", "POST /x HTTP/1.1"),
                testing::AllOf(Not(HasSubstr("gzip")), testing::EndsWith("Transfer-Encoding: chunked\r\n\r\n")));
}

/// Where the request is when the client goes: what was sent of it, and what has come of the answer.
class LeavingClient : public ReverseProxy, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(LeavingClient, ClosesTheUpstreamsConnection) {
    start();
    const auto [request, answer] = GetParam();
    client->send(request);
    if (*answer != '\0') up().deliver(answer);
    client->loop().run_ready();
    EXPECT_TRUE(up().open());
    client->leave();
    EXPECT_FALSE(up().open());
    EXPECT_EQ(pool->open(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    , LeavingClient,
    testing::Values(std::pair("GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""),
                    std::pair("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent"),
                    std::pair("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
                    std::pair("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na"),
                    std::pair("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", ""),
                    std::pair("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n", ""),
                    std::pair("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab", "")));

}  // namespace
}  // namespace caropig::web
