#include "support/web_client.h"
#include <caropig/http/headers.h>
#include <caropig/net/stream.h>
#include <caropig/web/application.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using support::WebClient;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kOffer = "Connection: upgrade\r\nUpgrade: other, lines\r\n";
std::string offer(std::string_view path) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(kOffer) + "\r\n";
}

Task<void> give_back(net::Stream& stream) {
    std::array<std::byte, 64> buffer;
    while (std::size_t size = co_await stream.read_some(buffer)) {
        co_await stream.write(ConstBytes(buffer).first(size));
        if (as_text(ConstBytes(buffer).first(size)) == "bye\n") co_return;
    }
}

Response plain(Request& request) {
    Response response = Response::upgrade(request, "lines", give_back);
    response.header("X-Said", "so");
    return response;
}
Task<Response> coroutine(Request& request) {
    co_await yield();
    co_return plain(request);
}

class Lines : public RequestHandler {
public:
    Task<void> get() override {
        set_header("X-Said", "so");
        net::Stream* stream = co_await upgrade("lines");
        co_await give_back(*stream);
    }
};

class Misuse : public RequestHandler {
public:
    explicit Misuse(std::string* errors) : errors_(*errors) {}
    Task<void> get() override {
        net::Stream* stream = co_await upgrade("lines");
        for (int i = 0; i < 4; ++i) {
            try {
                if (i == 0) set_status(200);
                if (i == 1) write("text");
                if (i == 2) finish();
                if (i == 3) {
                    Task<void> flushing = flush();
                    co_await std::move(flushing);
                }
            } catch (const std::logic_error&) {
                errors_ += std::to_string(i);
            }
        }
        co_await stream->write(as_bytes("ok"));
    }

private:
    std::string& errors_;
};

void add_all(Application& app) { app.get("/plain", plain).get("/coroutine", coroutine).add<Lines>("/class"); }

TEST(Upgrade, EveryFormOfHandlerSpeaksAnotherProtocol) {
    for (const char* path : {"/plain", "/coroutine", "/class"}) {
        Application app;
        app.compress();
        add_all(app);
        WebClient client(app);
        client.send(offer(path) + "one\n");
        EXPECT_EQ(
            client.received(),
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: lines\r\nX-Said: so\r\n\r\none\n")
            << path;
        client.send("GET / HTTP/1.1\r\n\r\n");
        EXPECT_THAT(client.received(), HasSubstr("\r\n\r\none\nGET / HTTP/1.1\r\n\r\n"));
        EXPECT_THAT(client.log("access"), ElementsAre());
        client.send("bye\n");
        EXPECT_TRUE(client.closed_by_server());
        EXPECT_THAT(client.log("access"), ElementsAre(StartsWith("101 GET " + std::string(path))))
            << "once, at its end";
    }
}

TEST(Upgrade, WhoDoesNotOfferItIsTold) {
    for (const char* path : {"/plain", "/coroutine", "/class"}) {
        Application app;
        add_all(app);
        WebClient client(app);
        for (const char* fields : {"", "Upgrade: lines\r\n", "Connection: upgrade\r\nUpgrade: other\r\n"}) {
            auto answer = client.get(path, fields);
            EXPECT_EQ(answer.status, 426) << path << fields;
            EXPECT_EQ(answer.field("Upgrade"), "lines");
            EXPECT_EQ(answer.field("Connection"), "upgrade") << "RFC 9110 7.8";
            EXPECT_EQ(answer.body, "this needs an upgrade to lines\n");
        }
    }
}

TEST(Upgrade, AHandlerThatIsCancelledIsLoggedOnce) {
    for (const char* path : {"/plain", "/class"}) {
        Application app;
        add_all(app);
        WebClient client(app);
        client.send(offer(path));
        client.leave();
        EXPECT_THAT(client.log("access"), ElementsAre(StartsWith("101 GET " + std::string(path))));
    }
}

TEST(Upgrade, NothingIsAnsweredAfterIt) {
    std::string errors;
    Application app;
    app.add<Misuse>("/misuse", &errors);
    WebClient client(app);
    client.send(offer("/misuse"));
    EXPECT_EQ(errors, "0123");
    EXPECT_THAT(client.received(), testing::EndsWith("\r\n\r\nok"));
}

// --- Interim responses and trailers

TEST(Interim, EveryFormOfHandlerMaySendEarlyHints) {
    http::Headers hints;
    hints.add("Link", "</pig.css>; rel=preload; as=style");
    class Hinting : public RequestHandler {
    public:
        explicit Hinting(const http::Headers* hints) : hints_(*hints) {}
        Task<void> get() override {
            request().inform(103, hints_);
            write("page");
            co_return;
        }

    private:
        const http::Headers& hints_;
    };
    Application app;
    app.get("/plain", [&hints](Request& request) {
        request.inform(103, hints);
        return Response::text("page");
    });
    app.get("/coroutine", [&hints](Request& request) -> Task<Response> {
        request.inform(103, hints);
        co_await yield();
        co_return Response::text("page");
    });
    app.add<Hinting>("/class", &hints);
    WebClient client(app);
    for (const char* path : {"/plain", "/coroutine", "/class"}) {
        std::size_t before = client.received().size();
        client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_THAT(
            client.received().substr(before),
            StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </pig.css>; rel=preload; as=style\r\n\r\nHTTP/1.1 200"));
    }
    const std::size_t before = client.received().size();
    client.send("GET /plain HTTP/1.0\r\n\r\n");
    EXPECT_THAT(client.received().substr(before), StartsWith("HTTP/1.1 200")) << "1.0 knows none";
}

TEST(Interim, ItsMistakesAreExceptions) {
    std::string errors;
    Application app;
    app.get("/", [&errors](Request& request) {
        for (int status : {100, 101, 200}) {
            try {
                request.inform(status, {});
            } catch (const std::invalid_argument&) {
                errors += "s";
            }
        }
        return Response::stream([&errors, &request](BodyWriter&) -> Task<void> {
            try {
                request.inform(103, {});
            } catch (const std::logic_error&) {
                errors += "l";
            }
            co_return;
        });
    });
    WebClient client(app);
    EXPECT_EQ(client.get("/").status, 200);
    EXPECT_THAT(errors, StartsWith("sss"));
}

TEST(Trailers, OfTheRequestAreThereOnceItsBodyWasRead) {
    Application app;
    app.post("/plain", [](Request& request) {
        return Response::text(std::string(request.trailers().find("X-Sum").value_or("none")));
    });
    app.post("/coroutine", [](Request& request) -> Task<Response> {
        std::string before(request.trailers().find("X-Sum").value_or("none"));
        co_await request.read_whole_body();
        co_return Response::text(before + " " + std::string(request.trailers().find("X-Sum").value_or("none")));
    });
    WebClient client(app);
    const std::string body = "\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\nHost: evil\r\n\r\n";
    client.send("POST /plain HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + body);
    EXPECT_THAT(client.received(), testing::EndsWith("\r\n\r\n6"));
    client.send("POST /coroutine HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + body);
    EXPECT_THAT(client.received(), testing::EndsWith("\r\n\r\nnone 6"));
}

Task<void> write_summed(BodyWriter& writer) {
    co_await writer.write("abc");
    writer.add_trailer("X-Sum", "6");
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Host", "Set-Cookie"}) {
        EXPECT_THROW(writer.add_trailer(name, "1"), std::invalid_argument) << name;
    }
    EXPECT_THROW(writer.add_trailer("X", "a\r\nb"), std::invalid_argument);
}

class Summed : public RequestHandler {
public:
    Task<void> get() override {
        write("abc");
        co_await flush();
        add_trailer("X-Sum", "6");
    }
};

TEST(Trailers, FollowAStreamedBody) {
    Application app;
    app.get("/function", [] { return Response::stream(write_summed); });
    app.get("/length", [] { return Response::stream(3, write_summed); });
    app.add<Summed>("/class");
    for (const char* path : {"/function", "/class"}) {
        WebClient client(app);
        client.send("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        EXPECT_THAT(client.received(), testing::EndsWith("\r\n3\r\nabc\r\n0\r\nX-Sum: 6\r\n\r\n")) << path;
    }
    WebClient client(app);
    client.send("GET /length HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_THAT(client.received(), testing::EndsWith("\r\n\r\nabc"));
}

}  // namespace
}  // namespace caropig::web
