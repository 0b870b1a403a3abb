#include "support/web_client.h"
#include <caropig/web/application.h>

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

Handler says(std::string text) {
    return [text = std::move(text)] { return Response::text(text); };
}

std::string route_error(const std::function<void(Application&)>& build) {
    Application app;
    try {
        build(app);
    } catch (const RouteError& error) {
        return error.what();
    }
    return "no error";
}

TEST(Application, AnswersByItsTableOfRoutes) {
    Application app({{"/index", says("ok")}, {R"(/user/(\d+))", says("user")}, {"/late", says("late"), "late"}});
    WebClient client(app);
    EXPECT_EQ(client.get("/index").body, "ok");
    EXPECT_EQ(client.get("/user/12").body, "user");
    EXPECT_EQ(client.get("/late?x=1").body, "late");
    EXPECT_EQ(app.reverse_url("late"), "/late");
}

TEST(Application, FirstRouteThatMatchesWins) {
    Application app;
    app.get("/users/me", says("me")).get("/users/{id}", says("one")).get("/users/you", says("never"));
    app.get("/users/me", says("a second handler for the same"));
    WebClient client(app);
    EXPECT_EQ(client.get("/users/me").body, "me");
    EXPECT_EQ(client.get("/users/you").body, "one");
}

TEST(Application, NotFoundIsAPageThatDoesNotRepeatThePath) {
    Application app({{"/index", says("ok")}});
    WebClient client(app);
    for (std::string_view path : {"/", "/indexed", "/INDEX", "/index/", "//index", "/%69ndex", "/<script>"}) {
        support::Answer answer = client.get(path == "/<script>" ? "/%3Cscript%3E" : path);
        EXPECT_EQ(answer.status, 404) << path;
        EXPECT_EQ(answer.body, "<html><title>404: Not Found</title><body>404: Not Found</body></html>");
        EXPECT_EQ(answer.field("Content-Type"), "text/html; charset=UTF-8");
    }
    EXPECT_EQ(client.request("OPTIONS", "*").status, 204) << "it asks the server, not the application";
}

TEST(Application, EachMethodHasItsHandler) {
    Application app;
    app.get("/x", says("get")).post("/x", says("post")).put("/x", says("put")).patch("/x", says("patch"));
    app.del("/x", says("delete")).options("/x", says("options"));
    WebClient client(app);
    EXPECT_EQ(client.get("/x").body, "get");
    EXPECT_EQ(client.post("/x", "b").body, "post");
    EXPECT_EQ(client.request("PUT", "/x").body, "put");
    EXPECT_EQ(client.request("PATCH", "/x").body, "patch");
    EXPECT_EQ(client.request("DELETE", "/x").body, "delete");
    EXPECT_EQ(client.request("OPTIONS", "/x").body, "options");
    EXPECT_EQ(client.request("TRACE", "/x").status, 501) << "no application has it";
}

TEST(Application, MethodNotAllowedListsWhatIsInTheOrderOfAdding) {
    Application app;
    app.post("/x", says("p")).get("/y", says("y")).get("/x", says("g"));
    WebClient client(app);
    support::Answer answer = client.request("DELETE", "/x");
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.field("Allow"), "POST, GET, HEAD");
    EXPECT_EQ(answer.body, "<html><title>405: Method Not Allowed</title><body>405: Method Not Allowed</body></html>");
    EXPECT_EQ(client.post("/y", "").field("Allow"), "GET, HEAD");
    EXPECT_EQ(client.request("BREW", "/y").status, 501);
    EXPECT_EQ(client.request("get", "/y").status, 501) << "methods are case-sensitive";
}

TEST(Application, MethodNotAllowedDoesNotWaitForTheBody) {
    Application app;
    app.get("/x", says("g"));
    WebClient client(app);
    client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_THAT(client.received(), HasSubstr("405 Method Not Allowed"));
}

TEST(Application, HeadGetsTheFieldsOfGetWithoutTheBody) {
    Application app({{"/x", says("12345")}});
    WebClient client(app);
    support::Answer answer = client.head("/x");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("Content-Length"), "5");
    EXPECT_EQ(client.head("/nowhere").status, 404);
    EXPECT_EQ(client.get("/x").body, "12345") << "the connection goes on";
}

TEST(Application, HeadMayHaveAHandlerOfItsOwnWhicheverComesFirst) {
    auto own = [] {
        Response response;
        response.header("X-Own", "1");
        return response;
    };
    for (bool head_first : {true, false}) {
        Application app;
        if (head_first) app.route(http::Method::kHead, "/x", own);
        app.get("/x", says("get"));
        if (!head_first) app.route(http::Method::kHead, "/x", own);
        WebClient client(app);
        EXPECT_EQ(client.head("/x").field("X-Own"), "1");
        EXPECT_EQ(client.get("/x").body, "get");
        EXPECT_EQ(client.get("/x").field("X-Own"), std::nullopt);
        EXPECT_EQ(client.post("/x", "").field("Allow"), head_first ? "HEAD, GET" : "GET, HEAD");
    }
}

TEST(Application, ALaterMethodOfAPatternMayBringItsName) {
    Application app;
    app.get("/items/{id}", says("get")).post("/items/{id}", says("post"), "item").put("/items/{id}", says("put"));
    EXPECT_EQ(app.reverse_url("item", 7), "/items/7");
    WebClient client(app);
    EXPECT_EQ(client.get("/items/7").body, "get");
    EXPECT_EQ(client.post("/items/7", "").body, "post");
    EXPECT_EQ(client.request("PUT", "/items/7").body, "put");
    EXPECT_EQ(client.request("DELETE", "/items/7").field("Allow"), "GET, HEAD, POST, PUT");
}

TEST(Application, PatternsOfTheSameTextButAnotherMeaningAreTwoRoutes) {
    Application app;
    app.get(Pattern::literal("/{x}"), says("literal")).post("/{x}", says("braces"));
    Application plain;
    plain.get(Pattern::literal("/plain"), says("g")).put("/plain", says("put"));
    WebClient client(app);
    EXPECT_EQ(client.get("/{x}").body, "literal");
    EXPECT_EQ(client.post("/seven", "").body, "braces");
    EXPECT_EQ(client.post("/{x}", "").status, 405) << "the first route that matches the path decides";
    WebClient other(plain);
    EXPECT_EQ(other.get("/plain").body, "g");
    EXPECT_EQ(other.request("PUT", "/plain").body, "put") << "where nothing is special there is one meaning";
}

TEST(Application, MistakesInRoutesAreErrorsThatNameThem) {
    EXPECT_THAT(route_error([](Application& app) { app.get("/a", says(""), "n").get("/b", says(""), "n"); }),
                HasSubstr("\"n\""));
    EXPECT_THAT(route_error([](Application& app) { app.get("/{a", says("")); }), HasSubstr("/{a"));
    EXPECT_THAT(route_error([](Application& app) { app.get("/(", says("")); }), HasSubstr("/("));
    EXPECT_THAT(route_error([](Application& app) { app.get("/(a)/(?P<b>c)", says("")); }), HasSubstr("/(a)/(?P<b>c)"));
    EXPECT_THAT(route_error([](Application& app) { app.route(http::Method::kOther, "/a", says("")); }),
                HasSubstr("/a"));
    EXPECT_THAT(route_error([](Application& app) { (void)app.reverse_url("nobody"); }), HasSubstr("nobody"));
    EXPECT_EQ(route_error([](Application& app) { app.get("/a", says(""), "n").post("/a", says("")); }), "no error");
}

TEST(Application, AFailedAdditionLeavesItAsItWas) {
    Application app;
    app.get("/a", says("a"), "n");
    EXPECT_THROW(app.post("/a", says("p"), "n"), RouteError);
    EXPECT_THROW(app.get("/{b", says("b")), RouteError);
    app.get("/c", says("c"));
    WebClient client(app);
    EXPECT_EQ(client.get("/a").body, "a");
    EXPECT_EQ(client.get("/c").body, "c");
    EXPECT_EQ(client.post("/a", "").status, 405);
}

// --- Errors -----------------------------------------------------------------------------------------------------

void add_failing(Application& app) {
    app.get("/gone", []() -> Response { throw HttpError(410, "moved <out>\r\nForged: 1"); });
    app.get("/broken", []() -> Response { throw std::runtime_error("secret <b>&'\""); });
    app.get("/later", []() -> Task<Response> {
        co_await yield();
        throw std::runtime_error("later secret");
    });
    app.get("/number", []() -> Response { throw 7; });
    app.get("/unknown-status", []() -> Response { throw HttpError(499); });
    app.get("/bad-status", [] { return Response(42, "x"); });
    app.get("/begun", [] {
        return Response::stream([](BodyWriter& writer) -> Task<void> {
            co_await writer.write("the beginning");
            throw std::runtime_error("in the middle");
        });
    });
}

TEST(ApplicationErrors, HttpErrorIsItsStatusAndAWarning) {
    Application app;
    add_failing(app);
    WebClient client(app);
    support::Answer answer = client.get("/gone?x=1");
    EXPECT_EQ(answer.status, 410);
    EXPECT_EQ(answer.body, "<html><title>410: Gone</title><body>410: Gone</body></html>");
    EXPECT_THAT(client.log("application"),
                ElementsAre("GET /gone?x=1 (pipe): HTTP 410: Gone (moved <out>\\x0d\\x0aForged: 1)"));
    EXPECT_THAT(client.log("access"), ElementsAre(MatchesRegex(R"(410 GET /gone\?x=1 \(pipe\) 0\.00ms)")));
    EXPECT_EQ(client.get("/unknown-status").status, 499);
}

TEST(ApplicationErrors, AnyExceptionIs500WithoutDetails) {
    Application app;
    add_failing(app);
    WebClient client(app);
    constexpr const char* kPage =
        "<html><title>500: Internal Server Error</title><body>500: Internal Server Error</body></html>";
    for (std::string_view path : {"/broken", "/later", "/number", "/bad-status"}) {
        support::Answer answer = client.get(path);
        EXPECT_EQ(answer.status, 500) << path;
        EXPECT_EQ(answer.body, kPage) << path;
        EXPECT_EQ(answer.head.find("secret"), std::string::npos);
    }
    EXPECT_THAT(client.log("application"),
                ElementsAre("Uncaught exception GET /broken (pipe): secret <b>&'\"",
                            "Uncaught exception GET /later (pipe): later secret",
                            "Uncaught exception GET /number (pipe): an exception that is no std::exception",
                            HasSubstr("status is 200 to 599")));
    EXPECT_EQ(client.log("access").size(), 4u);
    EXPECT_FALSE(client.closed_by_server());
}

TEST(ApplicationErrors, DebugModeShowsDetailsEscaped) {
    Application app;
    add_failing(app);
    app.debug(true);
    EXPECT_TRUE(app.debug());
    WebClient client(app);
    EXPECT_THAT(client.get("/broken").body, HasSubstr("<pre>secret &lt;b&gt;&amp;&#39;&quot;</pre>"));
    EXPECT_THAT(client.get("/gone").body, HasSubstr("<pre>HTTP 410: Gone (moved &lt;out&gt;\r\nForged: 1)</pre>"));
    EXPECT_THAT(client.get("/later").body, HasSubstr("later secret"));
    EXPECT_THAT(client.get("/nowhere").body, Not(HasSubstr("<pre>")));
}

TEST(ApplicationErrors, AnExceptionAfterTheResponseHasBegunClosesTheConnection) {
    Application app;
    add_failing(app);
    WebClient client(app);
    support::Answer answer = client.get("/begun");
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "the beginning");
    EXPECT_FALSE(answer.complete);
    EXPECT_TRUE(client.closed_by_server());
    EXPECT_THAT(client.log("application"), ElementsAre(HasSubstr("in the middle")));
}

TEST(ApplicationErrors, AParameterThatIsNoUtf8Is400) {
    Application app;
    app.get("/u/{name}", [](Request& request) { return Response(request.param("name")); });
    WebClient client(app);
    for (std::string_view path : {"/u/%ff", "/u/%c3%28", "/u/%ed%a0%80", "/u/%c0%af"}) {
        EXPECT_EQ(client.get(path).status, 400) << path;
    }
    EXPECT_EQ(client.get("/u/%c3%a9").body, "é");
}

TEST(ApplicationErrors, AccessLogShowsTheTargetAsReceived) {
    Application app({{"/", says("x")}});
    WebClient client(app);
    client.get("/?%0aforged%20line%7b%7d");
    EXPECT_THAT(client.log("access"), ElementsAre(HasSubstr("200 GET /?%0aforged%20line%7b%7d (pipe) ")));
}

TEST(ApplicationErrors, AClientThatLeavesIs499InTheLog) {
    Event gate;
    Application app;
    app.get("/waits", [&gate]() -> Task<Response> {
        co_await gate.wait();
        co_return "never";
    });
    app.get("/streams", [&gate] {
        return Response::stream([&gate](BodyWriter& writer) -> Task<void> {
            co_await writer.write("a");
            co_await gate.wait();
        });
    });
    for (std::string path : {"/waits", "/streams"}) {
        WebClient client(app);
        client.send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
        client.leave();
        EXPECT_THAT(client.log("access"), ElementsAre(MatchesRegex("499 GET " + path + ".*"))) << path;
        EXPECT_THAT(client.log("application"), ElementsAre());
    }
}

}  // namespace
}  // namespace caropig::web
