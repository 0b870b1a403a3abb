#include "support/web_client.h"
#include "web/crypto.h"
#include "web/xsrf_token.h"
#include <caropig/web/application.h>
#include <caropig/web/xsrf.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::Answer;
using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFormType = "Content-Type: application/x-www-form-urlencoded\r\n";

// --- Tokens -------------------------------------------------------------------------------------------------------

TEST(XsrfToken, IsReadAsTornadoWroteIt) {
    // python3-tornado 6.2: the bytes are "0123456789abcdef".
    auto token = XsrfToken::parse("2|01020304|3133313735373533393b626662666662|1700000000");
    ASSERT_TRUE(token);
    EXPECT_EQ(token->bytes, "0123456789abcdef");
    EXPECT_EQ(token->time, 1700000000);
    auto old = XsrfToken::parse("30313233343536373839616263646566");
    ASSERT_TRUE(old) << "format 1";
    EXPECT_EQ(old->bytes, token->bytes);
}

TEST(XsrfToken, HasAnotherMaskEachTime) {
    XsrfToken token = XsrfToken::make(1700000000);
    std::set<std::string> texts;
    for (int i = 0; i < 100; ++i) {
        std::string text = token.masked();
        texts.insert(text.substr(0, text.rfind('|')));
        auto read = XsrfToken::parse(text);
        ASSERT_TRUE(read) << text;
        EXPECT_EQ(read->bytes, token.bytes);
        EXPECT_EQ(read->time, 1700000000);
    }
    EXPECT_GT(texts.size(), 90u);
    EXPECT_NE(XsrfToken::make(0).bytes, token.bytes);
}

TEST(XsrfToken, NothingElseIsOne) {
    for (const char* text : {
             "",
             "|",
             "|||",
             "2|||",
             "2|01020304|3133313735373533393b626662666662",
             "2|01020304|3133313735373533393b626662666662|",
             "2|01020304|3133313735373533393b626662666662|x",
             "2|01020304|3133313735373533393b626662666662|-1",
             "2|01020304|3133313735373533393b626662666662|1|",
             "2|01020304|3133313735373533393b626662666662|1700000000000000000",
             "3|01020304|3133313735373533393b626662666662|1",
             "1|01020304|3133313735373533393b626662666662|1",
             "2||3133313735373533393b626662666662|1",
             "2|010203|3133313735373533393b626662666662|1",
             "2|0102030405|3133313735373533393b626662666662|1",
             "2|01020304|313331373537313339396260656765|1",
             "2|01020304|3133313735373533393b62666266666200|1",
             "2|01020304|3133313735373133393962606567656|1",
             "2|0102030g|3133313735373533393b626662666662|1",
             "303132333435363738396162636465",
             "3031323334353637383961626364656600",
             "3031323334353637383961626364656g",
         }) {
        EXPECT_EQ(XsrfToken::parse(text), std::nullopt) << text;
    }
    EXPECT_TRUE(XsrfToken::parse("2|01020304|3133313735373533393b626662666662|999999999999999999"));
}

// --- The check ----------------------------------------------------------------------------------------------------

class Form : public RequestHandler {
public:
    Task<void> prepare() override {
        set_header("X-Prepared", "1");
        co_return;
    }
    Task<void> get() override {
        write(xsrf_token());
        co_return;
    }
    Task<void> head() override { co_return; }
    Task<void> options() override { co_return; }
    Task<void> post() override {
        write("posted " + get_argument("a", "nothing"));
        co_return;
    }
    Task<void> put() override { return post(); }
    Task<void> patch() override { return post(); }
    Task<void> del() override { return post(); }
};

class Api : public Form {
public:
    void check_xsrf_cookie() override {}
};

std::string post_function(Request& request) { return "posted " + request.get_argument("a", "nothing"); }

Task<Response> post_coroutine(Request& request) {
    co_await request.read_whole_body();
    co_return post_function(request);
}

Task<Response> stream(Request& request) {
    std::string text;
    while (auto piece = co_await request.read_body()) text += "[" + std::string(*piece) + "]";
    co_return text;
}

/// A client of an application with every kind of handler, and a browser's token and cookie for it.
struct Talk {
    explicit Talk(SecurityOptions options = {}) {
        app.security(std::move(options));
        app.add<Form>("/class").add<Api>("/api");
        app.get("/function", [](Request& request) {
            Response response;
            response.append(xsrf_token(request, response));
            return response;
        });
        app.post("/function", post_function).post("/coroutine", post_coroutine).post("/stream", stream);
        app.post("/exempt", xsrf_exempt(post_function)).post("/exempt_coroutine", xsrf_exempt(post_coroutine));
        client.emplace(app);
        Answer page = client->get("/class");
        token = page.body;
        std::string set = page.field("Set-Cookie").value_or("");
        cookie = "Cookie: " + set.substr(0, set.find(';')) + "\r\n";
    }
    Answer post(std::string_view target, std::string_view body, std::string_view fields) {
        return client->post(target, body, fields);
    }

    Application app;
    std::optional<WebClient> client;
    std::string token;
    std::string cookie;
};

const std::vector<std::string> kGuarded{"/class", "/function", "/coroutine"};

TEST(Xsrf, FormsBringTheirToken) {
    Talk talk;
    for (const std::string& target : kGuarded) {
        EXPECT_EQ(talk.post(target, "a=1&_xsrf=" + talk.token, talk.cookie + kFormType).body, "posted 1") << target;
        EXPECT_EQ(talk.post(target + "?_xsrf=" + talk.token, "a=1", talk.cookie + kFormType).body, "posted 1");
        for (const char* name : {"X-Xsrftoken: ", "X-CSRFToken: "}) {
            std::string field = name + talk.token + "\r\n";
            EXPECT_EQ(talk.post(target, "a=1", talk.cookie + kFormType + field).body, "posted 1") << target << name;
            EXPECT_EQ(talk.post(target + "?a=2", "{}", talk.cookie + field).body, "posted 2") << target << name;
            EXPECT_EQ(talk.client->request("POST", target, talk.cookie + field).body, "posted nothing");
        }
    }
    EXPECT_THAT(talk.client->log("application"), testing::IsEmpty());
}

TEST(Xsrf, WithoutItsTokenARequestIs403) {
    Talk talk;
    std::string other = XsrfToken::make(0).masked();
    for (const std::string& target : kGuarded) {
        EXPECT_EQ(talk.post(target, "a=1", talk.cookie + kFormType).status, 403) << target;
        EXPECT_EQ(talk.post(target, "a=1&_xsrf=" + other, talk.cookie + kFormType).status, 403) << target;
        EXPECT_EQ(talk.post(target, "a=1&_xsrf=" + talk.token, kFormType).status, 403) << "no cookie";
        EXPECT_EQ(talk.post(target, "a=1&_xsrf=" + talk.token, kFormType + "Cookie: _xsrf=\r\n").status, 403);
        EXPECT_EQ(talk.post(target, "a=1&_xsrf=0" + talk.token, talk.cookie + kFormType).status, 403);
        EXPECT_EQ(talk.client->request("POST", target, talk.cookie).status, 403) << "no body at all";
        EXPECT_EQ(talk.post(target, "_xsrf=" + talk.token, talk.cookie + "Content-Type: text/plain\r\n").status, 403);
    }
    EXPECT_THAT(talk.client->log("application"), testing::Each(HasSubstr("403")));
}

TEST(Xsrf, LogsWhyAsTornadoDoes) {
    Talk talk;
    talk.post("/class", "", talk.cookie + kFormType);
    talk.post("/class", "_xsrf=x", talk.cookie + kFormType);
    talk.post("/class", "_xsrf=" + XsrfToken::make(0).masked(), talk.cookie + kFormType);
    EXPECT_THAT(talk.client->log("application"), ElementsAre(HasSubstr("'_xsrf' argument missing from POST"),
                                                             HasSubstr("'_xsrf' argument has invalid format"),
                                                             HasSubstr("XSRF cookie does not match POST argument")));
}

TEST(Xsrf, AllMethodsThatChangeSomethingAreChecked) {
    Talk talk;
    for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
        Answer answer = talk.client->request(method, "/class", talk.cookie);
        EXPECT_EQ(answer.status, 403) << method;
        EXPECT_EQ(answer.field("X-Prepared"), std::nullopt) << "the check comes before prepare()";
        EXPECT_EQ(talk.client->request(method, "/class", talk.cookie + "X-Xsrftoken: " + talk.token + "\r\n").status,
                  200);
    }
    for (const char* method : {"GET", "HEAD", "OPTIONS"}) {
        EXPECT_EQ(talk.client->request(method, "/class").status, 200) << method;
    }
}

TEST(Xsrf, WhatIsNotThereStays404And405) {
    Talk talk;
    EXPECT_EQ(talk.post("/nowhere", "a=1", kFormType).status, 404);
    EXPECT_EQ(talk.client->request("DELETE", "/function").status, 405);
}

TEST(Xsrf, HandlersMayBeExempt) {
    Talk talk;
    for (const char* target : {"/api", "/exempt", "/exempt_coroutine"}) {
        EXPECT_EQ(talk.post(target, "a=1", kFormType).body, "posted 1") << target;
    }
}

TEST(Xsrf, AFormThatWasReadForTheCheckIsStillThereForTheHandler) {
    Talk talk;
    std::string form = "a=1&_xsrf=" + talk.token;
    EXPECT_EQ(talk.post("/stream", form, talk.cookie + kFormType).body, "[" + form + "]");
    EXPECT_EQ(talk.post("/stream?_xsrf=" + talk.token, "upload", talk.cookie).body, "[upload]");
    EXPECT_EQ(talk.post("/stream?_xsrf=" + talk.token, "", talk.cookie + kFormType).body, "");
}

TEST(Xsrf, IsOffUntilSecurityIsAskedFor) {
    Application app;
    app.post("/", post_function).add<Form>("/class");
    WebClient client(app);
    EXPECT_EQ(client.post("/", "a=1", kFormType).body, "posted 1");
    EXPECT_EQ(client.post("/class", "a=1", kFormType).body, "posted 1");
    Talk off(SecurityOptions().xsrf_cookies(false));
    for (const std::string& target : kGuarded) EXPECT_EQ(off.post(target, "a=1", kFormType).body, "posted 1");
}

// --- The cookie ---------------------------------------------------------------------------------------------------

TEST(XsrfCookie, IsSetOnceForABrowser) {
    Talk talk;
    for (const char* target : {"/class", "/function"}) {
        Answer first = talk.client->get(target);
        EXPECT_THAT(first.field("Set-Cookie").value_or(""),
                    testing::MatchesRegex("_xsrf=2\\|.*; Path=/; SameSite=Lax"));
        Answer again = talk.client->get(target, talk.cookie);
        EXPECT_EQ(again.field("Set-Cookie"), std::nullopt);
        EXPECT_NE(again.body, talk.token) << "masked anew";
        EXPECT_EQ(XsrfToken::parse(again.body)->bytes, XsrfToken::parse(talk.token)->bytes);
        EXPECT_NE(talk.client->get(target, "Cookie: _xsrf=3|x\r\n").field("Set-Cookie"), std::nullopt)
            << "what is no token is replaced";
    }
}

TEST(XsrfCookie, SeveralFormsOfAPageShareIt) {
    Application app;
    app.get("/", [](Request& request) {
        Response response;
        std::string first = xsrf_form_html(request, response);
        response.append(first + xsrf_form_html(request, response));
        return response;
    });
    WebClient client(app);
    Answer answer = client.get("/");
    const std::string start = R"(<input type="hidden" name="_xsrf" value=")";
    ASSERT_TRUE(answer.body.starts_with(start)) << answer.body;
    std::string first = answer.body.substr(start.size(), answer.body.find(R"("/>)") - start.size());
    std::string second = answer.body.substr(answer.body.rfind(start) + start.size());
    second.resize(second.size() - 3);
    std::string set = answer.field("Set-Cookie").value_or("");
    std::string cookie = set.substr(6, set.find(';') - 6);
    ASSERT_TRUE(XsrfToken::parse(first) && XsrfToken::parse(second) && XsrfToken::parse(cookie));
    EXPECT_NE(first, second);
    EXPECT_EQ(XsrfToken::parse(first)->bytes, XsrfToken::parse(cookie)->bytes);
    EXPECT_EQ(XsrfToken::parse(second)->bytes, XsrfToken::parse(cookie)->bytes);
    EXPECT_EQ(answer.head.find("Set-Cookie"), answer.head.rfind("Set-Cookie"));
}

TEST(XsrfCookie, NameAndAttributesAreTheApplications) {
    SecurityOptions options;
    options.xsrf_cookie_name("__Host-xsrf").secure_cookies(true);
    options.xsrf_cookie_options(http::CookieOptions().http_only().same_site(http::SameSite::kStrict));
    Talk talk(std::move(options));
    EXPECT_THAT(talk.client->get("/class").field("Set-Cookie").value_or(""),
                testing::MatchesRegex("__Host-xsrf=2\\|.*; Path=/; Secure; HttpOnly; SameSite=Strict"));
    EXPECT_EQ(talk.post("/class", "a=1&_xsrf=" + talk.token, talk.cookie + kFormType).body, "posted 1");
    Application app;
    EXPECT_THROW(app.security(SecurityOptions().xsrf_cookie_name("__Host-xsrf")), std::invalid_argument)
        << "it could never be set, so it is an error at the start";
}

TEST(XsrfCookie, APageForAnErrorGetsATokenToo) {
    class Fails : public RequestHandler {
    public:
        Task<void> get() override {
            static_cast<void>(xsrf_token());
            throw HttpError(404);
            co_return;
        }
        void write_error(int, const std::exception_ptr&) override { write(xsrf_token()); }
    };
    Application app;
    app.security({}).add<Fails>("/");
    WebClient client(app);
    Answer answer = client.get("/");
    EXPECT_EQ(answer.status, 404);
    std::string set = answer.field("Set-Cookie").value_or("");
    auto cookie = XsrfToken::parse(set.substr(6, set.find(';') - 6));
    ASSERT_TRUE(cookie && XsrfToken::parse(answer.body));
    EXPECT_EQ(XsrfToken::parse(answer.body)->bytes, cookie->bytes);
}

}  // namespace
}  // namespace caropig::web
