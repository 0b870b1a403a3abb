#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/json.h>
#include <caropig/web/json_struct.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {

struct Address {
    std::string street;
    std::optional<std::string> city;
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, city))

struct User {
    std::string name;
    std::uint8_t age = 0;
    bool admin = false;
    std::optional<double> height;
    std::vector<Address> addresses;
};
BOOST_DESCRIBE_STRUCT(User, (), (name, age, admin, height, addresses))

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

// Both are made of the same words.
#define EXPECT_SAME_AS_THE_VALUE(...) \
    EXPECT_EQ(json_response(__VA_ARGS__).body(), boost::json::serialize(boost::json::value(__VA_ARGS__)))

TEST(Json, SpelledOutIsTheSameAsTheValue) {
    const std::string text(100, 't');
    const boost::json::array list{1, 2.5, "three"};
    EXPECT_SAME_AS_THE_VALUE({{"text", text}, {"list", list}, {"nested", {{"a", nullptr}, {"b", {true, false}}}}});
    EXPECT_EQ(json_response({{"a", 1}}, 201).status(), 201);
    EXPECT_EQ(json_response({"a", "b", 3}).body(), R"(["a","b",3])");
    EXPECT_EQ(json_response({}).body(), "{}");
}

TEST(Json, SpelledOutTakesWhatValuesAreMadeOf) {
    const std::string text = "te\"xt";
    const std::string_view view = "a\tview\x01";
    const char* const pointer = "pointer";
    const boost::json::value value{{"of", "the library"}};
    const boost::json::object object{{"members", 2}};
    const boost::json::array array{"elements", 2};
    const boost::json::string string = "of the library";
    EXPECT_SAME_AS_THE_VALUE({text, view, pointer, std::string("temporary"), value, object, array, string, nullptr});
    EXPECT_SAME_AS_THE_VALUE({{text, text}, {view, view}, {pointer, pointer}, {string, string}, {"", ""}});
    EXPECT_SAME_AS_THE_VALUE({{"value", value}, {"object", object}, {"array", array}, {"json", boost::json::value(7)}});
    EXPECT_SAME_AS_THE_VALUE({true, false, 0, -1, 1U, 0.0, -0.0, 0.1, 1e300, 1.5F});
    EXPECT_SAME_AS_THE_VALUE({std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                              std::numeric_limits<std::uint64_t>::max(), std::int8_t{-128}, std::uint8_t{255},
                              std::int16_t{-32768}, std::uint16_t{65535}, 'c'});
}

TEST(Json, SpelledOutListsAreObjectsByTheLibrarysRule) {
    EXPECT_SAME_AS_THE_VALUE({{"a", 1}});
    EXPECT_SAME_AS_THE_VALUE({{"a", 1}, {"b", 2, 3}});
    EXPECT_SAME_AS_THE_VALUE({{"a", 1}, {2, "b"}});
    EXPECT_SAME_AS_THE_VALUE({{"a", "b"}, "c"});
    EXPECT_SAME_AS_THE_VALUE({{{"a", 1}}, {{"b", 2}}});
    EXPECT_SAME_AS_THE_VALUE({{"empty", {}}, {"array", {{}, {}}}});
    EXPECT_SAME_AS_THE_VALUE({{"deep", {{"deeper", {{"deepest", {1, {2, {3}}}}}}}}});
    EXPECT_SAME_AS_THE_VALUE({{"one", 1}, {"two", 2}, {"one", 3}, {"", 4}, {"", 5}});
    const boost::json::value text = "is no key as a value";
    EXPECT_SAME_AS_THE_VALUE({{text, 1}});
}

TEST(Json, TakesValuesThatLiveInOtherMemory) {
    unsigned char first[64];
    boost::json::monotonic_resource memory(first);
    boost::json::array list(&memory);
    for (int i = 0; i < 20; ++i) list.emplace_back(std::string(30, static_cast<char>(0x61 + i)));
    const std::string text = boost::json::serialize(list);
    EXPECT_EQ(json_response({{"list", list}}).body(), "{\"list\":" + text + "}");
    EXPECT_EQ(json_response(std::move(list)).body(), text);
}

// The string of one answer is used for the next.
TEST(Json, NothingOfAnAnswerIsLeftInTheNext) {
    Application app;
    app.get("/{size:uint}", [](Request& request) {
        return json_response({std::string(std::stoul(std::string(request.param("size"))), 'x')});
    });
    app.get("/plain", [] { return Response::text(std::string(1000, 'p')); });
    WebClient client(app);
    for (const std::size_t size : {10U, 300U, 5U, 100'000U, 4000U, 0U, 250U}) {
        EXPECT_EQ(client.get("/" + std::to_string(size)).body, "[\"" + std::string(size, 'x') + "\"]");
        EXPECT_EQ(client.get("/plain").body, std::string(1000, 'p'));
    }
}

TEST(Json, SpelledOutMayBeLarge) {
    const std::string text(100'000, 't');
    EXPECT_EQ(json_response({{"a", text}, {"b", text}}).body(), R"({"a":")" + text + R"(","b":")" + text + "\"}");
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
                                  "\"\\ud800\"", "// no\n1", "NaN", "{a:1}", "01", "\xEF\xBB\xBF\x31"}) {
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

TEST(Json, ErrorsSayWhere) {
    Application app;
    add_echo(app);
    WebClient client(app);
    (void)client.post("/", R"({"a": 1, x})");
    (void)client.post("/", "[1] 2");
    EXPECT_THAT(client.log("application"), testing::ElementsAre(testing::HasSubstr("no JSON: syntax error at byte 9"),
                                                                testing::HasSubstr("no JSON: extra data at byte 4")));
}

TEST(Json, HasOptions) {
    Application app;
    app.post("/", [](Request& request) {
        return json_response(parse_json(request, JsonOptions().max_depth(2).max_bytes(6).check_content_type()));
    });
    WebClient client(app);
    auto status = [&](std::string_view body, std::string_view type) {
        return client.post_form("/", body, type).status;
    };
    EXPECT_EQ(status("[[1]]", "application/json"), 200);
    EXPECT_EQ(status("[[[]]]", "application/json"), 400) << "three deep";
    EXPECT_EQ(status("[1234]", "application/json"), 200);
    EXPECT_EQ(status("[12345]", "application/json"), 413);
    EXPECT_EQ(status("1", "Application/JSON ; charset=utf-8"), 200);
    EXPECT_EQ(status("1", "application/problem+json"), 200);
    for (const char* type : {"text/plain", "application/jsonp", "+json", "", "text/plain; a=application/json"}) {
        EXPECT_EQ(status("1", type), 415) << type;
    }
    EXPECT_EQ(client.post("/", "1").status, 415);
}

TEST(Json, AMebibyteByDefault) {
    Application app;
    add_echo(app);
    const std::string text = "\"" + std::string(1024 * 1024 - 2, 'x') + "\"";
    EXPECT_EQ(WebClient(app).post("/", text).status, 200);
    EXPECT_EQ(WebClient(app).post("/", text + " ").status, 413);
}

TEST(JsonStruct, IsReadMemberByMember) {
    const auto user = json_to<User>(boost::json::parse(
        R"({"name":"n","age":7,"admin":true,"height":2,"addresses":[{"street":"s"},{"street":"t","city":"c"}],"x":1})"));
    EXPECT_EQ(user.name, "n");
    EXPECT_EQ(user.age, 7);
    EXPECT_TRUE(user.admin);
    EXPECT_EQ(user.height, 2.0);
    ASSERT_EQ(user.addresses.size(), 2U);
    EXPECT_EQ(user.addresses[0].city, std::nullopt);
    EXPECT_EQ(user.addresses[1].city, "c");
    EXPECT_EQ(
        json_to<User>(boost::json::parse(R"({"name":"n","age":7,"admin":true,"height":null,"addresses":[]})")).height,
        std::nullopt);
    EXPECT_EQ(json_to<std::vector<int>>(boost::json::parse("[1,2]")), (std::vector<int>{1, 2}));
}

TEST(JsonStruct, ErrorsNameTheMember) {
    auto error = [](std::string_view text) -> std::string {
        try {
            (void)json_to<User>(boost::json::parse(boost::json::string_view(text)));
        } catch (const HttpError& failure) {
            EXPECT_EQ(failure.status(), 400);
            return failure.what();
        }
        return "none";
    };
    auto with = [](std::string_view name, std::string_view age, std::string_view rest) {
        return "{\"name\":" + std::string(name) + ",\"age\":" + std::string(age) + std::string(rest) + "}";
    };
    const std::string kRest = R"(,"admin":true,"addresses":[])";
    EXPECT_EQ(error(with("\"n\"", "7", kRest)), "none");
    EXPECT_THAT(error("[]"), testing::HasSubstr("JSON: the document is no object"));
    EXPECT_THAT(error("{}"), testing::HasSubstr("JSON: name is missing"));
    EXPECT_THAT(error(with("null", "7", kRest)), testing::HasSubstr("JSON: name is no string"));
    for (const char* age : {"-1", "256", "1.5", "\"1\"", "null", "true"}) {
        EXPECT_THAT(error(with("\"n\"", age, kRest)), testing::HasSubstr("JSON: age is no integer of its range"))
            << age;
    }
    EXPECT_THAT(error(with("\"n\"", "7", R"(,"admin":1,"addresses":[])")),
                testing::HasSubstr("JSON: admin is neither true nor false"));
    EXPECT_THAT(error(with("\"n\"", "7", kRest + ",\"height\":\"x\"")),
                testing::HasSubstr("JSON: height is no number"));
    EXPECT_THAT(error(with("\"n\"", "7", R"(,"admin":true,"addresses":{})")),
                testing::HasSubstr("JSON: addresses is no array"));
    EXPECT_THAT(error(with("\"n\"", "7", R"(,"admin":true,"addresses":[{"street":"s"},{"street":1}])")),
                testing::HasSubstr("JSON: addresses[1].street is no string"));
}

TEST(JsonStruct, IsReadFromABody) {
    Application app;
    app.post("/", [](Request& request) { return parse_json_as<Address>(request).street; });
    WebClient client(app);
    EXPECT_EQ(client.post("/", R"({"street":"s"})").body, "s");
    EXPECT_EQ(client.post("/", R"({"city":"c"})").status, 400);
    EXPECT_EQ(client.post("/", "{").status, 400);
}

}  // namespace
}  // namespace caropig::web
