#include "http/content_coding.h"
#include "support/web_client.h"
#include <caropig/web/application.h>
#include <caropig/web/etag.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using http::ContentCoding;
using support::Answer;
using support::WebClient;

std::string text_of(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + "\n";
    text.resize(size);
    return text;
}

std::string decoded(const Answer& answer) {
    auto coding = http::parse_content_coding(answer.field("Content-Encoding").value_or("identity"));
    if (!coding) return "an unknown coding";
    if (*coding == ContentCoding::kIdentity) return answer.body;
    return http::decode_content(*coding, answer.body, 100'000'000).value_or("not of that coding");
}

Task<void> write_lines(BodyWriter& writer) {
    for (const char* line : {"one\n", "two\n", "three\n"}) co_await writer.write(line);
}

Application& routes(Application& app) {
    app.get("/text/{size:uint}",
            [](Request& request) { return Response(text_of(std::stoul(std::string(request.param("size"))))); });
    app.get("/later/{size:uint}", [](Request& request) -> Task<Response> {
        co_return Response::text(text_of(std::stoul(std::string(request.param("size")))));
    });
    app.get("/made-later",
            [] { return Response::later([]() -> Task<Response> { co_return Response(text_of(3000)); }); });
    app.get("/png", [] {
        Response response(text_of(5000));
        response.content_type("image/png");
        return response;
    });
    app.get("/coded", [] {
        Response response(text_of(5000));
        response.header("Content-Encoding", "x-own");
        return response;
    });
    app.get("/no-transform", [] {
        Response response(text_of(5000));
        response.header("Cache-Control", "private, no-transform");
        return response;
    });
    app.get("/etag/{kind}", [](Request& request) {
        Response response(text_of(5000));
        response.header("ETag", request.param("kind") == "weak" ? "W/\"a\"" : "\"a\"").header("Vary", "Cookie");
        return response;
    });
    app.get("/vary/{value}", [](Request& request) {
        Response response(text_of(5000));
        response.header("Vary", request.param("value"));
        return response;
    });
    app.get("/status/{status:int}",
            [](Request& request) { return Response(std::stoi(std::string(request.param("status"))), text_of(5000)); });
    app.get("/stream", [] { return Response::stream(write_lines); });
    app.get("/sized", [] { return Response::stream(14, write_lines); });
    app.get("/shared", [] {
        auto text = std::make_shared<const std::string>(text_of(20'000));
        return Response::shared(*text, text);
    });
    app.get("/throw-later", [] {
        return Response::later([]() -> Task<Response> {
            co_await yield();
            throw HttpError(418, "later");
        });
    });
    return app;
}

class Compression : public testing::Test {
protected:
    Application app_;
    WebClient client_{routes(app_.compress())};
};

TEST_F(Compression, IsOffUnlessAskedFor) {
    Application app;
    WebClient client(routes(app));
    Answer answer = client.get("/text/5000", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(answer.field("Vary"), std::nullopt);
    EXPECT_EQ(answer.body, text_of(5000));
}

TEST_F(Compression, EachCodingByPreference) {
    struct Row {
        std::string accepted;
        std::optional<std::string> coding;
    };
    for (const Row& row : std::vector<Row>{{"gzip", "gzip"},
                                           {"br", "br"},
                                           {"zstd", "zstd"},
                                           {"gzip, deflate, br, zstd", "br"},
                                           {"gzip, zstd;q=0.9", "gzip"},
                                           {"*;q=0.1", "br"},
                                           {"br;q=0, *", "zstd"},
                                           {"gzip;q=0", std::nullopt},
                                           {"identity", std::nullopt},
                                           {"identity, gzip;q=0.5", std::nullopt},
                                           {"deflate", std::nullopt},
                                           {"", std::nullopt}}) {
        for (const char* target : {"/text/5000", "/later/5000"}) {
            Answer answer = client_.get(target, "Accept-Encoding: " + row.accepted + "\r\n");
            EXPECT_EQ(answer.field("Content-Encoding"), row.coding) << row.accepted;
            EXPECT_EQ(answer.field("Vary"), "Accept-Encoding") << row.accepted;
            EXPECT_EQ(decoded(answer), text_of(5000)) << row.accepted;
            EXPECT_EQ(answer.field("Content-Length"), std::to_string(answer.body.size()));
        }
    }
}

TEST_F(Compression, FromOneKibibyteOn) {
    EXPECT_EQ(client_.get("/text/1023", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(client_.get("/text/1023", "Accept-Encoding: gzip\r\n").field("Vary"), "Accept-Encoding");
    EXPECT_EQ(client_.get("/text/1024", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), "gzip");
    Application app;
    WebClient client(routes(app.compress(CompressionOptions().min_bytes(10))));
    EXPECT_EQ(client.get("/text/9", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(client.get("/text/9", "Accept-Encoding: gzip\r\n").body, text_of(9));
    EXPECT_EQ(client.get("/text/500", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), "gzip");
}

TEST_F(Compression, LargeBodiesBecomeStreams) {
    for (const char* accept : {"gzip", "br", "zstd"}) {
        std::string fields = "Accept-Encoding: " + std::string(accept) + "\r\n";
        Answer at = client_.get("/text/65536", fields);
        EXPECT_EQ(at.field("Transfer-Encoding"), std::nullopt);
        EXPECT_TRUE(decoded(at) == text_of(65536));
        for (const char* path : {"/text/", "/later/"}) {
            Answer above = client_.get(path + std::string("1000000"), fields);
            EXPECT_EQ(above.field("Transfer-Encoding"), "chunked");
            EXPECT_TRUE(decoded(above) == text_of(1'000'000)) << accept;
        }
        EXPECT_EQ(client_.head("/text/1000000", fields).head, client_.get("/text/1000000", fields).head);
    }
    EXPECT_EQ(client_.get("/text/5").body, "line ") << "the connection goes on";
}

TEST_F(Compression, WhatIsLeftAlone) {
    for (const char* target : {"/png", "/coded", "/no-transform", "/sized", "/shared", "/status/206"}) {
        Answer answer = client_.get(target, "Accept-Encoding: gzip\r\n");
        EXPECT_NE(answer.field("Content-Encoding"), "gzip") << target;
        EXPECT_EQ(answer.field("Vary"), std::nullopt) << target;
    }
    for (const char* target : {"/status/204", "/status/304"}) {
        Answer answer = client_.get(target, "Accept-Encoding: gzip\r\n");
        EXPECT_EQ(answer.field("Content-Encoding"), std::nullopt) << target;
        EXPECT_EQ(answer.body, "");
    }
    EXPECT_EQ(client_.get("/status/500", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), "gzip");
    EXPECT_EQ(client_.get("/shared", "Accept-Encoding: gzip\r\n").body, text_of(20'000));
}

TEST_F(Compression, WhatDoesNotBecomeSmallerIsSentAsItIs) {
    Application app;
    WebClient client(routes(app.compress(CompressionOptions().min_bytes(0))));
    Answer answer = client.get("/text/5", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(answer.body, "line ");
}

TEST_F(Compression, HeadIsGetWithoutTheBody) {
    for (const char* target : {"/text/5000", "/text/10", "/stream", "/later/5000", "/made-later", "/etag/strong"}) {
        for (const char* fields : {"", "Accept-Encoding: gzip\r\n"}) {
            EXPECT_EQ(client_.head(target, fields).head, client_.get(target, fields).head) << target << fields;
        }
    }
}

TEST_F(Compression, EntityTagsBecomeWeak) {
    EXPECT_EQ(client_.get("/etag/strong", "Accept-Encoding: gzip\r\n").field("ETag"), "W/\"a\"");
    EXPECT_EQ(client_.get("/etag/weak", "Accept-Encoding: gzip\r\n").field("ETag"), "W/\"a\"");
    EXPECT_EQ(client_.get("/etag/strong").field("ETag"), "\"a\"") << "but of what is coded only";
}

TEST_F(Compression, VaryIsExtended) {
    EXPECT_EQ(client_.get("/etag/strong").field("Vary"), "Cookie, Accept-Encoding");
    EXPECT_EQ(client_.get("/vary/accept-encoding").field("Vary"), "accept-encoding");
    EXPECT_EQ(client_.get("/vary/*").field("Vary"), "*");
}

TEST_F(Compression, StreamsAreFlushedAtEachWrite) {
    Event go;
    Application app;
    app.compress();
    auto producer = [&go](BodyWriter& writer) -> Task<void> {
        co_await writer.write("first");
        co_await go.wait();
        co_await writer.write("second");
    };
    app.get("/", [&producer] { return Response::stream(std::ref(producer)); });
    for (const char* accept : {"gzip", "br", "zstd"}) {
        go.clear();
        WebClient client(app);
        client.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + std::string(accept) + "\r\n\r\n");
        auto answers = support::parse_answers(client.received());
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_FALSE(answers[0].complete);
        std::string text;
        auto decoder = http::make_decoder(*http::parse_content_coding(accept), 1000);
        ASSERT_TRUE(decoder->write(answers[0].body, text));
        EXPECT_EQ(text, "first") << accept << ": it is seen before the rest is made";
        go.set();
        client.loop().run_ready();
        answers = support::parse_answers(client.received());
        EXPECT_TRUE(answers[0].complete);
        EXPECT_EQ(decoded(answers[0]), "firstsecond");
        EXPECT_EQ(answers[0].field("Content-Length"), std::nullopt);
        EXPECT_EQ(answers[0].field("Vary"), "Accept-Encoding");
    }
}

TEST_F(Compression, StreamsWhateverTheirSize) {
    Answer answer = client_.get("/stream", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.field("Content-Encoding"), "gzip");
    EXPECT_EQ(decoded(answer), "one\ntwo\nthree\n");
    EXPECT_EQ(client_.get("/stream").body, "one\ntwo\nthree\n");
    EXPECT_EQ(client_.get("/stream", "Accept-Encoding: br, zstd, gzip\r\n").field("Content-Encoding"), "gzip")
        << "what holds the least memory while it lasts";
}

TEST(CompressionOptions, LevelsAreChecked) {
    EXPECT_NO_THROW(CompressionOptions().gzip_level(1).gzip_level(9).brotli_level(0).brotli_level(11));
    EXPECT_NO_THROW(CompressionOptions().zstd_level(1).zstd_level(12));
    for (int level : {0, 10, -1}) EXPECT_THROW(CompressionOptions().gzip_level(level), std::invalid_argument);
    for (int level : {-1, 12}) EXPECT_THROW(CompressionOptions().brotli_level(level), std::invalid_argument);
    for (int level : {0, 13}) EXPECT_THROW(CompressionOptions().zstd_level(level), std::invalid_argument);
}

TEST_F(Compression, ResponsesThatAreMadeLater) {
    EXPECT_EQ(decoded(client_.get("/made-later", "Accept-Encoding: br\r\n")), text_of(3000));
    EXPECT_EQ(client_.get("/made-later", "Accept-Encoding: br\r\n").field("Content-Encoding"), "br");
    EXPECT_EQ(client_.get("/throw-later").status, 418) << "what goes wrong then is answered like anything else";
}

/// Writes what the query says, one flush for each "part".
class PartsHandler : public RequestHandler {
public:
    Task<void> get() override {
        for (const std::string& part : get_arguments("part")) {
            write(part);
            co_await flush();
        }
        if (std::string size = get_argument("size", ""); !size.empty()) write(text_of(std::stoul(size)));
    }
};

TEST_F(Compression, RequestHandlers) {
    app_.add<PartsHandler>("/parts");
    std::string accept = "Accept-Encoding: gzip\r\n";
    Answer whole = client_.get("/parts?size=5000", accept);
    EXPECT_EQ(whole.field("Content-Encoding"), "gzip");
    EXPECT_EQ(decoded(whole), text_of(5000));
    EXPECT_TRUE(decoded(client_.get("/parts?size=200000", accept)) == text_of(200'000));
    Answer flushed = client_.get("/parts?part=a&part=b&size=10", accept);
    EXPECT_EQ(flushed.field("Content-Encoding"), "gzip");
    EXPECT_EQ(decoded(flushed), "ab" + text_of(10));
    EXPECT_EQ(client_.get("/parts?part=a&part=b&size=10").body, "ab" + text_of(10));
    EXPECT_EQ(client_.head("/parts?part=a", accept).head, client_.get("/parts?part=a", accept).head);
}

TEST(AutomaticETag, NamesTheContentAndAnswersNotModified) {
    Application app;
    app.add<PartsHandler>("/parts");
    app.get("/function", [](Request& request) {
        Response response("hello");
        set_etag_and_check(request, response);
        return response;
    });
    app.post("/function", [](Request& request) {
        Response response("hello");
        set_etag_and_check(request, response);
        return response;
    });
    app.get("/error", [](Request& request) {
        Response response(500, "hello");
        set_etag_and_check(request, response);
        return response;
    });
    WebClient client(app);
    const std::string etag = "\"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d\"";  // hashlib.sha1(b"hello")
    EXPECT_EQ(client.get("/function").field("ETag"), etag);
    EXPECT_EQ(client.head("/function").field("ETag"), etag);
    EXPECT_EQ(client.post("/function", "").field("ETag"), std::nullopt);
    EXPECT_EQ(client.get("/error").field("ETag"), std::nullopt);
    for (const std::string& list : {etag, "W/" + etag, "\"x\", " + etag, std::string("*")}) {
        Answer answer = client.get("/function", "If-None-Match: " + list + "\r\n");
        EXPECT_EQ(answer.status, 304) << list;
        EXPECT_EQ(answer.field("ETag"), etag);
        EXPECT_EQ(answer.field("Content-Type"), std::nullopt);
        EXPECT_EQ(answer.field("Content-Length"), std::nullopt);
    }
    EXPECT_EQ(client.get("/function", "If-None-Match: \"x\"\r\n").body, "hello");
    EXPECT_EQ(client.get("/function", "If-Match: \"x\"\r\n").status, 412);
    Answer whole = client.get("/parts?size=100");
    ASSERT_TRUE(whole.field("ETag"));
    EXPECT_EQ(client.get("/parts?size=100", "If-None-Match: " + *whole.field("ETag") + "\r\n").status, 304);
    EXPECT_EQ(client.get("/parts?part=a").field("ETag"), std::nullopt) << "its head was sent before its body was known";
}

TEST(AutomaticETag, AndCompressionTogether) {
    Application app;
    app.compress().add<PartsHandler>("/parts");
    WebClient client(app);
    std::string accept = "Accept-Encoding: gzip\r\n";
    Answer coded = client.get("/parts?size=5000", accept);
    Answer plain = client.get("/parts?size=5000");
    EXPECT_EQ(coded.field("ETag"), "W/" + *plain.field("ETag"));
    Answer unchanged = client.get("/parts?size=5000", accept + "If-None-Match: " + *coded.field("ETag") + "\r\n");
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_EQ(unchanged.field("ETag"), coded.field("ETag"));  // as the 200 would say
    EXPECT_EQ(unchanged.field("Vary"), coded.field("Vary"));
    EXPECT_EQ(unchanged.field("Content-Encoding"), std::nullopt);
}

class QuietHandler : public PartsHandler {
public:
    [[nodiscard]] bool wants_etag() const noexcept override { return false; }
};

class OwnTagHandler : public RequestHandler {
public:
    Task<void> get() override {
        set_header("ETag", "\"own\"");
        write("body");
        co_return;
    }
};

TEST(AutomaticETag, CanBeTurnedOffOrReplaced) {
    Application app;
    app.add<QuietHandler>("/quiet").add<OwnTagHandler>("/own");
    WebClient client(app);
    EXPECT_EQ(client.get("/quiet?size=100").field("ETag"), std::nullopt);
    EXPECT_EQ(client.get("/own").field("ETag"), "\"own\"");
    EXPECT_EQ(client.get("/own", "If-None-Match: \"own\"\r\n").status, 304);
}

}  // namespace
}  // namespace caropig::web
