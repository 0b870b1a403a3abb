#include "client/follow.h"

#include "client/scripted_upstream.h"
#include "http/content_coding.h"
#include <caropig/client/cookie_jar.h>
#include <caropig/client/status_error.h>
#include <caropig/loop/timer.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;
using Kind = FetchError::Kind;

struct Outcome {
    std::optional<Response> response;
    std::optional<FetchError> error;
    bool cancelled = false;
};

/// Whole fetches from servers that the test plays: each connection is one of `servers`.
class FollowTest : public testing::Test {
protected:
    Task<Outcome> fetch(FetchRequest request) {
        Outcome outcome;
        try {
            outcome.response = co_await fetch_through(pool, std::move(request));
        } catch (const FetchError& error) {
            outcome.error = error;
        } catch (const StatusError& error) {
            outcome.response = error.response();
        } catch (const Cancelled&) {
            outcome.cancelled = true;
        }
        co_return outcome;
    }

    Task<Connected> connect(Origin origin, FetchError::Phase&) {
        servers.push_back(std::make_unique<ScriptedUpstream>(loop));
        hosts.push_back(origin.host);
        seen = 0;
        Connected connected;
        connected.stream = servers.back()->connect();
        co_return connected;
    }

    static std::string redirect(int status, std::string_view location, std::string_view fields = {}) {
        return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + std::string(location) +
               "\r\nContent-Length: 0\r\n" + std::string(fields) + "\r\n";
    }
    void answer(const std::string& bytes) {
        seen = servers.back()->sent().size();
        servers.back()->deliver(bytes);
        loop.run_ready();
    }
    void answer_ok() { answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); }
    /// What the newest connection has been sent since the last answer on it.
    std::string asked() { return servers.back()->sent().substr(seen); }

    std::vector<std::unique_ptr<ScriptedUpstream>> servers;  // the loop lets go of the last of their connections
    testkit::TestLoop loop;
    std::vector<std::string> hosts;
    Pool pool{loop, PoolOptions(),
              [this](Origin origin, FetchError::Phase& phase) { return connect(std::move(origin), phase); }};
    std::size_t seen = 0;
};

TEST_F(FollowTest, FollowsOnTheSameConnection) {
    auto fetching = loop.start(fetch("http://a.example/x/y?z"));
    EXPECT_TRUE(asked().starts_with("GET /x/y?z HTTP/1.1\r\n"));
    answer(redirect(302, "../b"));
    EXPECT_TRUE(asked().starts_with("GET /b HTTP/1.1\r\nHost: a.example\r\n"));
    answer_ok();
    const Response response = fetching.result().response.value();
    EXPECT_EQ(response.body(), "ok");
    EXPECT_EQ(response.url().target(), "/b");
    EXPECT_EQ(hosts.size(), 1u);
    EXPECT_EQ(pool.idle(), 1u);
}

TEST_F(FollowTest, DoesNotWaitForTheBodyOfARedirect) {
    auto fetching = loop.start(fetch("http://a.example/"));
    answer("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 100\r\n\r\nsome");
    ASSERT_EQ(hosts.size(), 2u);
    EXPECT_FALSE(servers[0]->open());
    EXPECT_TRUE(asked().starts_with("GET /b "));
    answer_ok();
    EXPECT_EQ(fetching.result().response->body(), "ok");
}

TEST_F(FollowTest, LeavesCredentialsBehind) {
    FetchRequest request("http://a.example/");
    request.header("Authorization", "Bearer x").header("Cookie", "a=b");
    auto fetching = loop.start(fetch(request));
    EXPECT_NE(asked().find("Bearer x"), std::string::npos);
    answer(redirect(307, "http://b.example/c"));
    ASSERT_EQ(hosts.back(), "b.example");
    EXPECT_EQ(asked(), "GET /c HTTP/1.1\r\nHost: b.example\r\nUser-Agent: CaroPig/0.1\r\n\r\n");
    answer(redirect(307, "http://a.example/d"));
    // Back on the first connection, which was kept; they don't come back with it.
    EXPECT_EQ(hosts.size(), 2u);
    const std::string third = servers[0]->sent();
    EXPECT_EQ(third.substr(third.find("GET /d")).find("Authorization"), std::string::npos);
    servers[0]->deliver("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    loop.run_ready();
    EXPECT_EQ(fetching.result().response->url().origin(), "http://a.example");
}

TEST_F(FollowTest, RepeatsTheBodyOf307AndDropsItAfter303) {
    FetchRequest request("http://a.example/");
    request.method("POST").body("hello");
    auto fetching = loop.start(fetch(request));
    answer(redirect(307, "/b"));
    EXPECT_TRUE(asked().starts_with("POST /b "));
    EXPECT_TRUE(asked().ends_with("Content-Length: 5\r\n\r\nhello"));
    answer(redirect(308, "/c"));
    EXPECT_TRUE(asked().ends_with("hello"));
    answer(redirect(303, "/d"));
    EXPECT_EQ(asked(), "GET /d HTTP/1.1\r\nHost: a.example\r\nUser-Agent: CaroPig/0.1\r\n\r\n");
    answer(redirect(307, "/e"));
    EXPECT_EQ(asked(), "GET /e HTTP/1.1\r\nHost: a.example\r\nUser-Agent: CaroPig/0.1\r\n\r\n");
    answer_ok();
    EXPECT_EQ(fetching.result().response->body(), "ok");
}

TEST_F(FollowTest, GivesTheAnswerBeyondTheLimit) {
    FetchRequest request("http://a.example/");
    auto fetching = loop.start(fetch(FetchRequest(request).max_redirects(2)));
    for (const char* location : {"/1", "/2", "/3"}) answer(redirect(302, location));
    const Response response = fetching.result().response.value();
    EXPECT_EQ(response.status(), 302);
    EXPECT_EQ(response.url().path, "/2");
    auto none = loop.start(fetch(FetchRequest(request).max_redirects(0)));
    answer(redirect(302, "/1"));
    EXPECT_EQ(none.result().response->status(), 302);
}

TEST_F(FollowTest, RaisesOnlyTheLastStatus) {
    FetchRequest request("http://a.example/");
    auto fetching = loop.start(fetch(request.raise_error(true)));
    answer(redirect(302, "/1"));
    answer_ok();
    EXPECT_EQ(fetching.result().response->status(), 200);
}

TEST_F(FollowTest, AnErrorOfAnOpenedAnswerSaysWhere) {
    auto opening = loop.start([](Pool& pool) -> Task<std::string> {
        FetchRequest request("http://a.example/");
        request.raise_error(true);
        try {
            co_await open_through(pool, std::move(request));
        } catch (const StatusError& error) {
            co_return error.response().url().path;
        }
        co_return "no error";
    }(pool));
    answer(redirect(302, "/1"));
    answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(opening.result(), "/1");
}

TEST_F(FollowTest, BadLocationIsAnError) {
    auto fetching = loop.start(fetch("http://a.example/"));
    answer(redirect(302, "gopher://b/"));
    const FetchError error = fetching.result().error.value();
    EXPECT_EQ(error.kind(), Kind::kRedirect);
    EXPECT_STREQ(
        error.what(),
        "fetch http://a.example: the redirect's Location is refused: the URL's scheme is neither http nor https");
    EXPECT_EQ(pool.open(), 0u);
}

TEST_F(FollowTest, TheTotalTimeoutSpansRedirects) {
    FetchRequest request("http://a.example/");
    auto fetching = loop.start(fetch(request.total_timeout(10s)));
    loop.advance(6s);
    answer(redirect(302, "http://b.example/"));
    loop.advance(4s - 1ms);
    EXPECT_FALSE(fetching.done());
    loop.advance(1ms);
    ASSERT_TRUE(fetching.done());
    EXPECT_STREQ(fetching.result().error->what(),
                 "fetch http://b.example: the total_timeout of 10 s passed while waiting for the response");
}

TEST_F(FollowTest, CancellingTheSecondHopClosesIt) {
    auto fetching = loop.start(fetch("http://a.example/"));
    answer(redirect(302, "http://b.example/"));
    fetching.cancel();
    loop.run_ready();
    ASSERT_TRUE(fetching.done());
    EXPECT_TRUE(fetching.result().cancelled);
    EXPECT_FALSE(servers[1]->open());
}

TEST_F(FollowTest, KeepsCookiesOverRedirectsAndRequests) {
    auto jar = std::make_shared<CookieJar>();
    FetchRequest request("http://a.example/login");
    request.cookies(jar).header("Cookie", "own=1");
    auto fetching = loop.start(fetch(request));
    EXPECT_NE(asked().find("\r\nCookie: own=1\r\n"), std::string::npos);
    answer(redirect(303, "/home", "Set-Cookie: s=1; HttpOnly\r\nSet-Cookie: t=2\r\n"));
    EXPECT_NE(asked().find("\r\nCookie: own=1; s=1; t=2\r\n"), std::string::npos);
    answer(redirect(303, "http://b.example/", "Set-Cookie: t=; Max-Age=0\r\n"));
    EXPECT_EQ(asked().find("Cookie"), std::string::npos);
    answer("HTTP/1.1 404 Not Found\r\nSet-Cookie: u=3\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(fetching.result().response->status(), 404);
    EXPECT_EQ(jar->cookies_for(http::parse_url("http://a.example/").value(), loop.unix_seconds()), "s=1");
    EXPECT_EQ(jar->cookies_for(http::parse_url("http://b.example/").value(), loop.unix_seconds()), "u=3");
}

TEST_F(FollowTest, AnswersAChallengeForDigest) {
    const std::string challenge =
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=r, nonce=n, qop=auth\r\nContent-Length: 0\r\n\r\n";
    FetchRequest request("http://a.example/x");
    request.method("POST").body("hello").digest_auth("user", "pass");
    auto first = loop.start(fetch(request));
    EXPECT_EQ(asked().find("Authorization"), std::string::npos);
    answer(challenge);
    EXPECT_NE(asked().find("\r\nAuthorization: Digest username=\"user\", realm=\"r\", nonce=\"n\", uri=\"/x\""),
              std::string::npos);
    EXPECT_TRUE(asked().ends_with("hello"));
    answer_ok();
    EXPECT_EQ(first.result().response->body(), "ok");

    // A copy knows the nonce; where the password is not accepted, that is the answer.
    auto second = loop.start(fetch(request));
    EXPECT_NE(asked().find("nc=00000002"), std::string::npos);
    answer(challenge);
    EXPECT_EQ(second.result().response->status(), 401);
}

TEST_F(FollowTest, DigestEndsWithStaleNonces) {
    FetchRequest request("http://a.example/x");
    auto fetching = loop.start(fetch(request.digest_auth("user", "pass")));
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(fetching.done());
        answer("HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=r, stale=true, nonce=n" + std::to_string(i) +
               "\r\nContent-Length: 0\r\n\r\n");
    }
    EXPECT_EQ(fetching.result().response->status(), 401);
}

TEST_F(FollowTest, DigestStaysWithItsOrigin) {
    FetchRequest request("http://a.example/x");
    auto fetching = loop.start(fetch(request.digest_auth("user", "pass")));
    answer(redirect(302, "http://evil.example/"));
    answer("HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=r, nonce=n\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(fetching.result().response->status(), 401);
}

class DecompressTest : public FollowTest {
protected:
    static std::string coded(http::ContentCoding coding, std::string_view text) {
        const std::string body = http::encode_content(coding, 3, text);
        return "HTTP/1.1 200 OK\r\nContent-Encoding: " + std::string(http::to_string(coding)) +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }
    /// All of the body, as it is read piece by piece.
    Task<std::string> read_all(FetchRequest request) {
        ResponseStream stream = co_await open_through(pool, std::move(request));
        std::string all;
        for (;;) {
            const std::string_view piece = co_await stream.read();
            if (piece.empty()) break;
            EXPECT_LE(piece.size(), 65536u);
            all += piece;
        }
        const std::string_view after = co_await stream.read();
        EXPECT_TRUE(after.empty());
        EXPECT_FALSE(stream.headers().find("Content-Encoding"));
        co_return all;
    }
    FetchRequest request = FetchRequest("http://a.example/").decompress(true);
};

TEST_F(DecompressTest, AsksOnlyWhenTold) {
    auto fetching = loop.start(fetch(request));
    EXPECT_NE(asked().find("\r\nAccept-Encoding: zstd, br, gzip\r\n"), std::string::npos);
    answer_ok();
    EXPECT_EQ(fetching.result().response->body(), "ok");
    auto other = loop.start(fetch(FetchRequest(request).header("Accept-Encoding", "br").header("User-Agent", "x")));
    EXPECT_NE(asked().find("\r\nAccept-Encoding: br\r\n"), std::string::npos);
    EXPECT_EQ(asked().find("zstd"), std::string::npos);
    answer_ok();
    auto plain = loop.start(fetch(FetchRequest(request).decompress(false)));
    EXPECT_EQ(asked().find("Accept-Encoding"), std::string::npos);
    answer(coded(http::ContentCoding::kGzip, "hello"));
    const Response response = plain.result().response.value();
    EXPECT_EQ(response.headers().find("Content-Encoding"), "gzip");
    EXPECT_EQ(response.body(), http::encode_content(http::ContentCoding::kGzip, 3, "hello"));
}

TEST_F(DecompressTest, DecodesWhateverTheCuts) {
    for (const auto coding : {http::ContentCoding::kGzip, http::ContentCoding::kBrotli, http::ContentCoding::kZstd}) {
        const std::string bytes = coded(coding, "hello hello hello");
        for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
            auto fetching = loop.start(fetch(request));
            answer(bytes.substr(0, cut));
            answer(bytes.substr(cut));
            const Response response = fetching.result().response.value();
            EXPECT_EQ(response.body(), "hello hello hello");
            EXPECT_EQ(response.headers().wire(), "");
            auto reading = loop.start(read_all(request));
            answer(bytes.substr(0, cut));
            answer(bytes.substr(cut));
            EXPECT_EQ(reading.result(), "hello hello hello");
        }
    }
    EXPECT_EQ(hosts.size(), 1u) << "the connection was not kept";
}

TEST_F(DecompressTest, ReadsABombPieceByPiece) {
    const std::string zeros(5'000'000, '\0');
    auto reading = loop.start(read_all(request));
    answer(coded(http::ContentCoding::kZstd, zeros));
    EXPECT_EQ(reading.result(), zeros);
}

TEST_F(DecompressTest, GoesOnAfterAMemberThatIsEmpty) {
    std::string body = http::encode_content(http::ContentCoding::kGzip, 3, "");
    body += body + http::encode_content(http::ContentCoding::kGzip, 3, "hello");
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\nContent-Length: ";
    auto reading = loop.start(read_all(request));
    answer(head + std::to_string(body.size()) + "\r\n\r\n" + body);
    EXPECT_EQ(reading.result(), "hello");
}

TEST_F(DecompressTest, EndsAtTheLimit) {
    const std::string zeros(100'000, '\0');
    for (const bool fits : {true, false}) {
        request.max_response_bytes(zeros.size() - (fits ? 0 : 1));
        auto fetching = loop.start(fetch(request));
        answer(coded(http::ContentCoding::kGzip, zeros));
        const Outcome outcome = fetching.result();
        ASSERT_EQ(outcome.response.has_value(), fits);
        if (fits) continue;
        EXPECT_EQ(outcome.error->kind(), Kind::kTooLarge);
        EXPECT_STREQ(outcome.error->what(),
                     "fetch http://a.example: the response is too large: its body inflates to more than 99999 bytes");
        auto reading = loop.start(read_all(request));
        answer(coded(http::ContentCoding::kGzip, zeros));
        EXPECT_THROW(reading.result(), FetchError);
    }
}

TEST_F(DecompressTest, WhatIsNotOfItsCodingIsAnError) {
    const std::string whole = http::encode_content(http::ContentCoding::kGzip, 3, "hello");
    for (const std::string& body : {std::string("hello"), whole.substr(0, whole.size() - 1), whole + "x"}) {
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ";
        auto fetching = loop.start(fetch(request));
        answer(head + std::to_string(body.size()) + "\r\n\r\n" + body);
        EXPECT_EQ(fetching.result().error.value().kind(), Kind::kProtocol);
        auto reading = loop.start(read_all(request));
        answer(head + std::to_string(body.size()) + "\r\n\r\n" + body);
        EXPECT_THROW(reading.result(), FetchError);
    }
}

TEST_F(DecompressTest, LeavesOtherBodiesAlone) {
    for (const char* coding : {"compress", "gzip, br", "identity", ""}) {
        auto fetching = loop.start(fetch(request));
        answer("HTTP/1.1 200 OK\r\nContent-Encoding: " + std::string(coding) + "\r\nContent-Length: 2\r\n\r\nok");
        const Response response = fetching.result().response.value();
        EXPECT_EQ(response.body(), "ok") << coding;
        EXPECT_EQ(response.headers().find("Content-Encoding"), coding);
    }
    auto heading = loop.start(fetch(FetchRequest(request).method("HEAD")));
    answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n");
    EXPECT_EQ(heading.result().response->headers().find("Content-Encoding"), "gzip");
    auto empty = loop.start(fetch(request));
    answer("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n");
    answer("0\r\n\r\n");
    EXPECT_EQ(empty.result().response->body(), "");
}

}  // namespace
}  // namespace caropig::client
