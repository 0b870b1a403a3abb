#include "http/content_coding.h"
#include "server/test_server.h"
#include "support/captured_log.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace caropig::server {
namespace {

using http::ContentCoding;

ServerOptions decompressing() { return ServerOptions().decompress_requests(true); }

std::string coded(ContentCoding coding, std::string_view text) {
    return http::encode_content(coding, http::CodingLevels().of(coding), text);
}

std::string coded_post(std::string_view codings, std::string_view body, std::string_view path = "/echo") {
    return post(path, body, "Content-Encoding: " + std::string(codings) + "\r\n");
}

int status_of(const std::string& request, ServerOptions options = decompressing()) {
    Talk talk(options);
    talk.client.send(request);
    return talk.client.answers().at(0).status;
}

TEST(ServerDecompress, EveryCodingIsTakenOff) {
    for (auto coding : {ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd}) {
        Talk talk(decompressing());
        talk.client.send(coded_post(http::to_string(coding), coded(coding, "the body")) + get("/hello"));
        EXPECT_EQ(talk.client.summary(), "200 the body, 200 hello") << http::to_string(coding);
    }
}

TEST(ServerDecompress, WithoutTheOptionTheBodyIsAsItWasSent) {
    const std::string body = coded(ContentCoding::kGzip, "the body");
    Talk talk;
    talk.client.send(coded_post("gzip", body));
    EXPECT_EQ(talk.client.summary(), "200 " + body);
}

TEST(ServerDecompress, NoResultDependsOnHowTheBytesCame) {
    std::string text;
    for (int i = 0; text.size() < 40000; ++i) text += std::to_string(i * i) + ' ';
    const std::string body = coded(ContentCoding::kBrotli, text);
    for (std::size_t piece : {1, 7, 1000}) {
        Talk talk(decompressing(), piece);
        talk.client.send(coded_post("br", body));
        EXPECT_EQ(talk.client.summary(), "200 " + text) << piece;
    }
}

TEST(ServerDecompress, SeveralCodingsAreTakenOffFromTheLast) {
    const std::string text(100000, 'x');
    const std::string body = coded(ContentCoding::kZstd, coded(ContentCoding::kGzip, text));
    Talk talk(decompressing());
    talk.client.send(coded_post("gzip, zstd", body) +
                     post("/echo", body, "Content-Encoding: identity, X-GZIP\r\nContent-Encoding: , zstd\r\n"));
    EXPECT_EQ(talk.client.summary(), "200 " + text + ", 200 " + text);
}

TEST(ServerDecompress, WhatIsNotCodedIsLeftAlone) {
    Talk talk(decompressing());
    talk.client.send(post("/echo", "plain") + coded_post("identity", "plain") + coded_post("gzip", ""));
    EXPECT_EQ(talk.client.summary(), "200 plain, 200 plain, 200 ");
}

TEST(ServerDecompress, AnUnknownCodingIs415AndToldWhatIsKnown) {
    support::CapturedLog log;
    for (const char* codings : {"deflate", "gzip, compress", "gzip, gzip, gzip", "gzip;q=1"}) {
        Talk talk(decompressing());
        talk.client.send(coded_post(codings, "body"));
        const auto answers = talk.client.answers();
        ASSERT_EQ(answers.size(), 1u);
        EXPECT_EQ(answers[0].status, 415) << codings;
        EXPECT_EQ(answers[0].field("Accept-Encoding"), "gzip, br, zstd");
    }
}

TEST(ServerDecompress, BrokenOrCutOffIs400) {
    support::CapturedLog log;
    for (auto coding : {ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd}) {
        const std::string body = coded(coding, "a body of some length, so that it can be cut anywhere");
        const std::string_view name = http::to_string(coding);
        for (std::size_t size = 1; size < body.size(); ++size) {
            EXPECT_EQ(status_of(coded_post(name, body.substr(0, size))), 400) << name << ' ' << size;
        }
        EXPECT_EQ(status_of(coded_post(name, body + "more")), 400) << name;
        EXPECT_EQ(status_of(coded_post(name, "something else")), 400) << name;
    }
    EXPECT_EQ(status_of(coded_post("gzip, br", coded(ContentCoding::kBrotli, "no gzip"))), 400);
}

TEST(ServerDecompress, ABombEndsAtTheLimit) {
    const std::string bomb = coded(ContentCoding::kGzip, std::string(50'000'000, '\0'));
    ASSERT_LT(bomb.size(), 60'000u);
    for (const auto& [codings, body] : {std::pair{"gzip", bomb}, {"gzip, gzip", coded(ContentCoding::kGzip, bomb)}}) {
        support::CapturedLog log;
        Talk talk(decompressing().max_inflated_bytes(1'000'000));
        talk.client.send(coded_post(codings, body));
        EXPECT_EQ(talk.client.answers().at(0).status, 413) << codings;
        EXPECT_LE(talk.service.read, 1'000'000u);
        EXPECT_EQ(talk.server.limits().inflated, 1u);
        EXPECT_EQ(talk.server.limits().body, 0u);
        ASSERT_EQ(log.lines().size(), 1u);
        EXPECT_NE(log.lines()[0].find("max_inflated_bytes"), std::string::npos) << log.lines()[0];
    }
}

TEST(ServerDecompress, ExactlyTheLimitIsEnoughAndAHandlerMayRaiseIt) {
    support::CapturedLog log;
    const auto body = [](std::size_t size) { return coded(ContentCoding::kZstd, std::string(size, 'z')); };
    const auto options = decompressing().max_inflated_bytes(40000);
    EXPECT_EQ(status_of(coded_post("zstd", body(40000)), options), 200);
    EXPECT_EQ(status_of(coded_post("zstd", body(40001)), options), 413);
    Talk talk(options);
    talk.service.answer("/raised", [](Exchange& exchange, TestService& service) -> Task<void> {
        exchange.set_max_inflated_bytes(50000);
        return echo(exchange, service);
    });
    talk.client.send(coded_post("zstd", body(50000), "/raised"));
    EXPECT_EQ(talk.client.summary(), "200 " + std::string(50000, 'z'));
}

TEST(ServerDecompress, TheWireLimitHoldsAsWell) {
    support::CapturedLog log;
    const std::string body = coded(ContentCoding::kGzip, "a body of some length, coded");
    EXPECT_EQ(status_of(coded_post("gzip", body), decompressing().max_body_bytes(20)), 413);
}

TEST(ServerDecompress, NoPieceIsLargerThanAFewKiB) {
    const std::string body = coded(ContentCoding::kGzip, std::string(1'000'000, 'a'));
    static std::size_t largest;
    largest = 0;
    Talk talk(decompressing());
    talk.service.answer("/pieces", [](Exchange& exchange, TestService&) -> Task<void> {
        for (;;) {
            auto piece = co_await exchange.read_body();
            if (!piece) break;
            largest = std::max(largest, piece->size());
        }
        reply(exchange, "read");
    });
    talk.client.send(coded_post("gzip", body, "/pieces"));
    EXPECT_EQ(talk.client.summary(), "200 read");
    EXPECT_LE(largest, http::ContentDecoder::kPiece);
}

}  // namespace
}  // namespace caropig::server
