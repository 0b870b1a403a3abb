#include "http/h1/writer.h"

#include "http/h1/body_decoder.h"
#include <caropig/http/headers.h>

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace caropig::http::h1 {
namespace {

constexpr std::string_view kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string response(const ResponseStart& start, const Headers& headers = {}) {
    std::string out;
    append_response(out, start, headers.wire(), kDate);
    return out;
}

TEST(Writer, CommonResponse) {
    ResponseStart start;
    start.content_length = 2;
    Headers headers;
    headers.add("Content-Type", "text/plain");
    EXPECT_EQ(
        response(start, headers),
        "HTTP/1.1 200 OK\r\nServer: CaroPig\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
        "Content-Length: 2\r\n\r\n");
}

TEST(Writer, AppendsBehindWhatIsThere) {
    std::string out = "before";
    append_response(out, {}, {}, {});
    append_response(out, {}, {}, {});
    const std::string one = "HTTP/1.1 200 OK\r\nServer: CaroPig\r\nContent-Length: 0\r\n\r\n";
    EXPECT_EQ(out, "before" + one + one);
}

TEST(Writer, WritesTheBodyThatIsThere) {
    ResponseStart start;
    start.content_length = 300;
    start.content_type = "text/plain";
    for (const std::size_t size : {1U, 3U, 10U, 100U, 300U}) {
        const std::string body(size, 'b');
        std::string out = "before";
        append_response(out, start, "A: b\r\n", kDate, body);
        EXPECT_EQ(out, "beforeHTTP/1.1 200 OK\r\nServer: CaroPig\r\n" + std::string(kDate) +
                           "Content-Type: text/plain\r\nA: b\r\nContent-Length: 300\r\n\r\n" + body);
    }
}

TEST(Writer, StatusAndReason) {
    ResponseStart start;
    start.status = 404;
    EXPECT_TRUE(response(start).starts_with("HTTP/1.1 404 Not Found\r\n"));
    start.reason = "Gone Fishing";
    EXPECT_TRUE(response(start).starts_with("HTTP/1.1 404 Gone Fishing\r\n"));
    start.status = 799;
    start.reason = {};
    start.server = false;
    EXPECT_TRUE(response(start).starts_with("HTTP/1.1 799 Unknown\r\nDate:"));
}

// Each combination is parsed by our own client side, which must come to the same framing.
TEST(Writer, Rfc9112_6_3_TheParserAgrees) {
    for (const Framing framing : {Framing::kNone, Framing::kLength, Framing::kChunked, Framing::kUntilClose}) {
        for (const bool keep_alive : {true, false}) {
            for (const int minor : {0, 1}) {
                if (framing == Framing::kChunked && minor == 0) continue;
                ResponseStart start;
                start.status = framing == Framing::kNone ? 204 : 200;
                start.framing = framing;
                start.content_length = 18446744073709551615U;
                start.keep_alive = keep_alive;
                start.request_minor_version = minor;
                const std::string text = response(start);
                HeadParser parser;
                ResponseHead head;
                std::array<HeaderView, 10> storage;
                const ParseResult result = parser.parse_response(text, Method::kGet, head, storage);
                ASSERT_EQ(result.state, ParseResult::kDone) << text << result.error.reason;
                EXPECT_EQ(result.consumed, text.size());
                EXPECT_EQ(head.framing, framing) << text;
                EXPECT_EQ(head.keep_alive, keep_alive && framing != Framing::kUntilClose) << text;
                EXPECT_EQ(head.content_length, framing == Framing::kLength ? start.content_length : 0) << text;
                EXPECT_EQ(head.fields.has_token("connection", "keep-alive"), head.keep_alive && minor == 0) << text;
            }
        }
    }
}

TEST(Writer, Rfc9110_15_2_InterimResponse) {
    std::string out = "before";
    append_interim_response(out, 103, "Link: <a>\r\n");
    append_interim_response(out, 100, {});
    EXPECT_EQ(out, "beforeHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + std::string(kContinueResponse));
    EXPECT_DEATH(append_interim_response(out, 200, {}), "1xx");
}

TEST(Writer, RequestRoundTrip) {
    RequestStart start;
    start.method = "PUT";
    start.target = "/a?b";
    start.host = "example.com:81";
    start.framing = Framing::kLength;
    start.content_length = 3;
    start.keep_alive = false;
    Headers headers;
    headers.add("Accept", "*/*");
    std::string text;
    append_request_head(text, start, headers.wire());
    EXPECT_EQ(
        text,
        "PUT /a?b HTTP/1.1\r\nHost: example.com:81\r\nAccept: */*\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
    HeadParser parser;
    RequestHead head;
    std::array<HeaderView, 10> storage;
    ASSERT_EQ(parser.parse_request(text, head, storage).state, ParseResult::kDone);
    EXPECT_EQ(head.method, Method::kPut);
    EXPECT_EQ(head.host, "example.com:81");
    EXPECT_EQ(head.content_length, 3U);
    EXPECT_FALSE(head.keep_alive);
}

TEST(Writer, ChunksRoundTrip) {
    Headers trailers;
    trailers.add("Checksum", "1");
    std::string text;
    std::string payload;
    for (const std::size_t size : {1, 15, 16, 255, 4096}) {
        append_chunk_head(text, size);
        text.append(size, 'x').append(kChunkEnd);
        payload.append(size, 'x');
    }
    append_last_chunk(text, trailers.wire());
    BodyDecoder decoder(Framing::kChunked);
    std::string decoded;
    for (std::string_view rest = text; !decoder.done();) {
        const BodyDecoder::Step step = decoder.next(rest);
        ASSERT_NE(step.state, BodyDecoder::Step::kError) << step.error.reason;
        decoded += step.data;
        rest.remove_prefix(step.consumed);
    }
    EXPECT_EQ(decoded, payload);
    EXPECT_EQ(decoder.trailers().wire(), "Checksum: 1\r\n");
}

TEST(WriterDeathTest, RefusesWhatWouldBreakTheFraming) {
    std::string out;
    EXPECT_DEATH(append_chunk_head(out, 0), "empty chunk");
    ResponseStart start;
    start.framing = Framing::kChunked;
    start.request_minor_version = 0;
    EXPECT_DEATH(append_response(out, start, {}, {}), "chunked");
}

TEST(Writer, SimpleErrorIsAWholeResponse) {
    std::string out;
    append_simple_error(out, 431, "too many header fields", kDate);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
    HeadParser parser;
    ResponseHead head;
    std::array<HeaderView, 10> storage;
    const ParseResult result = parser.parse_response(out, Method::kGet, head, storage);
    ASSERT_EQ(result.state, ParseResult::kDone);
    EXPECT_FALSE(head.keep_alive);
    EXPECT_EQ(out.substr(result.consumed), "too many header fields\n");
    EXPECT_EQ(head.content_length, out.size() - result.consumed);
}

TEST(Writer, NamesItsOwnFields) {
    for (const char* name : {"Content-Length", "transfer-encoding", "CONNECTION", "Date", "keep-alive"}) {
        EXPECT_TRUE(is_framing_header(name)) << name;
    }
    for (const char* name : {"", "Server", "Content-Type", "Dat"}) EXPECT_FALSE(is_framing_header(name)) << name;
}

TEST(DateCache, RendersAgainOnlyWhenTheSecondChanges) {
    DateCache cache;
    EXPECT_EQ(cache.line(0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    EXPECT_EQ(cache.line(784111777), kDate);
    const char* const where = cache.line(784111777).data();
    EXPECT_EQ(cache.line(784111777).data(), where);
    EXPECT_EQ(cache.line(784111776), "Date: Sun, 06 Nov 1994 08:49:36 GMT\r\n");
}

}  // namespace
}  // namespace caropig::http::h1
