#include "response_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::bench {
namespace {

using Progress = ResponseParser::Progress;

struct Answer {
    int status;
    std::string body;
    bool closes;
    bool operator==(const Answer&) const = default;
};

/// All answers in `stream`, fed in pieces of `piece` bytes.
std::vector<Answer> parse(std::string_view stream, std::size_t piece) {
    ResponseParser parser;
    std::vector<Answer> answers;
    while (!stream.empty()) {
        std::string_view bytes = stream.substr(0, piece);
        stream.remove_prefix(bytes.size());
        for (;;) {
            const Progress progress = parser.feed(bytes);
            if (progress == Progress::kMalformed) {
                ADD_FAILURE() << "malformed at " << bytes;
                return answers;
            }
            if (progress == Progress::kNeedsMore) break;
            answers.push_back({parser.status(), std::string(parser.body_start()), parser.closes()});
        }
    }
    EXPECT_TRUE(parser.idle());
    return answers;
}

Progress parse_one(std::string_view stream) { return ResponseParser().feed(stream); }

TEST(ResponseParser, FindsTheEndOfEveryKindOfBodyHoweverTheBytesArrive) {
    const std::string stream =
        "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  2 \r\n\r\nok"
        "HTTP/1.1 204 No Content\r\n\r\n"
        "HTTP/1.1 100 Continue\r\n\r\n"
        "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;name=value\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: "
        "t\r\n\r\n"
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n"
        "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n"
        "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nz";
    const std::vector<Answer> expected = {
        {200, "ok", false}, {204, "", false},        {502, "", true},  {200, "abc0123456789", false},
        {304, "", false},   {200, "\r\n\r\n", true}, {200, "z", false}};
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        EXPECT_EQ(parse(stream, piece), expected) << "in pieces of " << piece;
    }
}

TEST(ResponseParser, KeepsTheStartOfALongBodyAndItsSize) {
    std::string stream = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'x');
    std::string_view bytes = stream;
    ResponseParser parser;
    EXPECT_EQ(parser.feed(bytes), Progress::kComplete);
    EXPECT_EQ(parser.body_size(), 100000U);
    EXPECT_EQ(parser.body_start().size(), ResponseParser::kKeptBody);
}

TEST(ResponseParser, ABodyWithoutLengthEndsWithTheStream) {
    std::string_view bytes = "HTTP/1.1 200 OK\r\n\r\nall of it";
    ResponseParser parser;
    EXPECT_FALSE(parser.completes_at_end_of_stream());
    EXPECT_EQ(parser.feed(bytes), Progress::kNeedsMore);
    EXPECT_TRUE(parser.completes_at_end_of_stream());
    EXPECT_EQ(parser.body_start(), "all of it");
}

TEST(ResponseParser, ABodyLongerThanItsLengthIsSeenAtTheNextResponse) {
    std::string_view bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokayHTTP/1.1 200 OK\r\n\r\n";
    ResponseParser parser;
    EXPECT_EQ(parser.feed(bytes), Progress::kComplete);
    EXPECT_EQ(parser.feed(bytes), Progress::kMalformed);
}

TEST(ResponseParser, RefusesWhatIsNoResponse) {
    EXPECT_EQ(parse_one("SSH-2.0-x\r\n\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("\n\r\n\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("HTTP/1.1 abc\r\n\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"), Progress::kMalformed);
    EXPECT_EQ(parse_one(std::string(70000, 'a')), Progress::kMalformed);
}

}  // namespace
}  // namespace caropig::bench
