#include "support/web_client.h"
#include <caropig/web/application.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;

/// Shows what arguments are called "a": the one, and all, between brackets.
void add_arguments(Application& app) {
    auto show = [](Request& request) {
        std::string text = "[" + request.get_argument("a") + "]";
        for (const std::string& value : request.get_arguments("a")) text += " [" + value + "]";
        return Response::text(text);
    };
    app.get("/", show).post("/", show);
    auto separate = [](Request& request) {
        std::string text = "query";
        for (const std::string& value : request.get_query_arguments("a")) text += " [" + value + "]";
        text += " body";
        for (const std::string& value : request.get_body_arguments("a")) text += " [" + value + "]";
        return Response::text(text);
    };
    app.get("/separate", separate).post("/separate", separate);
    app.get("/fallback", [](Request& request) { return Response::text(request.get_argument("a", "fallback")); });
}

// --- Tornado's get_argument() and get_arguments() on a query ------------------------------------------------------

struct QueryCase {
    std::string name;
    std::string query;
    std::optional<std::string> shown;  // nothing: 400

    friend void PrintTo(const QueryCase& each, std::ostream* out) {
        for (char c : each.query) *out << (c == ';' ? ',' : c);  // a semicolon would split CMake's list of tests
    }
};

class QueryArguments : public testing::TestWithParam<QueryCase> {};

TEST_P(QueryArguments, AreTornados) {
    Application app;
    add_arguments(app);
    WebClient client(app);
    support::Answer answer = client.get("/?" + GetParam().query);
    EXPECT_EQ(answer.status, GetParam().shown ? 200 : 400);
    if (GetParam().shown) {
        EXPECT_EQ(answer.body, *GetParam().shown);
    }
    WebClient poster(app);  // a bad target has closed the first connection
    support::Answer form = poster.post_form("/", GetParam().query);
    EXPECT_EQ(form.status, answer.status) << "a form's body follows the same rules";
    if (GetParam().shown) {
        EXPECT_EQ(form.body, *GetParam().shown);
    }
}

INSTANTIATE_TEST_SUITE_P(Request, QueryArguments,
                         testing::ValuesIn(std::vector<QueryCase>{
                             {"One", "a=1", "[1] [1]"},
                             {"TheLastWins", "a=1&a=2&b=3&a=4", "[4] [1] [2] [4]"},
                             {"Missing", "b=1", std::nullopt},
                             {"Nothing", "", std::nullopt},
                             {"OtherCase", "A=1", std::nullopt},
                             {"EmptyValue", "a=", "[] []"},
                             {"NameAlone", "a", "[] []"},
                             {"EmptyPieces", "&&a=1&&", "[1] [1]"},
                             {"SemicolonSeparatesNothing", "a=1;a=2", "[1;a=2] [1;a=2]"},
                             {"SecondEquals", "a=1=2", "[1=2] [1=2]"},
                             {"EncodedName", "%61=1", "[1] [1]"},
                             {"EncodedSeparators", "a=1%262%3D3", "[1&2=3] [1&2=3]"},
                             {"PlusIsSpace", "a=1+2", "[1 2] [1 2]"},
                             {"EncodedPlus", "a=1%2B2", "[1+2] [1+2]"},
                             {"DecodedOnce", "a=%2541", "[%41] [%41]"},
                             {"Stripped", "a=++1%09%0A%0D%0B%0C", "[1] [1]"},
                             {"OnlySpace", "a=+%20+", "[] []"},
                             {"UnicodeSpaceStripped", "a=%C2%A0%E3%80%801%E2%80%89%C2%85", "[1] [1]"},
                             {"ZeroWidthSpaceIsNone", "a=%E2%80%8B1",
                              "[\xE2\x80\x8B"
                              "1] [\xE2\x80\x8B"
                              "1]"},
                             {"NewlinesInsideStay", "a=1%0D%0A2", "[1\r\n2] [1\r\n2]"},
                             {"ControlsAreSpaces", "a=1%002%082%1F3", "[1 2 2 3] [1 2 2 3]"},
                             {"ControlsAtTheEndsGo", "a=%00x%1B", "[x] [x]"},
                             {"DeleteStays", "a=%7F", "[\x7f] [\x7f]"},
                             {"Utf8", "a=%E6%88%90%E5%8A%9F", "[成功] [成功]"},
                             {"BadUtf8", "a=%FF", std::nullopt},
                             {"OverlongUtf8", "a=%C0%AF", std::nullopt},
                             {"Surrogate", "a=%ED%A0%80", std::nullopt},
                             {"BadUtf8Elsewhere", "a=1&b=%FF", std::nullopt},
                             {"BadEscape", "a=%zz", std::nullopt},
                             {"CutEscape", "a=%4", std::nullopt},
                         }),
                         [](const auto& test) { return test.param.name; });

TEST(RequestArguments, TheQueryComesBeforeTheBody) {
    Application app;
    add_arguments(app);
    WebClient client(app);
    EXPECT_EQ(client.post_form("/?a=q1&a=q2", "a=b1&a=b2").body, "[b2] [q1] [q2] [b1] [b2]");
    EXPECT_EQ(client.post_form("/?a=q", "b=1").body, "[q] [q]");
    EXPECT_EQ(client.post_form("/separate?a=q", "a=b").body, "query [q] body [b]");
}

TEST(RequestArguments, OnlyAFormsBodyHasArguments) {
    Application app;
    add_arguments(app);
    WebClient client(app);
    auto shown = [&](std::string_view type) { return client.post_form("/separate", "a=b", type).body; };
    constexpr const char* kForm = "query body [b]";
    EXPECT_EQ(shown("application/x-www-form-urlencoded; charset=UTF-8"), kForm);
    EXPECT_EQ(shown("application/x-www-form-urlencoded;charset=UTF-8"), kForm);
    EXPECT_EQ(shown("application/x-www-form-urlencoded ; charset=UTF-8"), kForm);
    EXPECT_EQ(shown("Application/X-WWW-Form-URLencoded"), kForm);
    for (std::string_view type : {"text/plain", "application/json", "multipart/mixed; boundary=a",
                                  "application/x-www-form-urlencodedness", "", ";"}) {
        EXPECT_EQ(shown(type), "query body") << type;
    }
    EXPECT_EQ(client.post("/separate", "a=b").body, "query body");
}

TEST(RequestArguments, MissingIs400AndSaysWhichInTheLogOnly) {
    Application app;
    add_arguments(app);
    WebClient client(app);
    support::Answer answer = client.get("/");
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.body, "<html><title>400: Bad Request</title><body>400: Bad Request</body></html>");
    EXPECT_THAT(client.log("application"), testing::ElementsAre(testing::HasSubstr("Missing argument a")));
    EXPECT_EQ(client.get("/fallback").body, "fallback");
    EXPECT_EQ(client.get("/fallback?a=").body, "") << "present, though empty";
    EXPECT_EQ(client.get("/fallback?a=x").body, "x");
    EXPECT_EQ(client.get("/fallback?a=%ff").status, 400);
}

TEST(RequestArguments, MoreThanAFormCouldHaveAre413) {
    Application app;
    add_arguments(app);
    WebClient client(app);
    std::string form = "a=1";
    for (int i = 1; i < 10000; ++i) form += "&b";
    EXPECT_EQ(client.post_form("/", form).body, "[1] [1]");
    EXPECT_EQ(client.post_form("/", form + "&b").status, 413);
}

// --- Parameters, fields and the rest ------------------------------------------------------------------------------

TEST(RequestParameters, AreDecodedAfterMatching) {
    Application app;
    app.get("/u/{name}/{n:int}", [](Request& request) {
        return Response::text(std::string(request.param("name")) + "|" + std::string(request.param(1)) + "|" +
                              std::to_string(request.param_count()));
    });
    app.get("/none", [](Request& request) { return std::to_string(request.param_count()); });
    WebClient client(app);
    EXPECT_EQ(client.get("/u/a%2Fb/7").body, "a/b|7|2") << "an encoded slash separates nothing";
    EXPECT_EQ(client.get("/u/a%20b+c/7").body, "a b+c|7|2");
    EXPECT_EQ(client.get("/u/%2e%2e/7").body, "..|7|2");
    EXPECT_EQ(client.get("/u/%252F/7").body, "%2F|7|2");
    EXPECT_EQ(client.get("/u/a?b/7").status, 404);
    EXPECT_EQ(client.get("/none").body, "0");
}

TEST(RequestParametersDeathTest, OneThatTheRouteLacksIsAMistake) {
    Application app;
    app.get("/{a}", [](Request& request) { return Response(request.param("b")); });
    app.get("/x/{a}", [](Request& request) { return Response(request.param(1)); });
    EXPECT_DEATH(WebClient(app).get("/1"), "no parameter of that name");
    EXPECT_DEATH(WebClient(app).get("/x/1"), "not so many parameters");
}

TEST(Request, ShowsTheHead) {
    Application app;
    app.get("/show/{x}", [](Request& request) {
        std::string text = std::string(request.method_text()) + "|" + std::string(request.path()) + "|" +
                           std::string(request.query()) + "|" + std::string(request.target()) + "|" +
                           std::string(request.host()) + "|" + request.remote_ip();
        text += "|" + std::string(request.header("x-FIELD").value_or("none"));
        text += "|" + std::to_string(request.headers().get_all("X-Field").size());
        return Response::text(text + (request.method() == http::Method::kGet ? "|get" : ""));
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/show/%41?q=%41?", "X-Field: one\r\nx-field: two\r\n").body,
              "GET|/show/%41|q=%41?|/show/%41?q=%41?|test|pipe|one|2|get");
}

}  // namespace
}  // namespace caropig::web
