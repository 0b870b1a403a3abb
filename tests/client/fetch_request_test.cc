#include <caropig/client/fetch_request.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using namespace std::chrono_literals;

TEST(FetchRequest, StartsWithTornadosDefaults) {
    const FetchRequest request("http://example.com/a?b#c");
    EXPECT_EQ(request.method(), "GET");
    EXPECT_EQ(request.url().target(), "/a?b");
    EXPECT_EQ(request.connect_timeout(), 20s);
    EXPECT_EQ(request.total_timeout(), 20s);
    EXPECT_EQ(request.max_response_bytes(), 104857600u);
    EXPECT_EQ(request.max_redirects(), 5);
    EXPECT_FALSE(request.allows_downgrade());
}

TEST(FetchRequest, RefusesUrlThatCantBeFetched) {
    EXPECT_THROW(FetchRequest("/relative"), std::invalid_argument);
    EXPECT_THROW(FetchRequest("ftp://example.com/"), std::invalid_argument);
    EXPECT_THROW(FetchRequest("http:///"), std::invalid_argument);
    EXPECT_THROW(FetchRequest("http://a/ b"), std::invalid_argument);
    EXPECT_THROW(FetchRequest("http://a/\r\nX: y"), std::invalid_argument);
    EXPECT_THROW(FetchRequest("http://user:secret@example.com/"), std::invalid_argument);
}

TEST(FetchRequest, GoesToAnotherUrl) {
    FetchRequest request("http://example.com/");
    EXPECT_EQ(request.url(http::parse_url("https://b/c").value()).url().origin(), "https://b");
    EXPECT_THROW(request.url(http::parse_url("https://user@b/").value()), std::invalid_argument);
    EXPECT_EQ(request.url().target(), "/c");
}

TEST(FetchRequest, RefusesFieldsThatEndALine) {
    FetchRequest request("http://example.com/");
    EXPECT_THROW(request.header("X", "a\r\nY: b"), std::invalid_argument);
    EXPECT_THROW(request.add_header("X: y\r\nZ", "a"), std::invalid_argument);
    EXPECT_THROW(request.method("GET / HTTP/1.1\r\n"), std::invalid_argument);
    EXPECT_TRUE(request.headers().empty());
}

TEST(FetchRequest, RefusesFieldsThatFrameTheMessage) {
    FetchRequest request("http://example.com/");
    for (const char* name :
         {"connection", "Content-Length", "Expect", "Keep-Alive", "TE", "Trailer", "TRANSFER-ENCODING", "Upgrade"}) {
        EXPECT_THROW(request.header(name, "1"), std::invalid_argument) << name;
        EXPECT_THROW(request.add_header(name, "1"), std::invalid_argument) << name;
        http::Headers all;
        all.add("A", "b");
        all.add(name, "1");
        EXPECT_THROW(request.headers(all), std::invalid_argument) << name;
    }
    EXPECT_TRUE(request.headers().empty());
    http::Headers fine;
    fine.add("A", "b");
    EXPECT_EQ(request.header("C", "d").headers(fine).headers().wire(), "A: b\r\n");
}

TEST(FetchRequest, RefusesConnect) {
    EXPECT_THROW(FetchRequest("http://example.com/").method("CONNECT"), std::invalid_argument);
}

TEST(FetchRequest, RefusesSenselessLimits) {
    FetchRequest request("http://example.com/");
    EXPECT_THROW(request.connect_timeout(-1s), std::invalid_argument);
    EXPECT_THROW(request.total_timeout(Duration::max()), std::invalid_argument);
    EXPECT_NO_THROW(request.total_timeout(0s));
    EXPECT_THROW(request.max_redirects(-1), std::invalid_argument);
    EXPECT_THROW(request.max_redirects(101), std::invalid_argument);
}

TEST(FetchRequest, HasOneKindOfCredentials) {
    FetchRequest request("http://example.com/");
    EXPECT_EQ(request.basic_auth("a", "b").headers().find("Authorization"), "Basic YTpi");
    EXPECT_EQ(request.bearer_token("t").headers().get_all("Authorization").size(), 1u);
    EXPECT_FALSE(request.digest_auth("a", "b").headers().find("Authorization"));
    EXPECT_TRUE(request.digest());
    EXPECT_FALSE(request.bearer_token("t").digest());
    EXPECT_THROW(request.basic_auth("a:", "b"), std::invalid_argument);
    EXPECT_EQ(request.headers().find("Authorization"), "Bearer t");
    EXPECT_FALSE(request.no_auth().headers().find("Authorization"));
}

TEST(FetchRequest, SetsAndAddsFields) {
    FetchRequest request(std::string("http://example.com/"));
    request.add_header("A", "1").add_header("A", "2").header("B", "3").header("B", "4");
    EXPECT_EQ(request.headers().wire(), "A: 1\r\nA: 2\r\nB: 4\r\n");
}

}  // namespace
}  // namespace caropig::client
