#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/json.h>

#include <string>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::Answer;
using support::WebClient;

/// Sends back what it could read.
void add_echo(Application& app) {
    app.post("/", [](Request& request) { return json_response(parse_json(request)); });
}

TEST(Json, ResponseHasTornadosContentType) {
    Application app;
    app.get("/", [] { return json_response({{"message", "Hello, World!"}}); });
    app.get("/status", [] { return json_response(nullptr, 404); });
    WebClient client(app);
    Answer answer = client.get("/");
    EXPECT_EQ(answer.body, R"({"message":"Hello, World!"})");
    EXPECT_EQ(answer.field("Content-Type"), "application/json; charset=UTF-8");
    EXPECT_EQ(client.get("/status").status, 404);
    EXPECT_EQ(client.get("/status").body, "null");
    EXPECT_THROW((void)json_response(nullptr, 99), std::invalid_argument);
}

TEST(Json, BodiesAreRead) {
    Application app;
    add_echo(app);
    WebClient client(app);
    for (std::string_view text : {R"({"a":[1,-2,3.5E0,true,false,null,"x"]})", "1", "\"\"", "[]", "{}", R"("成功")"}) {
        EXPECT_EQ(client.post("/", text).body, text);
    }
    EXPECT_EQ(client.post("/", " [ 1 , 2 ] \n").body, "[1,2]");
}

TEST(Json, WhatIsNoneIs400) {
    Application app;
    add_echo(app);
    WebClient client(app);
    for (std::string_view text : {"", "{", "[1,]", "{\"a\"}", "nul", "'a'", "[1] 2", "\"\x01\"", "\"\xff\"",
                                  "\"\\ud800\"", "// no\n1", "NaN", "{a:1}", "01",
                                  "\xEF\xBB\xBF"
                                  "1"}) {
        Answer answer = client.post("/", text);
        EXPECT_EQ(answer.status, 400) << text;
        EXPECT_EQ(answer.body, "<html><title>400: Bad Request</title><body>400: Bad Request</body></html>");
    }
    EXPECT_FALSE(client.closed_by_server());
}

TEST(Json, NestingIsLimitedTo32) {
    Application app;
    add_echo(app);
    WebClient client(app);
    auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(client.post("/", nested(32)).status, 200);
    EXPECT_EQ(client.post("/", nested(33)).status, 400);
    EXPECT_EQ(client.post("/", std::string(1000000, '[')).status, 400);
    std::string objects;
    for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
    EXPECT_EQ(client.post("/", objects).status, 400);
}

}  // namespace
}  // namespace caropig::web
