#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/response.h>

#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using namespace std::string_literals;
using support::Answer;
using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;

/// What a client gets when a handler returns what `make` makes.
template <class Make>
Answer answer_of(Make make) {
    Application app;
    app.get("/", make);
    return WebClient(app).get("/");
}

TEST(Response, RefusesWhatCouldEndALine) {
    Response response;
    for (const std::string& value :
         {"a\r\nSet-Cookie: x"s, "a\nb"s, "a\rb"s, "a\0b"s, "\r\n\r\n<html>"s, "a\x01"s, "\x7f"s}) {
        EXPECT_THROW(response.header("X-A", value), std::invalid_argument);
        EXPECT_THROW(response.add_header("X-A", value), std::invalid_argument);
        EXPECT_THROW(response.content_type(value), std::invalid_argument);
        EXPECT_THROW(response.header("Content-Type", value), std::invalid_argument);
        EXPECT_THROW((void)Response::redirect(value), std::invalid_argument);
    }
    for (const std::string& name : {""s, "a b"s, "a:"s, "a\r\nb"s, "a\0"s, "\xc3\xa9"s, " a"s, "a\t"s, "(a)"s}) {
        EXPECT_THROW(response.header(name, "x"), std::invalid_argument) << name;
        EXPECT_THROW(response.add_header(name, "x"), std::invalid_argument) << name;
    }
    EXPECT_TRUE(response.headers().empty()) << "a refused field leaves nothing behind";
}

TEST(Response, ARefusedContentTypeLeavesTheOneBefore) {
    Answer answer = answer_of([] {
        Response response("x");
        try {
            response.content_type("text/plain\r\nX-Forged: 1");
        } catch (const std::invalid_argument&) {
            return response;
        }
        return Response(500, "accepted");
    });
    EXPECT_EQ(answer.field("Content-Type"), "text/html; charset=UTF-8");
    EXPECT_EQ(answer.field("X-Forged"), std::nullopt);
}

TEST(Response, RefusesTheFieldsThatFrameTheMessage) {
    Response response;
    for (std::string_view name :
         {"Content-Length", "content-length", "Transfer-Encoding", "TRANSFER-ENCODING", "Connection", "Keep-Alive"}) {
        EXPECT_THROW(response.header(name, "1"), std::invalid_argument) << name;
        EXPECT_THROW(response.add_header(name, "1"), std::invalid_argument) << name;
    }
    EXPECT_TRUE(response.headers().empty());
}

TEST(Response, StatusIsFrom200To599) {
    for (int status : {-1, 0, 42, 100, 101, 199, 600, 1000}) {
        EXPECT_THROW(Response().status(status), std::invalid_argument) << status;
        EXPECT_THROW(Response(status, "x"), std::invalid_argument) << status;
        EXPECT_THROW((void)Response::text("x", status), std::invalid_argument) << status;
    }
    EXPECT_EQ(Response(200, "").status(), 200);
    EXPECT_EQ(Response(599, "").status(), 599);
    EXPECT_EQ(Response().status(), 200);
}

TEST(Response, ContentTypes) {
    auto type_of = [](auto make) { return answer_of(make).field("Content-Type"); };
    EXPECT_EQ(type_of([] { return Response("x"); }), "text/html; charset=UTF-8");
    EXPECT_EQ(type_of([] { return Response::text("x"); }), "text/plain; charset=UTF-8");
    EXPECT_EQ(type_of([] { return std::move(Response("x").content_type("image/png")); }), "image/png");
    EXPECT_EQ(type_of([] { return std::move(Response("x").content_type("")); }), std::nullopt);
    EXPECT_EQ(type_of([] { return std::move(Response("x").header("Content-Type", "a/b")); }), "a/b");
    EXPECT_EQ(type_of([] { return std::move(Response("x").remove_header("Content-Type")); }), std::nullopt);
    Answer twice = answer_of([] {
        Response response("x");
        response.header("Content-Type", "a/b").add_header("Content-Type", "c/d").static_content_type("e/f");
        return response;
    });
    EXPECT_THAT(twice.head, HasSubstr("Content-Type: e/f\r\n"));
    EXPECT_EQ(twice.head.find("a/b"), std::string::npos);
    EXPECT_EQ(twice.head.find("c/d"), std::string::npos) << "there is one content type";
}

TEST(Response, FieldsAndBody) {
    Answer answer = answer_of([] {
        Response response(404, "not ");
        response.append("here").header("X-A", "1").header("X-A", " 2 ").add_header("X-B", "1").add_header("X-B", "2");
        response.header("X-C", "1").remove_header("x-c");
        return response;
    });
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(answer.body, "not here");
    EXPECT_EQ(answer.field("X-A"), "2");
    EXPECT_THAT(answer.head, HasSubstr("X-B: 1\r\nX-B: 2\r\n"));
    EXPECT_EQ(answer.field("X-C"), std::nullopt);
    EXPECT_EQ(answer_of([] { return Response(""); }).field("Content-Length"), "0");
    EXPECT_EQ(answer_of([] { return Response("a\0b"s); }).body, "a\0b"s);
}

TEST(Response, Redirects) {
    Answer answer = answer_of([] { return Response::redirect("https://example.org/?a=b"); });
    EXPECT_EQ(answer.status, 302);
    EXPECT_EQ(answer.field("Location"), "https://example.org/?a=b");
    EXPECT_EQ(answer_of([] { return Response::redirect("/x", true); }).status, 301);
}

// --- Streams ------------------------------------------------------------------------------------------------------

Task<void> write_pieces(BodyWriter& writer) {
    for (std::string_view piece : {"one ", "", "two ", "three"}) {
        co_await writer.write(piece);
        co_await yield();
    }
}

TEST(ResponseStream, OfUnknownLengthIsChunked) {
    Answer answer = answer_of([] { return Response::stream(write_pieces); });
    EXPECT_EQ(answer.body, "one two three");
    EXPECT_EQ(answer.field("Transfer-Encoding"), "chunked");
    EXPECT_EQ(answer.field("Content-Length"), std::nullopt);
    EXPECT_TRUE(answer.complete) << "an empty piece does not end it";
}

TEST(ResponseStream, OfKnownLength) {
    Answer answer = answer_of([] { return Response::stream(13, write_pieces); });
    EXPECT_EQ(answer.body, "one two three");
    EXPECT_EQ(answer.field("Content-Length"), "13");
    EXPECT_EQ(answer.field("Transfer-Encoding"), std::nullopt);
}

TEST(ResponseStream, TooShortOrTooLongClosesTheConnection) {
    for (std::uint64_t length : {12, 14}) {
        Application app;
        app.get("/", [length] { return Response::stream(length, write_pieces); });
        WebClient client(app);
        Answer answer = client.get("/");
        EXPECT_FALSE(answer.complete) << length;
        EXPECT_TRUE(client.closed_by_server()) << length;
        EXPECT_LE(answer.body.size(), length) << "nothing is sent beyond the length";
        EXPECT_THAT(client.log("application"), ElementsAre(HasSubstr("Content-Length")));
    }
}

TEST(ResponseStream, FromACoroutineHandler) {
    Answer answer = answer_of([]() -> Task<Response> {
        co_await yield();
        Response response = Response::stream(write_pieces);
        response.status(203).content_type("text/csv").header("X-A", "1");
        co_return response;
    });
    EXPECT_EQ(answer.status, 203);
    EXPECT_EQ(answer.field("Content-Type"), "text/csv");
    EXPECT_EQ(answer.field("X-A"), "1");
    EXPECT_EQ(answer.body, "one two three");
}

TEST(ResponseStream, HeadDoesNotRunTheProducer) {
    int runs = 0;
    Application app;
    app.get("/", [&runs] {
        return Response::stream(1000, [&runs](BodyWriter& writer) -> Task<void> {
            ++runs;
            std::string body(1000, 'x');
            co_await writer.write(body);
        });
    });
    WebClient client(app);
    Answer answer = client.head("/");
    EXPECT_EQ(answer.field("Content-Length"), "1000");
    EXPECT_EQ(runs, 0);
    EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
    EXPECT_EQ(client.get("/").body.size(), 1000u);
    EXPECT_EQ(runs, 1);
}

TEST(ResponseStream, CapturesLiveUntilItsEnd) {
    auto text = std::make_shared<std::string>(200, 't');
    std::weak_ptr<std::string> watch = text;
    Application app;
    app.get("/", [&text] {
        return Response::stream([own = std::exchange(text, nullptr)](BodyWriter& writer) -> Task<void> {
            co_await yield();
            co_await writer.write(*own);
        });
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/").body, std::string(200, 't'));
    EXPECT_TRUE(watch.expired());
}

TEST(ResponseStream, WaitsForASlowClient) {
    std::size_t written = 0;
    Application app;
    app.get("/", [&written] {
        return Response::stream([&written](BodyWriter& writer) -> Task<void> {
            std::string piece(1000, 'p');
            for (int i = 0; i < 100; ++i) {
                co_await writer.write(piece);
                written += piece.size();
            }
        });
    });
    WebClient client(app, {}, 512);
    Answer answer = client.get("/");
    EXPECT_EQ(answer.body.size(), 100000u) << "pieces larger than the pipe arrive whole";
    EXPECT_EQ(written, 100000u);
}

TEST(Response, SharedBodiesAreKeptUntilTheyAreSent) {
    auto text = std::make_shared<const std::string>(200'000, 'x');
    Application app;
    app.get("/whole", [&text] { return Response::shared(*text, text); });
    app.get("/part", [&text] { return Response::shared(std::string_view(*text).substr(0, 10), text); });
    support::WebClient client(app, {}, 1000);  // so small a pipe takes the body in many pieces
    std::string both = "GET /whole HTTP/1.1\r\nHost: a\r\n\r\nGET /part HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(both + both);
    auto answers = support::parse_answers(client.received());
    ASSERT_EQ(answers.size(), 4u);
    for (std::size_t i : {0, 2}) {
        EXPECT_TRUE(answers[i].body == *text);
        EXPECT_EQ(answers[i + 1].body, text->substr(0, 10));
    }
    EXPECT_EQ(text.use_count(), 1) << "nobody holds it any longer";
    support::Answer head = client.head("/whole");
    EXPECT_EQ(head.field("Content-Length"), "200000");
}

TEST(Response, SharedBodiesOfClientsThatLeaveAreGivenBack) {
    auto text = std::make_shared<const std::string>(200'000, 'x');
    std::weak_ptr<const std::string> watched = text;
    Application app;
    app.get("/", [text = std::move(text)]() mutable {
        std::string_view view = *text;
        return Response::shared(view, std::move(text));
    });
    testkit::TestLoop loop;
    server::Server server(loop, app);
    auto [near, far] = net::memory_pipe(loop, 1000);
    auto serving = loop.start(server.serve(std::move(far)));
    auto send = [](net::Stream& stream) -> Task<void> {
        co_await stream.write(as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    };
    loop.start(send(*near)).result();
    EXPECT_FALSE(watched.expired()) << "most of it waits for the client";
    near->close();
    loop.run_ready();
    EXPECT_TRUE(serving.done());
    EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace caropig::web
