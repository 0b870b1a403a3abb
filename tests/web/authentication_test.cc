#include "support/web_client.h"
#include <caropig/loop/timer.h>
#include <caropig/web/application.h>
#include <caropig/web/authentication.h>

#include <chrono>
#include <string>

#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::Answer;
using support::WebClient;
using testing::HasSubstr;

/// A page for users, who say who they are in a header; found out after a second, as if by a database.
class Page : public RequestHandler {
public:
    explicit Page(int* asked) : asked_(*asked) {}

    Task<boost::json::value> get_current_user() override {
        ++asked_;
        if (request().header("X-Broken")) throw HttpError(503, "the database is down");
        co_await sleep_for(std::chrono::seconds(1));
        auto name = request().header("X-User");
        co_return name ? boost::json::value(*name) : boost::json::value();
    }
    Task<void> get() override {
        boost::json::value user = co_await authenticated();
        write("hello " + std::string(user.as_string()));
    }
    Task<void> post() override {
        co_await authenticated();
        write("posted for " + std::string((co_await current_user()).as_string()));
    }

private:
    int& asked_;
};

/// The same, guarded in prepare().
class Guarded : public Page {
public:
    using Page::Page;
    Task<void> prepare() override { co_await authenticated(); }
    Task<void> get() override {
        write("never without a user");
        co_return;
    }
};

class Anybody : public RequestHandler {
public:
    Task<void> get() override {
        boost::json::value user = co_await current_user();
        write(user.is_null() ? "nobody" : std::string(user.as_string()));
        if (request().query() != "login") co_return;
        set_current_user("alice");
        user = co_await current_user();
        write(", then " + std::string(user.as_string()));
        co_await authenticated();
        write(", logged in");
    }
};

class NoLoginPage : public RequestHandler {
public:
    Task<void> get() override { co_await authenticated(); }
};

class OwnLoginPage : public RequestHandler {
public:
    Task<void> get() override { co_await authenticated(); }
    [[nodiscard]] std::string get_login_url() const override { return "/sign-in?from=" + std::string(param("x")); }
};

struct Talk {
    Talk() {
        app.security(SecurityOptions().login_url("/login").xsrf_cookies(false));
        app.add<Page>("/page", &asked).add<Guarded>("/guarded", &asked).add<OwnLoginPage>("/own/{x}");
        client.emplace(app);
    }
    Answer request(std::string_view method, std::string_view target, std::string_view fields = {}) {
        std::size_t before = client->received().size();
        client->request(method, target, fields);
        client->loop().advance(std::chrono::seconds(1));
        auto answers = support::parse_answers(std::string_view(client->received()).substr(before), {method == "HEAD"});
        return answers.empty() ? Answer() : answers[0];
    }

    int asked = 0;
    Application app;
    std::optional<WebClient> client;
};

TEST(CurrentUser, IsFoundOutOnce) {
    Talk talk;
    EXPECT_EQ(talk.request("GET", "/page", "X-User: alice\r\n").body, "hello alice");
    EXPECT_EQ(talk.request("POST", "/page", "X-User: bob\r\n").body, "posted for bob");
    EXPECT_EQ(talk.asked, 2) << "once for each request: authenticated() and current_user() share it";
}

TEST(CurrentUser, IsNobodyByDefaultAndMayBeSet) {
    Application app;
    app.add<Anybody>("/");
    WebClient client(app);
    EXPECT_EQ(client.get("/").body, "nobody");
    EXPECT_EQ(client.get("/?login").body, "nobody, then alice, logged in");
}

TEST(CurrentUser, AFailureToFindOutIsTheAnswer) {
    Talk talk;
    EXPECT_EQ(talk.request("GET", "/page", "X-Broken: 1\r\n").status, 503);
}

TEST(Authenticated, SendsNobodyToTheLoginPage) {
    Talk talk;
    for (const char* method : {"GET", "HEAD"}) {
        for (const char* path : {"/page", "/guarded"}) {
            Answer answer = talk.request(method, path + std::string("?a=1&b=%20"));
            EXPECT_EQ(answer.status, 302);
            EXPECT_EQ(answer.field("Location"),
                      "/login?next=%2F" + std::string(path).substr(1) + "%3Fa%3D1%26b%3D%2520");
            EXPECT_EQ(answer.body, "");
        }
    }
}

TEST(Authenticated, IsForbiddenWhereARedirectWouldLoseABody) {
    Talk talk;
    EXPECT_EQ(talk.request("POST", "/page").status, 403);
    EXPECT_EQ(talk.request("POST", "/guarded").status, 403);
    EXPECT_EQ(talk.request("POST", "/page", "X-User: alice\r\n").body, "posted for alice");
}

TEST(Authenticated, GuardsAllMethodsFromPrepare) {
    Talk talk;
    EXPECT_EQ(talk.request("GET", "/guarded", "X-User: alice\r\n").body, "never without a user");
}

TEST(Authenticated, IsNoErrorInTheLog) {
    Talk talk;
    talk.request("GET", "/page");
    EXPECT_THAT(talk.client->log("application"), testing::IsEmpty());
    EXPECT_THAT(talk.client->log("access"), testing::ElementsAre(HasSubstr("302 GET /page")));
}

TEST(Authenticated, TakesTheHandlersLoginPage) {
    Talk talk;
    EXPECT_EQ(talk.request("GET", "/own/1").field("Location"), "/sign-in?from=1")
        << "a query that is there stays as it is";
}

TEST(Authenticated, NeedsALoginPage) {
    Application app;
    app.add<NoLoginPage>("/");
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 500);
    EXPECT_THAT(client.log("application"), testing::ElementsAre(HasSubstr("login_url()")));
}

TEST(SafeNext, IsAPathOfThisSite) {
    for (const char* next : {"/", "/x", "/x?a=1&b=//c#d", "/x/../y", "/%5C%5Cevil", "/x//y", "/.//evil", "/@evil"}) {
        EXPECT_EQ(safe_next(next), next);
    }
}

TEST(SafeNext, IsNothingElse) {
    for (std::string_view next : {"",
                                  "x",
                                  "//evil",
                                  "///evil",
                                  "/\\evil",
                                  "\\\\evil",
                                  "\\/evil",
                                  "/x\\y",
                                  "https://evil",
                                  "https:evil",
                                  "javascript:alert(1)",
                                  " /x",
                                  "/\t/evil",
                                  "/\n/evil",
                                  "\t//evil",
                                  "/x y",
                                  "/x\r\nSet-Cookie: a=b",
                                  "/\x7f",
                                  "/\xc3\xa0",
                                  "?x",
                                  "#x"}) {
        EXPECT_EQ(safe_next(next), "/") << next;
        EXPECT_EQ(safe_next(next, "/home"), "/home") << next;
    }
    EXPECT_EQ(safe_next(std::string_view("/\0", 2)), "/");
}

}  // namespace
}  // namespace caropig::web
