#include "support/web_client.h"
#include <caropig/db/error.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/web/application.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;

Response plain_function(Request& request) { return Response::text("plain " + std::string(request.path())); }
Response no_parameter() { return Response::text("none"); }
Task<Response> coroutine(Request& request) {
    std::string path(request.path());
    co_await yield();
    co_return Response::text("later " + path + " " + std::string(request.path()));
}
Task<std::string> text_later() {
    co_await yield();
    co_return "text later";
}
const char* literal() { return "literal"; }
std::string_view view(Request& request) { return request.query(); }
std::string owned(const Request& request) { return "owned " + std::string(request.query()); }

class Page : public RequestHandler {
public:
    Task<void> get() override {
        write("page");
        co_return;
    }
};

TEST(Handlers, AllFormsAnswer) {
    Application app;
    app.get("/plain", plain_function).get("/none", no_parameter).get("/coroutine", coroutine);
    app.get("/text-later", text_later).get("/literal", literal).get("/view", view).get("/owned", owned);
    app.get("/pointer", &plain_function).add<Page>("/class");
    WebClient client(app);
    EXPECT_EQ(client.get("/plain").body, "plain /plain");
    EXPECT_EQ(client.get("/none").body, "none");
    EXPECT_EQ(client.get("/coroutine").body, "later /coroutine /coroutine");
    EXPECT_EQ(client.get("/text-later").body, "text later");
    EXPECT_EQ(client.get("/literal").body, "literal");
    EXPECT_EQ(client.get("/view?q").body, "q");
    EXPECT_EQ(client.get("/owned?o").body, "owned o");
    EXPECT_EQ(client.get("/pointer").body, "plain /pointer");
    EXPECT_EQ(client.get("/class").body, "page");
}

TEST(Handlers, TextIsHtmlAsInTornado) {
    Application app;
    app.get("/literal", literal).get("/text-later", text_later).get("/plain", plain_function).add<Page>("/class");
    WebClient client(app);
    for (std::string_view path : {"/literal", "/text-later", "/class"}) {
        EXPECT_EQ(client.get(path).field("Content-Type"), "text/html; charset=UTF-8") << path;
    }
    EXPECT_EQ(client.get("/plain").field("Content-Type"), "text/plain; charset=UTF-8");
}

TEST(Handlers, TheApplicationOwnsACoroutineLambdaWithItsCaptures) {
    auto alive = std::make_shared<std::string>("captured text that is too long for the small string buffer");
    std::weak_ptr<std::string> watch = alive;
    {
        Application app;
        {
            auto lambda = [alive = std::move(alive), own = std::string(100, 'o')](Request& request) -> Task<Response> {
                co_await yield();
                co_return *alive + own + std::string(request.query());
            };
            app.get("/x", std::move(lambda));
        }
        WebClient client(app);
        EXPECT_EQ(client.get("/x?1").body, *watch.lock() + std::string(100, 'o') + "1");
        EXPECT_EQ(client.get("/x?2").body, *watch.lock() + std::string(100, 'o') + "2");
        EXPECT_FALSE(watch.expired());
    }
    EXPECT_TRUE(watch.expired());
}

TEST(Handlers, OneHandlerMayStandForSeveralRoutes) {
    int calls = 0;
    Handler handler = [&calls] { return Response::text(std::to_string(++calls)); };
    Application app;
    app.get("/a", handler).post("/b", handler);
    WebClient client(app);
    EXPECT_EQ(client.get("/a").body, "1");
    EXPECT_EQ(client.post("/b", "").body, "2");
}

TEST(Handlers, MayOwnWhatCanOnlyBeMoved) {
    Application app;
    app.get("/x", [only = std::make_unique<std::string>("moved")] { return Response(*only); });
    WebClient client(app);
    EXPECT_EQ(client.get("/x").body, "moved");
}

TEST(Handlers, AFunctionFindsTheBodyRead) {
    Application app;
    app.post("/echo", [](Request& request) { return Response(request.body()); });
    WebClient client(app);
    EXPECT_EQ(client.post("/echo", "").body, "");
    EXPECT_EQ(client.post("/echo", "text").body, "text");
    std::string large(300000, 'L');
    EXPECT_EQ(client.post("/echo", large).body, large);
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    std::size_t before = client.received().size();
    client.send("3\r\ncde\r\n0\r\n\r\n");
    EXPECT_TRUE(client.received().substr(before).ends_with("\r\n\r\nabcde"));
}

TEST(Handlers, ACoroutineReadsTheBodyItselfWholeOrInPieces) {
    Application app;
    app.post("/whole", [](Request& request) -> Task<Response> {
        std::string before = request.body().empty() ? "unread " : "read ";
        co_await request.read_whole_body();
        co_return before + std::string(request.body());
    });
    app.post("/pieces", [](Request& request) -> Task<Response> {
        std::size_t size = 0;
        while (auto piece = co_await request.read_body()) size += piece->size();
        co_return std::to_string(size);
    });
    app.post("/unread", [](Request&) -> Task<Response> { co_return "not read"; });
    WebClient client(app);
    EXPECT_EQ(client.post("/whole", "body").body, "unread body");
    EXPECT_EQ(client.post("/pieces", std::string(200000, 'p')).body, "200000");
    EXPECT_EQ(client.post("/unread", "GET /whole HTTP/1.1\r\n\r\n").body, "not read") << "a body is no request";
    EXPECT_EQ(client.post("/whole", "next").body, "unread next");
}

TEST(Handlers, ABodyThatIsTooLargeIs413ForEveryForm) {
    Application app;
    app.post("/function", [](Request& request) { return Response(request.body()); });
    app.post("/coroutine", [](Request& request) -> Task<Response> {
        co_await request.read_whole_body();
        co_return "read";
    });
    app.post("/more", [](Request& request) -> Task<Response> {
        request.set_max_body_bytes(100);
        co_await request.read_whole_body();
        co_return "read";
    });
    class Form : public RequestHandler {
    public:
        Task<void> post() override {
            write("read");
            co_return;
        }
    };
    app.add<Form>("/class");
    auto options = server::ServerOptions().max_body_bytes(10);
    for (std::string_view path : {"/function", "/coroutine", "/class"}) {
        WebClient client(app, options);
        EXPECT_EQ(client.post(path, "12345678901").status, 413) << path;
        EXPECT_TRUE(client.closed_by_server()) << path;
        EXPECT_THAT(client.log("access"), testing::ElementsAre(testing::HasSubstr("413 POST"))) << path;
        EXPECT_EQ(WebClient(app, options).post(path, "1234567890").status, 200) << path;
    }
    EXPECT_EQ(WebClient(app, options).post("/more", "12345678901").body, "read");
}

TEST(Handlers, ARequestThatWaitsKeepsItsOwnHead) {
    Event gate;
    Application app;
    app.get("/wait/{name}", [&gate](Request& request) -> Task<Response> {
        std::string_view name = request.param("name");
        std::string_view field = request.header("X-Field").value_or("");
        co_await gate.wait();
        co_return std::string(name) + " " + std::string(field) + " " + std::string(request.query());
    });
    app.get("/{any}", [] { return "other"; });
    WebClient client(app);
    client.send("GET /wait/first?query HTTP/1.1\r\nHost: a\r\nX-Field: value\r\n\r\nGET /overwrites HTTP/1.1\r\n");
    client.send("Host: a\r\nX-Overwritten: yes\r\n\r\n");
    gate.set();
    client.loop().run_ready();
    auto answers = support::parse_answers(client.received());
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].body, "first value query");
    EXPECT_EQ(answers[1].body, "other");
}

TEST(Handlers, ARequestThatWaitsKeepsItsParameters) {
    Event gate;
    Application app;
    auto show = [&gate](Request& request) -> Task<Response> {
        co_await gate.wait();
        std::string text;
        for (std::size_t i = 0; i < request.param_count(); ++i) text += "[" + std::string(request.param(i)) + "]";
        co_return Response::text(text);
    };
    app.get("/none", show).get("/one/{a}", show).get("/five/{a}/{b}/{c}/{d}/{e}", show).get("/path/{a:path}", show);
    app.get("/groups/(x)?(y)?", show);
    const std::string lengthy(100, 'l');
    const std::vector<std::pair<std::string, std::string>> cases{
        {"/none", ""},
        {"/one/a", "[a]"},
        {"/one/%C3%A9" + lengthy, "[\xC3\xA9" + lengthy + "]"},
        {"/five/1/2/3/4/5", "[1][2][3][4][5]"},
        {"/five/1/%32/3/%34%35/" + lengthy, "[1][2][3][45][" + lengthy + "]"},
        {"/path/", "[]"},
        {"/groups/y", "[][y]"},
    };
    app.get("/other/{a}/{b}/{c}/{d}", [] { return "other"; });
    for (const auto& [target, expected] : cases) {
        gate.clear();
        WebClient client(app);
        client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
        WebClient meanwhile(app);
        EXPECT_EQ(meanwhile.get("/other/%77/%78/%79/" + lengthy + lengthy).body, "other");
        gate.set();
        client.loop().run_ready();
        auto answers = support::parse_answers(client.received());
        ASSERT_EQ(answers.size(), 1u) << target;
        EXPECT_EQ(answers[0].body, expected) << target;
    }
}

TEST(Handlers, ADatabaseThatIsDownIs503AndAMistakeIs500) {
    using Kind = db::Error::Kind;
    Kind kind = Kind::kUnavailable;
    Application app;
    app.get("/", [&kind]() -> Response { throw db::Error(kind, "mariadb db:3306/shop", "SELECT 1", "it says why"); });
    WebClient client(app);
    for (Kind down : {Kind::kUnavailable, Kind::kTimeout, Kind::kBroken}) {
        kind = down;
        support::Answer answer = client.get("/");
        EXPECT_EQ(answer.status, 503);
        EXPECT_EQ(answer.field("Retry-After"), "1");
        EXPECT_THAT(answer.body, testing::Not(testing::HasSubstr("shop")));
        EXPECT_THAT(client.log("application").back(),
                    testing::HasSubstr("mariadb db:3306/shop: SELECT 1: it says why"));
    }
    app.get("/full", []() -> Response { throw ThreadPoolFull("the queue of the thread pool is full"); });
    EXPECT_EQ(client.get("/full").status, 503);
    for (Kind mistake : {Kind::kStatement, Kind::kConstraint, Kind::kConflict}) {
        kind = mistake;
        support::Answer answer = client.get("/");
        EXPECT_EQ(answer.status, 500);
        EXPECT_EQ(answer.field("Retry-After"), std::nullopt);
    }
}

}  // namespace
}  // namespace caropig::web
