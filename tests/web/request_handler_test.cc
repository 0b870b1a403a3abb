#include "support/web_client.h"
#include <caropig/loop/timer.h>
#include <caropig/web/application.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Steps = std::vector<std::string>;

/// A handler whose steps a test gives, and which writes down what was called.
struct Script {
    std::function<Task<void>(class Scripted&)> prepare;
    std::function<Task<void>(class Scripted&)> get;
    std::function<void(class Scripted&, int)> write_error;
    Steps steps;
};

class Scripted : public RequestHandler {
public:
    explicit Scripted(Script* script) : script_(*script) { script_.steps.emplace_back("made"); }
    ~Scripted() override { script_.steps.emplace_back("destroyed"); }

    Task<void> prepare() override {
        script_.steps.push_back("prepare" + std::string(request().body().empty() ? "" : " with the body"));
        if (script_.prepare) co_await script_.prepare(*this);
    }
    Task<void> get() override {
        script_.steps.emplace_back("get");
        if (script_.get) co_await script_.get(*this);
    }
    Task<void> post() override {
        script_.steps.emplace_back("post");
        write(request().body());
        co_return;
    }
    void on_finish() noexcept override { script_.steps.emplace_back("on_finish"); }
    void write_error(int status, const std::exception_ptr& error) override {
        script_.steps.push_back("write_error " + std::to_string(status));
        if (script_.write_error) return script_.write_error(*this, status);
        RequestHandler::write_error(status, error);
    }

    using RequestHandler::add_header, RequestHandler::clear_header, RequestHandler::finish, RequestHandler::finished,
        RequestHandler::flush, RequestHandler::get_argument, RequestHandler::get_arguments, RequestHandler::param,
        RequestHandler::redirect, RequestHandler::request, RequestHandler::set_header, RequestHandler::set_status,
        RequestHandler::status, RequestHandler::write;

private:
    Script& script_;
};

using Step = std::function<Task<void>(Scripted&)>;

/// A step that does not wait.
Step at_once(std::function<void(Scripted&)> action) {
    return [action = std::move(action)](Scripted& handler) -> Task<void> {
        action(handler);
        co_return;
    };
}

/// An application with one scripted handler.
struct Talk {
    explicit Talk(Step get = {}, Step prepare = {}) : script{std::move(prepare), std::move(get), {}, {}} {
        app.add<Scripted>("/", &script);
        client.emplace(app);
    }
    support::Answer get() { return client->get("/"); }

    Script script;
    Application app;
    std::optional<WebClient> client;
};

// --- Order --------------------------------------------------------------------------------------------------------

TEST(RequestHandler, GoesThroughTornadosSteps) {
    Talk talk(at_once([](Scripted& handler) { handler.write("got"); }));
    EXPECT_EQ(talk.get().body, "got");
    EXPECT_THAT(talk.script.steps, ElementsAre("made", "prepare", "get", "on_finish", "destroyed"));
}

TEST(RequestHandler, IsMadeAnewForEachRequest) {
    class Counting : public RequestHandler {
    public:
        explicit Counting(std::string text) : text_(std::move(text)) {}
        Task<void> get() override {
            write(text_ + std::to_string(++calls_));
            co_return;
        }

    private:
        std::string text_;
        int calls_ = 0;
    };
    Application app;
    app.add<Counting>("/a", std::string("a")).add_named<Counting>("/b/{x}", "b", std::string("b"));
    WebClient client(app);
    EXPECT_EQ(client.get("/a").body, "a1");
    EXPECT_EQ(client.get("/a").body, "a1");
    EXPECT_EQ(client.get("/b/1").body, "b1");
    EXPECT_EQ(app.reverse_url("b", 3), "/b/3");
}

TEST(RequestHandler, AMethodThatIsNotOverriddenIs405BeforeAnythingElse) {
    Talk talk;
    support::Answer answer = talk.client->request("PUT", "/", "", "body");
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.field("Allow"), "GET, HEAD, POST");
    EXPECT_THAT(talk.script.steps, IsEmpty());
}

TEST(RequestHandler, MethodsOverriddenInABaseCount) {
    class Base : public RequestHandler {
    public:
        Task<void> del() override {
            write("deleted");
            co_return;
        }
    };
    class Derived : public Base {
    public:
        Task<void> head() override {
            set_header("X-Head", "1");
            co_return;
        }
    };
    Application app;
    app.add<Derived>("/");
    WebClient client(app);
    EXPECT_EQ(client.request("DELETE", "/").body, "deleted");
    EXPECT_EQ(client.head("/").field("X-Head"), "1");
    EXPECT_EQ(client.get("/").field("Allow"), "HEAD, DELETE");
}

TEST(RequestHandler, PrepareFindsTheBody) {
    Talk talk;
    EXPECT_EQ(talk.client->post("/", "body").body, "body");
    EXPECT_THAT(talk.script.steps, ElementsAre("made", "prepare with the body", "post", "on_finish", "destroyed"));
}

TEST(RequestHandler, HeadIsGetWithoutTheBody) {
    Talk talk(at_once([](Scripted& handler) { handler.write("12345"); }));
    support::Answer answer = talk.client->head("/");
    EXPECT_EQ(answer.field("Content-Length"), "5");
    EXPECT_THAT(talk.script.steps, ElementsAre("made", "prepare", "get", "on_finish", "destroyed"));
}

TEST(RequestHandler, NoMethodFollowsWhenPrepareFinished) {
    Talk talk({}, at_once([](Scripted& handler) {
                  handler.set_status(403);
                  handler.finish("not you");
                  EXPECT_TRUE(handler.finished());
              }));
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 403);
    EXPECT_EQ(answer.body, "not you");
    EXPECT_THAT(talk.script.steps, ElementsAre("made", "prepare", "on_finish", "destroyed"));
}

TEST(RequestHandler, PrepareMayWait) {
    Talk talk(at_once([](Scripted& handler) { handler.write("get"); }), [](Scripted& handler) -> Task<void> {
        co_await sleep_for(std::chrono::seconds(1));
        handler.write("prepared, ");
    });
    EXPECT_EQ(talk.get().status, 0);
    talk.client->loop().advance(std::chrono::seconds(1));
    EXPECT_THAT(talk.client->received(), HasSubstr("\r\n\r\nprepared, get"));
    EXPECT_THAT(talk.client->log("access"), ElementsAre(HasSubstr("1000.00ms")));
}

// --- Errors -------------------------------------------------------------------------------------------------------

TEST(RequestHandlerErrors, InEachStep) {
    Step fail = at_once([](Scripted& handler) {
        handler.set_header("X-Half", "done");
        handler.write("half");
        throw HttpError(418, "tea");
    });
    for (bool in_prepare : {true, false}) {
        Talk talk(in_prepare ? Step() : fail, in_prepare ? fail : Step());
        support::Answer answer = talk.get();
        EXPECT_EQ(answer.status, 418);
        EXPECT_EQ(answer.field("X-Half"), std::nullopt) << "what was made so far is dropped";
        EXPECT_THAT(answer.body, testing::StartsWith("<html><title>418: "));
        EXPECT_EQ(answer.body.find("tea"), std::string::npos);
        Steps expected{"made", "prepare", "get", "write_error 418", "on_finish", "destroyed"};
        if (in_prepare) expected.erase(expected.begin() + 2);
        EXPECT_EQ(talk.script.steps, expected);
        EXPECT_THAT(talk.client->log("application"), ElementsAre(HasSubstr("(tea)")));
        EXPECT_THAT(talk.client->log("access"), ElementsAre(HasSubstr("418 GET /")));
    }
}

TEST(RequestHandlerErrors, FinishIsNone) {
    Step finish = at_once([](Scripted& handler) {
        handler.set_status(202);
        handler.write("as it is");
        throw Finish();
    });
    for (bool in_prepare : {true, false}) {
        Talk talk(in_prepare ? Step() : finish, in_prepare ? finish : Step());
        support::Answer answer = talk.get();
        EXPECT_EQ(answer.status, 202);
        EXPECT_EQ(answer.body, "as it is");
        Steps expected{"made", "prepare", "get", "on_finish", "destroyed"};
        if (in_prepare) expected.erase(expected.begin() + 2);
        EXPECT_EQ(talk.script.steps, expected);
        EXPECT_THAT(talk.client->log("application"), IsEmpty());
    }
}

TEST(RequestHandlerErrors, InTheConstructor) {
    class Fails : public RequestHandler {
    public:
        Fails() { throw std::runtime_error("no handler"); }
        Task<void> get() override { co_return; }
    };
    Application app;
    app.add<Fails>("/");
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 500);
    EXPECT_THAT(client.log("application"), ElementsAre(HasSubstr("no handler")));
}

TEST(RequestHandlerErrors, DebugShowsThemEscaped) {
    Talk talk(at_once([](Scripted&) { throw std::runtime_error("<script>"); }));
    talk.app.debug(true);
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("<pre>&lt;script&gt;</pre>"));
}

TEST(RequestHandlerErrors, WriteErrorMakesThePage) {
    Talk talk(at_once([](Scripted&) { throw HttpError(404); }));
    talk.script.write_error = [](Scripted& handler, int status) {
        handler.set_header("Content-Type", "application/json");
        handler.write("{\"status\":" + std::to_string(status) + "}");  // finish() is not needed
    };
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, "{\"status\":404}");
    EXPECT_EQ(answer.field("Content-Type"), "application/json");
}

TEST(RequestHandlerErrors, AWriteErrorThatFailsIsAPlain500) {
    Talk talk(at_once([](Scripted&) { throw HttpError(404); }));
    talk.script.write_error = [](Scripted&, int) { throw std::runtime_error("again"); };
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, HasSubstr("500: Internal Server Error"));
    EXPECT_THAT(talk.client->log("application"), ElementsAre(HasSubstr("404"), HasSubstr("again")));
    EXPECT_THAT(talk.script.steps, testing::Contains("on_finish"));
}

TEST(RequestHandlerErrors, WritingAfterFinishIsAMistake) {
    for (const auto& mistake : std::vector<std::function<void(Scripted&)>>{
             [](Scripted& handler) { handler.write("more"); }, [](Scripted& handler) { handler.finish(); },
             [](Scripted& handler) { handler.redirect("/x"); }}) {
        bool refused = false;
        Talk talk(at_once([&](Scripted& handler) {
            handler.finish("all");
            try {
                mistake(handler);
            } catch (const std::logic_error&) {
                refused = true;
            }
        }));
        talk.get();
        EXPECT_TRUE(refused);
    }
}

TEST(RequestHandlerErrors, ClientGoneWhileTheHandlerWaits) {
    Event gate;
    for (bool in_prepare : {true, false}) {
        Step wait = [&gate](Scripted&) -> Task<void> { co_await gate.wait(); };
        Talk talk(in_prepare ? Step() : wait, in_prepare ? wait : Step());
        talk.client->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        talk.client->leave();
        Steps expected{"made", "prepare", "get", "on_finish", "destroyed"};
        if (in_prepare) expected.erase(expected.begin() + 2);
        EXPECT_EQ(talk.script.steps, expected) << "on_finish() follows a cancellation too, write_error() does not";
        EXPECT_THAT(talk.client->log("access"), ElementsAre(HasSubstr("499 GET /")));
    }
}

TEST(RequestHandlerErrors, AfterAFlushTheConnectionIsClosed) {
    Talk talk([](Scripted& handler) -> Task<void> {
        handler.write("begun");
        co_await handler.flush();
        throw HttpError(404);
    });
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "begun");
    EXPECT_FALSE(answer.complete);
    EXPECT_TRUE(talk.client->closed_by_server());
    EXPECT_THAT(talk.script.steps, ElementsAre("made", "prepare", "get", "on_finish", "destroyed"));
}

// --- The response -------------------------------------------------------------------------------------------------

TEST(RequestHandlerResponse, FlushSendsChunks) {
    Talk talk([](Scripted& handler) -> Task<void> {
        handler.set_status(201);
        handler.set_header("X-A", "1");
        handler.write("one ");
        co_await handler.flush();
        co_await handler.flush();
        handler.write("two ");
        co_await sleep_for(std::chrono::seconds(1));
        handler.write("three");
        co_await handler.flush();
        handler.finish(" four");
    });
    talk.get();
    EXPECT_TRUE(talk.client->received().ends_with("\r\n\r\n4\r\none \r\n")) << talk.client->received();
    talk.client->loop().advance(std::chrono::seconds(1));
    auto answers = support::parse_answers(talk.client->received());
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].status, 201);
    EXPECT_EQ(answers[0].field("X-A"), "1");
    EXPECT_EQ(answers[0].body, "one two three four");
    EXPECT_TRUE(answers[0].complete);
    EXPECT_THAT(talk.client->log("access"), ElementsAre(HasSubstr("201 GET /")));
}

TEST(RequestHandlerResponse, TheHeadCantChangeAfterAFlush) {
    int refused = 0;
    Talk talk([&](Scripted& handler) -> Task<void> {
        co_await handler.flush();
        for (const auto& change :
             std::vector<std::function<void()>>{[&] { handler.set_status(404); }, [&] { handler.set_header("A", "b"); },
                                                [&] { handler.add_header("A", "b"); },
                                                [&] { handler.clear_header("A"); }, [&] { handler.redirect("/"); }}) {
            try {
                change();
            } catch (const std::logic_error&) {
                ++refused;
            }
        }
        handler.write("goes on");
    });
    EXPECT_EQ(talk.get().body, "goes on");
    EXPECT_EQ(refused, 5);
}

TEST(RequestHandlerResponse, FlushOnHeadSendsNoBody) {
    Talk talk([](Scripted& handler) -> Task<void> {
        handler.write("one");
        co_await handler.flush();
        handler.write("two");
    });
    talk.client->head("/");
    EXPECT_TRUE(talk.client->received().ends_with("\r\n\r\n")) << talk.client->received();
    EXPECT_EQ(talk.get().body, "onetwo");
}

TEST(RequestHandlerResponse, Redirects) {
    for (bool permanent : {false, true}) {
        Talk talk(at_once([&](Scripted& handler) { handler.redirect("/next?x=1", permanent); }));
        support::Answer answer = talk.get();
        EXPECT_EQ(answer.status, permanent ? 301 : 302);
        EXPECT_EQ(answer.field("Location"), "/next?x=1");
        EXPECT_EQ(answer.body, "");
    }
}

TEST(RequestHandlerResponse, ARedirectThatWouldEndALineIs500) {
    Talk talk(at_once([](Scripted& handler) { handler.redirect("/a\r\nSet-Cookie: stolen=1"); }));
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(talk.client->received().find("stolen"), std::string::npos);
}

TEST(RequestHandlerResponse, FieldsAreSetAddedAndCleared) {
    Talk talk(at_once([](Scripted& handler) {
        handler.set_header("X-A", "1");
        handler.set_header("x-a", "2");
        handler.add_header("X-B", "1");
        handler.add_header("X-B", "2");
        handler.set_header("X-C", "1");
        handler.clear_header("X-C");
        handler.set_status(299);
        EXPECT_EQ(handler.status(), 299);
    }));
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 299);
    EXPECT_THAT(answer.head, HasSubstr("\r\nx-a: 2\r\n"));
    EXPECT_THAT(answer.head, HasSubstr("\r\nX-B: 1\r\nX-B: 2\r\n"));
    EXPECT_EQ(answer.head.find("X-C"), std::string::npos);
}

TEST(RequestHandlerResponse, StatusHasBounds) {
    Talk talk(at_once([](Scripted& handler) {
        for (int status : {-1, 0, 100, 101, 199, 600, 999, 1000}) {
            EXPECT_THROW(handler.set_status(status), std::invalid_argument) << status;
        }
        for (int status : {200, 599}) handler.set_status(status);
        handler.set_status(204);
        handler.write("a body that 204 may not have");
    }));
    support::Answer answer = talk.get();
    EXPECT_EQ(answer.status, 204);
    EXPECT_TRUE(talk.client->received().ends_with("\r\n\r\n"));
}

TEST(RequestHandlerResponse, ParametersAndArgumentsAreAtHand) {
    Script script;
    script.get = at_once([](Scripted& handler) {
        handler.write(std::string(handler.param("a")) + std::string(handler.param(1)) + handler.get_argument("q") +
                      handler.get_argument("none", "-") + std::to_string(handler.get_arguments("q").size()));
    });
    Application app;
    app.add<Scripted>("/{a}/{b}", &script);
    WebClient client(app);
    EXPECT_EQ(client.get("/1/2?q=3&q=4").body, "124-2");
    EXPECT_EQ(client.get("/1/2").status, 400);
}

}  // namespace
}  // namespace caropig::web
