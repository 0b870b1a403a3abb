// What Tornado's HTTPClientCommonTestCase asks of a client; docs/internals/tornado_client_tests.md says which case is
// which.

#include "integration/tornado_client/peers.h"
#include <caropig/async/when_any.h>
#include <caropig/client/status_error.h>

#include <stdexcept>
#include <vector>

namespace caropig::support {
namespace {

using namespace std::chrono_literals;
using client::FetchRequest;
using client::Response;
using testing::ElementsAre;
using testing::EndsWith;

class Common : public PeersTest {
public:
    /// The pieces in which a body comes; after the first of them, the peer is told to go on.
    Task<std::vector<std::string>> pieces(FetchRequest request) {
        std::vector<std::string> pieces;
        client::ResponseStream answer = co_await http->open(std::move(request));
        EXPECT_THAT(answer.headers().find("Content-Type"), testing::Optional(testing::StartsWith("text/html")));
        for (std::string_view piece = co_await answer.read(); !piece.empty(); piece = co_await answer.read()) {
            pieces.emplace_back(piece);
            if (pieces.size() == 1) co_await http->fetch(url("/release"));
        }
        co_return pieces;
    }
};

TEST_P(Common, SendsTheBodyOfAPatch) {
    const Response response = fetch(FetchRequest(url("/echo")).method("PATCH").body("some text"));
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.body(), "some text");
}

TEST_P(Common, GetsAPage) {
    const Response response = fetch(url("/hello"));
    EXPECT_EQ(response.status(), 200);
    EXPECT_EQ(response.headers().find("Content-Type"), "text/plain");
    EXPECT_EQ(response.body(), "Hello world");
    EXPECT_EQ(body_of(url("/hello?name=pig")), "Hello pig");
}

TEST_P(Common, PostsAForm) {
    FetchRequest request(url("/form"));
    request.method("POST").form({{"first", "a b"}, {"second", "&="}});
    EXPECT_EQ(body_of(std::move(request)), "a b+&=");
}

TEST_P(Common, GetsChunks) { EXPECT_EQ(body_of(url("/chunks")), "firstsecond"); }

TEST_P(Common, StreamsChunksAsTheyCome) {
    EXPECT_THAT(run(pieces(url("/chunks?wait=1"))), ElementsAre("first", "second"));
}

// What both sections 2 and 2.1 of RFC 7617 encode.
TEST_P(Common, AuthenticatesWithBasic) {
    const std::string target = url("/field/Authorization");
    EXPECT_EQ(body_of(FetchRequest(target).basic_auth("Aladdin", "open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(body_of(FetchRequest(target).basic_auth("test", "123\u00a3")), "Basic dGVzdDoxMjPCow==");
}

TEST_P(Common, RefusesCredentialsInTheUrl) {
    std::string with_user = url("/hello");
    with_user.insert(with_user.find("//") + 2, "me:secret@");
    EXPECT_THROW(FetchRequest{with_user}, std::invalid_argument);
}

TEST_P(Common, FollowsRedirectsUnlessTold) {
    const Response first = fetch(FetchRequest(url("/countdown/2")).max_redirects(0));
    EXPECT_EQ(first.status(), 302);
    EXPECT_THAT(first.headers().find("Location"), testing::Optional(EndsWith("/countdown/1")));
    const Response last = fetch(url("/countdown/2"));
    EXPECT_EQ(last.status(), 200);
    EXPECT_EQ(last.body(), "zero");
    EXPECT_EQ(last.url().path, "/countdown/0");
}

TEST_P(Common, GivesARedirectToNowhereAsItIs) { EXPECT_EQ(fetch(url("/redirect")).status(), 301); }

TEST_P(Common, PutsTheBodyAgainWhereA307Leads) {
    const std::string target = url("/redirect?url=/echo&status=307");
    EXPECT_EQ(body_of(FetchRequest(target).method("PUT").body("hello")), "hello");
    const Response without = fetch(FetchRequest(target).method("PUT"));
    EXPECT_EQ(without.status(), 200);
    EXPECT_EQ(without.body(), "");
}

TEST_P(Common, KeepsTheMethodOverARedirectOrNot) {
    for (const std::string status : {"301", "302", "303", "307", "308"}) {
        const std::string target = url("/redirect?url=/methods&status=" + status);
        const bool keeps_post = status > "303";
        EXPECT_EQ(body_of(FetchRequest(target).method("POST")), keeps_post ? "POST" : "GET") << status;
        for (const std::string method : {"GET", "OPTIONS", "PUT", "DELETE"}) {
            const std::string expected = status == "303" ? "GET" : method;
            EXPECT_EQ(body_of(FetchRequest(target).method(method)), expected) << status << method;
        }
        const Response head = fetch(FetchRequest(target).method("HEAD"));
        EXPECT_EQ(head.status(), 200);
        EXPECT_EQ(head.body(), "");
    }
}

TEST_P(Common, SendsTheBytesOfABodyAsTheyAre) {
    for (const std::string bytes : {"\xc3\xa9", "\xe9"}) {
        FetchRequest request(url("/echo"));
        request.method("POST").header("Content-Type", "application/x-any").header("User-Agent", "pig").body(bytes);
        const Response response = fetch(std::move(request));
        EXPECT_EQ(response.headers().find("Content-Length"), std::to_string(bytes.size()));
        EXPECT_EQ(response.body(), bytes);
    }
}

TEST_P(Common, SendsFieldsAsTheyAre) {
    EXPECT_EQ(body_of(FetchRequest(url("/field/User-Agent")).header("User-Agent", "pig")), "pig");
    EXPECT_EQ(body_of(FetchRequest(url("/field/X-Latin")).header("X-Latin", "b\xe4r")), "b\xe4r");
}

TEST_P(Common, RefusesWhatWouldEndALine) {
    FetchRequest request(url("/hello"));
    for (const std::string value : {"a\r\nX-More: b", "a\nb", "a\rb"}) {
        EXPECT_THROW(request.header("X-Any", value), std::invalid_argument);
        EXPECT_THROW(request.header("X-Any" + value, "a"), std::invalid_argument);
        EXPECT_THROW(request.method("GET" + value), std::invalid_argument);
    }
}

TEST_P(Common, KeepsCredentialsFromAnotherOrigin) {
    const std::string elsewhere = "https://example.com:" + std::to_string(tornado().tls) + "/field/";
    for (const std::string field : {"Authorization", "Cookie"}) {
        for (const bool leaves : {false, true}) {
            FetchRequest request(url("/redirect?url=" + (leaves ? elsewhere : "/field/") + field));
            request.basic_auth("me", "secret").header("Cookie", "a=b");
            EXPECT_EQ(body_of(std::move(request)) == "none", leaves) << field;
        }
    }
    const std::string other_field = url("/redirect?url=" + elsewhere + "X-Any");
    EXPECT_EQ(body_of(FetchRequest(other_field).header("X-Any", "goes along")), "goes along");
}

TEST_P(Common, ThrowsForAnErrorStatusWhereAsked) {
    try {
        fetch(FetchRequest(url("/nowhere")).raise_error(true));
        FAIL();
    } catch (const client::StatusError& error) {
        EXPECT_EQ(error.status(), 404);
        EXPECT_EQ(error.response().status(), 404);
        EXPECT_STREQ(error.what(), "HTTP 404: Not Found");
    }
    EXPECT_EQ(fetch(url("/nowhere")).status(), 404);
}

TEST_P(Common, SendsARequestTwice) {
    FetchRequest request(url("/echo"));
    request.method("POST").header("User-Agent", "pig").body("twice");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of(request), "twice");
    EXPECT_EQ(request.headers().wire(), "User-Agent: pig\r\n");
    EXPECT_EQ(request.body(), "twice");
}

TEST_P(Common, ConnectsFromAnAddress) {
    client::ClientOptions options = client_options();
    options.connection.tcp(net::ConnectOptions().local_address(*net::Address::parse("127.0.0.9", 0)));
    use(std::move(options));
    EXPECT_EQ(body_of(url("/address")), "127.0.0.9");
}

TEST_P(Common, SendsAllMethods) {
    for (const std::string method : {"GET", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"}) {
        EXPECT_EQ(body_of(FetchRequest(url("/methods")).method(method)), method);
    }
    EXPECT_EQ(body_of(FetchRequest(url("/methods")).method("HEAD")), "");
    if (is_own()) return;  // our server knows those of RFC 9110
    EXPECT_EQ(body_of(FetchRequest(url("/methods")).method("OTHER")), "OTHER");
}

TEST_P(Common, SendsABodyWithAnyMethod) {
    for (const std::string method : {"GET", "DELETE", "OPTIONS"}) {
        const Response response = fetch(FetchRequest(url("/methods")).method(method).body("asdf"));
        EXPECT_EQ(response.status(), 200);
        EXPECT_EQ(response.body(), method);
    }
}

TEST_P(Common, TakesZeroForNoDeadline) {
    EXPECT_EQ(fetch(FetchRequest(url("/hello")).connect_timeout(0s)).status(), 200);
    EXPECT_EQ(fetch(FetchRequest(url("/hello")).total_timeout(0s)).status(), 200);
    EXPECT_EQ(fetch(FetchRequest(url("/hello")).connect_timeout(0s).total_timeout(0s)).status(), 200);
}

TEST_P(Common, ForgetsAFetchThatIsCancelled) {
    auto wait = [](client::HttpClient& http, std::string target) -> Task<void> { co_await http.fetch(target); };
    auto until_it_waits = [](client::HttpClient& http, std::string target) -> Task<void> {
        Response response;
        do {
            response = co_await http.fetch(target);
        } while (response.body() != "1");
    };
    run(when_any(wait(*http, url("/trigger")), until_it_waits(*http, url("/waiting"))));
    EXPECT_EQ(http->counts().open, 1U) << "that of the other fetches";
    EXPECT_EQ(http->counts().idle, 1U);
    fetch(url("/release"));
}

INSTANTIATE_TEST_SUITE_P(Peers, Common, all_peers(), name_of);

}  // namespace
}  // namespace caropig::support
