#include "client/response_reader.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

using http::Method;
using Kind = FetchError::Kind;

constexpr std::uint64_t kMany = 1 << 20;

/// What came of a whole connection: a response, or a failure.
Result<Response, Failure> read_all(std::string_view bytes, std::size_t step, Method method = Method::kGet,
                                   std::uint64_t max_body = kMany) {
    ResponseReader reader(method, max_body);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        // A copy of its own, so that a view kept too long is seen by the sanitizers.
        const std::string piece(bytes.substr(at, step));
        const Result<bool, Failure> complete = reader.feed(piece);
        if (!complete) return std::unexpected(complete.error());
        if (*complete) return reader.take();
    }
    if (Result<void, Failure> finished = reader.finish(); !finished) return std::unexpected(finished.error());
    return reader.take();
}

/// The same outcome however the bytes are cut; gives that of one piece.
Result<Response, Failure> read(std::string_view bytes, Method method = Method::kGet, std::uint64_t max_body = kMany) {
    Result<Response, Failure> whole = read_all(bytes, bytes.size() + 1, method, max_body);
    for (std::size_t step = 1; step <= bytes.size(); ++step) {
        const Result<Response, Failure> pieces = read_all(bytes, step, method, max_body);
        EXPECT_EQ(pieces.has_value(), whole.has_value()) << "in steps of " << step;
        if (pieces.has_value() != whole.has_value()) continue;
        if (!whole) {
            EXPECT_EQ(pieces.error().detail, whole.error().detail) << "in steps of " << step;
            continue;
        }
        EXPECT_EQ(pieces->status(), whole->status()) << "in steps of " << step;
        EXPECT_EQ(pieces->reason(), whole->reason()) << "in steps of " << step;
        EXPECT_EQ(pieces->headers().wire(), whole->headers().wire()) << "in steps of " << step;
        EXPECT_EQ(pieces->body(), whole->body()) << "in steps of " << step;
    }
    return whole;
}

void expect_failure(const Result<Response, Failure>& result, Kind kind, std::string_view part) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().kind, kind);
    EXPECT_NE(result.error().detail.find(part), std::string::npos) << result.error().detail;
}

TEST(ResponseReader, ReadsBodyOfAnnouncedLength) {
    const auto response = read("HTTP/1.1 404 Not Here\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 404);
    EXPECT_EQ(response->reason(), "Not Here");
    EXPECT_EQ(response->headers().get_all("x-a").size(), 2u);
    EXPECT_EQ(response->body(), "hello");
}

TEST(ResponseReader, ReadsChunkedBody) {
    const auto response =
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body(), "abcde");
    EXPECT_FALSE(response->headers().find("X-T"));
}

TEST(ResponseReader, ReadsBodyUntilTheConnectionEnds) {
    const auto response = read("HTTP/1.0 200 OK\r\n\r\nall of it");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->body(), "all of it");
}

TEST(ResponseReader, IgnoresBytesBeyondTheEnd) {
    const auto response = read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Poison\r\n\r\n");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200);
    EXPECT_EQ(response->body(), "ok");
}

TEST(ResponseReader, HeadHasNoBodyWhateverItsFieldsSay) {
    const auto response = read("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", Method::kHead);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->headers().find("Content-Length"), "5000000");
    EXPECT_EQ(response->body(), "");
}

TEST(ResponseReader, NoContentAndNotModifiedHaveNoBody) {
    for (const std::string status : {"204", "304"}) {
        ResponseReader reader(Method::kGet, kMany);
        const auto complete = reader.feed("HTTP/1.1 " + status + " Fine\r\nContent-Length: 5\r\n\r\n");
        ASSERT_TRUE(complete);
        EXPECT_TRUE(*complete) << "it waits for a body after " << status;
        EXPECT_EQ(reader.take().body(), "");
    }
}

TEST(ResponseReader, EmptyBodyIsCompleteAtOnce) {
    ResponseReader reader(Method::kGet, kMany);
    const auto complete = reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(complete);
    EXPECT_TRUE(*complete);
}

TEST(ResponseReader, SkipsInterimResponses) {
    const auto response = read(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status(), 200);
    EXPECT_FALSE(response->headers().find("Link"));
    EXPECT_EQ(response->body(), "ok");
}

TEST(ResponseReader, RefusesFloodOfInterimResponses) {
    std::string allowed;
    for (int i = 0; i < ResponseReader::kMaxInterimResponses; ++i) allowed += "HTTP/1.1 102 Wait\r\n\r\n";
    const std::string final_response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    EXPECT_TRUE(read_all(allowed + final_response, 7));
    expect_failure(read_all(allowed + "HTTP/1.1 102 Wait\r\n\r\n" + final_response, 7), Kind::kProtocol, "interim");
}

TEST(ResponseReader, RefusesProtocolSwitchThatNobodyAskedFor) {
    expect_failure(read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), Kind::kProtocol, "switches");
}

TEST(ResponseReader, LimitsAnnouncedLengthBeforeTheBodyComes) {
    ResponseReader reader(Method::kGet, 5);
    const auto complete = reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    ASSERT_FALSE(complete);
    EXPECT_EQ(complete.error().kind, Kind::kTooLarge);
    EXPECT_EQ(complete.error().detail, "the response is too large: its body has more than 5 bytes");
    EXPECT_TRUE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Method::kGet, 5));
}

TEST(ResponseReader, LimitsBodyOfUnknownLengthByCounting) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    EXPECT_TRUE(read(chunked + "2\r\nde\r\n0\r\n\r\n", Method::kGet, 5));
    expect_failure(read(chunked + "3\r\ndef\r\n0\r\n\r\n", Method::kGet, 5), Kind::kTooLarge, "5 bytes");
    EXPECT_TRUE(read("HTTP/1.1 200 OK\r\n\r\nhello", Method::kGet, 5));
    expect_failure(read("HTTP/1.1 200 OK\r\n\r\nhello!", Method::kGet, 5), Kind::kTooLarge, "5 bytes");
}

TEST(ResponseReader, LimitsHead) {
    const std::string long_head = "HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'x') + "\r\n\r\n";
    expect_failure(read_all(long_head, 1000), Kind::kTooLarge, "its head");
    expect_failure(read_all(long_head, long_head.size()), Kind::kTooLarge, "its head");
    std::string many_fields = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 101; ++i) many_fields += "X: y\r\n";
    expect_failure(read_all(many_fields + "\r\n", 1000), Kind::kTooLarge, "its head");
}

TEST(ResponseReader, SaysWhereTheConnectionBroke) {
    expect_failure(read("HTTP/1.1 200 OK\r\nContent-Le"), Kind::kBroken, "in the head");
    expect_failure(read("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel"), Kind::kBroken, "after 3 bytes");
    expect_failure(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), Kind::kBroken,
                   "after 3 bytes");
    expect_failure(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"), Kind::kBroken,
                   "in the body");
    expect_failure(read("HTTP/1.1 100 Continue\r\n\r\n"), Kind::kBroken, "in the head");
}

TEST(ResponseReader, RefusesWhatIsNoHttp) {
    expect_failure(read("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Kind::kProtocol, "not valid HTTP");
    expect_failure(read("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), Kind::kProtocol,
                   "not valid HTTP");
    expect_failure(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), Kind::kProtocol,
                   "not valid HTTP");
}

}  // namespace
}  // namespace caropig::client
