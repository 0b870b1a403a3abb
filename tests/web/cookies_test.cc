#include "support/web_client.h"
#include <caropig/web/application.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;
using testing::HasSubstr;
using testing::Not;

const std::string kSecret = "0123456789abcdef0123456789abcdef";

/// The cookies that an answer sets, as a browser would send them back; those that it clears are left out.
std::string cookies_of(const support::Answer& answer) {
    std::string fields;
    std::size_t at = 0;
    while ((at = answer.head.find("\r\nSet-Cookie: ", at)) != std::string::npos) {
        at += 14;
        std::string cookie = answer.head.substr(at, answer.head.find_first_of(";\r", at) - at);
        fields += "Cookie: " + cookie + "\r\n";
    }
    return fields;
}

SecurityOptions with_secret() { return SecurityOptions().cookie_secret(kSecret); }

// --- Functions ----------------------------------------------------------------------------------------------------

TEST(Cookies, OfTheRequestAreRead) {
    Application app;
    app.get("/", [](Request& request) {
        return request.get_cookie("a").value_or("none") + "," + request.get_cookie("b", "fallback");
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/", "Cookie: a=\"x y\"; c=d\r\n").body, "x y,fallback");
    EXPECT_EQ(client.get("/", "Cookie: b=2\r\n").body, "none,2");
    EXPECT_EQ(client.get("/").body, "none,fallback");
}

TEST(Cookies, OfTheResponseAreSetReplacedAndCleared) {
    Application app;
    app.get("/", [] {
        Response response;
        response.set_cookie("a", "1").set_cookie("b", "2", http::CookieOptions().path("/x")).set_cookie("ab", "3");
        response.set_cookie("a", "4");
        response.clear_cookie("c", http::CookieOptions().path("/x"));
        return response;
    });
    WebClient client(app);
    support::Answer answer = client.get("/");
    EXPECT_THAT(answer.head, HasSubstr("\r\nSet-Cookie: b=2; Path=/x; SameSite=Lax\r\n"
                                       "Set-Cookie: ab=3; Path=/; SameSite=Lax\r\n"
                                       "Set-Cookie: a=4; Path=/; SameSite=Lax\r\n"
                                       "Set-Cookie: c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x; "
                                       "SameSite=Lax\r\n"));
    EXPECT_THAT(answer.head, Not(HasSubstr("a=1")));
}

TEST(Cookies, SignedOnesComeBack) {
    Application app;
    app.security(with_secret());
    app.get("/set", [](Request& request) {
        Response response("set");
        response.set_signed_cookie(request, "user", "alice; admin\n");
        return response;
    });
    app.get("/get", [](Request& request) { return request.get_signed_cookie("user").value_or("nobody"); });
    app.get("/soon", [](Request& request) {
        return request.get_signed_cookie("user", SignedValueOptions().max_age(std::chrono::minutes(1))).value_or("old");
    });
    WebClient client(app);
    support::Answer answer = client.get("/set");
    EXPECT_THAT(answer.field("Set-Cookie").value_or(""),
                testing::EndsWith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax"));
    std::string cookie = cookies_of(answer);
    EXPECT_EQ(client.get("/get", cookie).body, "alice; admin\n");
    EXPECT_EQ(client.get("/get").body, "nobody");
    EXPECT_EQ(client.get("/get", "Cookie: user=alice\r\n").body, "nobody");
    client.loop().advance(std::chrono::seconds(61));
    EXPECT_EQ(client.get("/soon", cookie).body, "old") << "the loop's clock says how old it is";
    EXPECT_EQ(client.get("/get", cookie).body, "alice; admin\n");
}

TEST(Cookies, SignedOnesNeedASecret) {
    Application app;
    app.get("/get", [](Request& request) { return request.get_signed_cookie("user").value_or("nobody"); });
    app.get("/set", [](Request& request) {
        Response response;
        response.set_signed_cookie(request, "user", "alice");
        return response;
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/get").status, 500);
    EXPECT_EQ(client.get("/set").status, 500);
    EXPECT_THAT(client.log("application"), testing::Each(HasSubstr("cookie_secret()")));
}

TEST(Cookies, AreSecureWhereTheApplicationSaysSo) {
    class Sets : public RequestHandler {
    public:
        Task<void> get() override {
            set_cookie("plain", "1");
            set_signed_cookie("signed", "2", http::CookieOptions());
            clear_cookie("cleared");
            write(xsrf_form_html());
            co_return;
        }
    };
    Application app;
    app.security(with_secret().secure_cookies(true));
    app.add<Sets>("/class");
    app.get("/function", [](Request& request) {
        Response response;
        response.set_signed_cookie(request, "signed", "2", http::CookieOptions());
        return response;
    });
    WebClient client(app);
    support::Answer answer = client.get("/class");
    for (const char* name : {"plain=1", "signed=2|", "cleared=", "_xsrf=2|"}) {
        std::size_t at = answer.head.find("\r\nSet-Cookie: " + std::string(name));
        ASSERT_NE(at, std::string::npos) << name;
        EXPECT_THAT(answer.head.substr(at, answer.head.find("\r\n", at + 2) - at), HasSubstr("; Secure"));
    }
    EXPECT_THAT(client.get("/function").field("Set-Cookie").value_or(""), HasSubstr("; Secure"));
}

// --- RequestHandlers ----------------------------------------------------------------------------------------------

class Acts : public RequestHandler {
public:
    using Action = std::function<Task<void>(Acts&)>;
    explicit Acts(Action action) : action_(std::move(action)) {}
    Task<void> get() override { return action_(*this); }

    using RequestHandler::clear_cookie, RequestHandler::flush, RequestHandler::get_cookie,
        RequestHandler::get_signed_cookie, RequestHandler::set_cookie, RequestHandler::set_signed_cookie,
        RequestHandler::write, RequestHandler::xsrf_form_html, RequestHandler::xsrf_token;

private:
    Action action_;
};

Acts::Action at_once(std::function<void(Acts&)> action) {
    return [action = std::move(action)](Acts& handler) -> Task<void> {
        action(handler);
        co_return;
    };
}

TEST(HandlerCookies, AreSetForTheNextRequest) {
    Application app;
    app.security(with_secret());
    app.add<Acts>(
        "/", at_once([](Acts& handler) {
            handler.write(handler.get_cookie("plain", "none") + "," +
                          handler.get_signed_cookie("signed").value_or("none"));
            handler.set_cookie("plain", "1");
            handler.set_signed_cookie("signed", "2");
            handler.write("," + handler.get_cookie("plain").value_or("still none") + ",");
            handler.write(handler.get_signed_cookie("signed", SignedValueOptions().min_version(2)).value_or("none"));
        }));
    WebClient client(app);
    support::Answer answer = client.get("/");
    EXPECT_EQ(answer.body, "none,none,still none,none");
    EXPECT_EQ(client.get("/", cookies_of(answer)).body, "1,2,1,2");
}

TEST(HandlerCookies, ClearHasPathAndDomain) {
    Application app;
    app.add<Acts>("/", at_once([](Acts& handler) {
                      handler.set_cookie("a", "1");
                      handler.clear_cookie("a", http::CookieOptions().path("/x").domain("example.com"));
                  }));
    WebClient client(app);
    EXPECT_THAT(client.get("/").field("Set-Cookie").value_or(""),
                HasSubstr("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Domain=example.com; Path=/x"));
}

TEST(HandlerCookies, AreNotSetAfterAFlush) {
    int refused = 0;
    Application app;
    app.security(with_secret());
    app.add<Acts>("/", [&refused](Acts& handler) -> Task<void> {
        co_await handler.flush();
        for (const std::function<void()>& set : std::vector<std::function<void()>>{
                 [&] { handler.set_cookie("a", "1"); }, [&] { handler.clear_cookie("a"); },
                 [&] { handler.set_signed_cookie("a", "1"); }, [&] { static_cast<void>(handler.xsrf_token()); }}) {
            try {
                set();
            } catch (const std::logic_error&) {
                ++refused;
            }
        }
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 200);
    EXPECT_EQ(refused, 4);
}

TEST(HandlerCookies, OfAHandlerThatFailsAreDropped) {
    Application app;
    app.add<Acts>("/", at_once([](Acts& handler) {
                      handler.set_cookie("a", "1");
                      throw HttpError(503, "the database is down");
                  }));
    WebClient client(app);
    support::Answer answer = client.get("/");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.field("Set-Cookie"), std::nullopt);
}

TEST(HandlerCookies, ABadOneIsAnErrorOfTheHandler) {
    Application app;
    app.add<Acts>("/", at_once([](Acts& handler) { handler.set_cookie("a", "1\r\nX-Injected: 1"); }));
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 500);
    EXPECT_THAT(client.received(), Not(HasSubstr("X-Injected")));
}

}  // namespace
}  // namespace caropig::web
