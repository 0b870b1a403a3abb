#include "support/web_client.h"
#include <caropig/web/throttle.h>

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

/// What an application sees of a client behind proxies.
namespace caropig::web {
namespace {

using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kForwarded =
    "X-Forwarded-For: 198.51.100.7, 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: a.example\r\n";

server::ServerOptions trusting(std::string_view list) {
    return server::ServerOptions().proxies(server::ProxyOptions().trusted(net::Networks::parse(list).value()));
}

class SetsCookies : public RequestHandler {
public:
    Task<void> get() override {
        set_cookie("plain", "1");
        set_signed_cookie("signed", "2");
        write(xsrf_form_html());
        co_return;
    }
};

void add_to(Application& app) {
    app.security(SecurityOptions().cookie_secret("a secret of more than thirty-two bytes"));
    app.add<SetsCookies>("/cookies");
    app.get("/show", [](Request& request) {
        return Response::text(request.remote_ip() + " " + request.full_url() + " " + std::string(request.host()));
    });
    app.get("/network", [](Request& request) { return Response::text(client_network(request.remote_ip())); });
    app.get("/fail", [](Request&) -> Response { throw HttpError(418, "failed"); });
}

TEST(Proxies, NoneIsTrustedUnlessSet) {
    Application app;
    add_to(app);
    WebClient client(app, {}, 65536, "10.0.0.1:999");
    EXPECT_EQ(client.get("/show?a", kForwarded).body, "10.0.0.1 http://test/show?a test");
    EXPECT_THAT(client.get("/cookies", kForwarded).head, Not(HasSubstr("Secure")));
}

TEST(Proxies, ATrustedOneIsBelieved) {
    Application app;
    add_to(app);
    WebClient client(app, trusting("10.0.0.0/8"), 65536, "10.0.0.1:999");
    EXPECT_EQ(client.get("/show?a", kForwarded).body, "192.0.2.1 https://a.example/show?a a.example");
    EXPECT_EQ(client.get("/show").body, "10.0.0.1 http://test/show test") << "of this request, not of the last";
    EXPECT_EQ(client.get("/network", "X-Forwarded-For: 2001:db8::1\r\n").body, "2001:db8::/64") << "a throttle's key";
}

TEST(Proxies, AStrangerIsNotBelieved) {
    Application app;
    add_to(app);
    WebClient client(app, trusting("10.0.0.0/8"), 65536, "11.0.0.1:999");
    EXPECT_EQ(client.get("/show", kForwarded).body, "11.0.0.1 http://test/show test");
}

TEST(Proxies, LogsNameTheClient) {
    Application app;
    add_to(app);
    WebClient client(app, trusting("10.0.0.0/8"), 65536, "10.0.0.1:999");
    client.get("/show", kForwarded);
    EXPECT_THAT(client.log("access"), ElementsAre(StartsWith("200 GET /show (192.0.2.1) ")));
    client.get("/fail", kForwarded);
    EXPECT_THAT(client.log("application"), ElementsAre(HasSubstr("GET /fail (192.0.2.1)")));
}

TEST(Proxies, CookiesAreSecureWhereTheClientCameByHttps) {
    Application app;
    add_to(app);
    WebClient client(app, trusting("10.0.0.0/8"), 65536, "10.0.0.1:999");
    for (const char* scheme : {"https", "http"}) {
        const std::string head = client.get("/cookies", "X-Forwarded-Proto: " + std::string(scheme) + "\r\n").head;
        for (const char* name : {"plain=1", "signed=", "_xsrf="}) {
            const std::size_t at = head.find("\r\nSet-Cookie: " + std::string(name));
            ASSERT_NE(at, std::string::npos) << name;
            const std::string line = head.substr(at, head.find("\r\n", at + 2) - at);
            EXPECT_EQ(line.find("; Secure") != std::string::npos, scheme == std::string("https")) << line;
        }
    }
}

}  // namespace
}  // namespace caropig::web
