#include "http/content_coding.h"
#include "web/static_folder.h"

#include <chrono>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace caropig::web {
namespace {

class StaticCompression : public StaticFolder {};

std::string gunzip(const Answer& answer, http::ContentCoding coding) {
    return http::decode_content(coding, answer.body, 10'000'000).value_or("not of this coding");
}

TEST_F(StaticCompression, FilesCompressedBeforehandAreSent) {
    const std::string text = text_of_lines(2000);
    put(folder_ / "x.css", text);
    put(folder_ / "x.css.gz", "GZ");
    put(folder_ / "x.css.br", "BR");
    put(folder_ / "image.png", text);
    put(folder_ / "image.png.gz", "GZ");
    Served served(folder_, {});
    struct Row {
        std::string_view accepted;
        std::optional<std::string> coding;
        std::string body;
    };
    for (const Row& row :
         {Row{"gzip", "gzip", "GZ"}, Row{"gzip, br", "br", "BR"}, Row{"br;q=0.5, gzip", "gzip", "GZ"},
          Row{"br;q=0, gzip", "gzip", "GZ"}, Row{"zstd, gzip;q=0.9", "gzip", "GZ"}, Row{"*", "br", "BR"},
          Row{"identity", std::nullopt, text}, Row{"gzip;q=0", std::nullopt, text}, Row{"", std::nullopt, text}}) {
        Answer answer = served->get("/s/x.css", "Accept-Encoding: " + std::string(row.accepted) + "\r\n");
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.field("Content-Encoding"), row.coding) << row.accepted;
        EXPECT_EQ(answer.body, row.body) << row.accepted;
        EXPECT_EQ(answer.field("Vary"), "Accept-Encoding") << row.accepted;
        EXPECT_EQ(answer.field("Content-Type"), "text/css; charset=UTF-8") << row.accepted;
    }
    Answer image = served->get("/s/image.png", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(image.field("Content-Encoding"), std::nullopt) << "what is compressed already is not looked for";
    EXPECT_EQ(image.field("Vary"), std::nullopt);
    EXPECT_EQ(served->get("/s/x.css.gz", "Accept-Encoding: gzip\r\n").field("Content-Type"), "application/gzip");

    Answer gz = served->get("/s/x.css", "Accept-Encoding: gzip\r\n");
    Answer br = served->get("/s/x.css", "Accept-Encoding: br\r\n");
    Answer plain = served->get("/s/x.css");
    EXPECT_NE(gz.field("ETag"), br.field("ETag"));
    EXPECT_NE(gz.field("ETag"), plain.field("ETag"));
    std::string condition = "If-None-Match: " + *gz.field("ETag") + "\r\n";
    EXPECT_EQ(served->get("/s/x.css", "Accept-Encoding: gzip\r\n" + condition).status, 304);
    EXPECT_EQ(served->get("/s/x.css", "Accept-Encoding: gzip\r\n" + condition).field("Vary"), "Accept-Encoding");
    EXPECT_EQ(served->get("/s/x.css", "Accept-Encoding: br\r\n" + condition).status, 200);
    EXPECT_EQ(served->get("/s/x.css", condition).status, 200);
}

TEST_F(StaticCompression, CompressedFilesThatAreOlderAreNotSent) {
    put(folder_ / "x.css", "fresh");
    put(folder_ / "x.css.gz", "STALE");
    timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder_ / "x.css.gz").c_str(), times, 0), 0);
    Served served(folder_, {});
    EXPECT_EQ(served->get("/s/x.css", "Accept-Encoding: gzip\r\n").body, "fresh");
    fs::remove(folder_ / "x.css.gz");
    fs::create_symlink(base_ / "secret.txt", folder_ / "x.css.gz");
    EXPECT_EQ(served->get("/s/x.css", "Accept-Encoding: gzip\r\n").body, "fresh");
    Served off(folder_, StaticFilesOptions().precompressed(false).compress(false));
    EXPECT_EQ(off->get("/s/x.css", "Accept-Encoding: gzip\r\n").field("Vary"), std::nullopt);
}

TEST_F(StaticCompression, TextIsCompressed) {
    const std::string text = text_of_lines(5000);
    put(folder_ / "x.css", text);
    put(folder_ / "below.css", text_of_lines(1023));
    put(folder_ / "at.css", text_of_lines(1024));
    put(folder_ / "x.png", text);
    Served served(folder_, {});
    for (auto coding : {http::ContentCoding::kGzip, http::ContentCoding::kBrotli, http::ContentCoding::kZstd}) {
        std::string accept = "Accept-Encoding: " + std::string(to_string(coding)) + "\r\n";
        for (int i = 0; i < 2; ++i) {
            Answer answer = served->get("/s/x.css", accept);
            EXPECT_EQ(answer.field("Content-Encoding"), to_string(coding));
            EXPECT_EQ(gunzip(answer, coding), text) << to_string(coding);
            EXPECT_TRUE(answer.field("ETag")->starts_with("W/\""));
            EXPECT_TRUE(answer.field("ETag")->ends_with("-" + std::string(to_string(coding)) + "\""));
            EXPECT_EQ(answer.field("Vary"), "Accept-Encoding");
            Answer head = served->head("/s/x.css", accept);
            EXPECT_EQ(head.head, answer.head);
            std::string condition = "If-None-Match: " + *answer.field("ETag") + "\r\n";
            EXPECT_EQ(served->get("/s/x.css", accept + condition).status, 304);
            EXPECT_EQ(served->get("/s/x.css", condition).status, 200);
        }
    }
    std::string accept = "Accept-Encoding: gzip\r\n";
    EXPECT_EQ(served->get("/s/below.css", accept).field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(served->get("/s/below.css", accept).field("Vary"), "Accept-Encoding");
    EXPECT_EQ(served->get("/s/at.css", accept).field("Content-Encoding"), "gzip");
    EXPECT_EQ(served->get("/s/x.png", accept).field("Content-Encoding"), std::nullopt);
    EXPECT_EQ(served->get("/s/x.css").body, text);
    Answer part = served->get("/s/x.css", accept + "Range: bytes=0-9\r\n");
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.field("Content-Encoding"), std::nullopt) << "a part is one of the file itself";
    EXPECT_EQ(part.body, text.substr(0, 10));
    Answer gz = served->get("/s/x.css", accept);
    EXPECT_EQ(served->get("/s/x.css", accept + "Range: bytes=0-9\r\nIf-Range: " + *gz.field("ETag") + "\r\n").status,
              200);
    put(folder_ / "x.css", "other " + text);
    EXPECT_EQ(gunzip(served->get("/s/x.css", accept), http::ContentCoding::kGzip), "other " + text);
}

TEST_F(StaticCompression, WhatDoesNotBecomeSmallerIsSentAsItIs) {
    std::string noise(1500, '\0');
    unsigned state = 1;
    for (char& byte : noise) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24U);
    put(folder_ / "noise.txt", noise);
    Served served(folder_, {});
    for (int i = 0; i < 2; ++i) {
        Answer answer = served->get("/s/noise.txt", "Accept-Encoding: gzip\r\n");
        EXPECT_EQ(answer.field("Content-Encoding"), std::nullopt);
        EXPECT_TRUE(answer.body == noise);
        std::string condition = "If-None-Match: " + *answer.field("ETag") + "\r\n";
        EXPECT_EQ(served->get("/s/noise.txt", "Accept-Encoding: gzip\r\n" + condition).status, 304);
    }
}

TEST_F(StaticCompression, LargeTextIsCompressedByAThread) {
    const std::string text = text_of_lines(100'000);
    put(folder_ / "x.js", text);
    put(folder_ / "limit.js", text.substr(0, 50'000));
    Served served(folder_, StaticFilesOptions().compress_max_bytes(100'000));
    Answer answer = served.get_later("/s/x.js", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(answer.field("Content-Encoding"), "gzip");
    EXPECT_EQ(answer.field("Content-Length"), std::to_string(answer.body.size()));
    EXPECT_TRUE(gunzip(answer, http::ContentCoding::kGzip) == text);
    Answer again = served->get("/s/x.js", "Accept-Encoding: gzip\r\n");
    EXPECT_EQ(again.body, answer.body) << "the second time it is at hand";
    Served limited(folder_, StaticFilesOptions().compress_max_bytes(99'999));
    EXPECT_EQ(limited->get("/s/x.js", "Accept-Encoding: gzip\r\n").field("Content-Encoding"), std::nullopt);
}

}  // namespace
}  // namespace caropig::web
