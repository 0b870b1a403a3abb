#include "http/content_coding.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

constexpr std::array kAll{ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd};

std::string sample(std::size_t size) {
    std::string text;
    for (unsigned i = 0; text.size() < size; ++i) text += "line " + std::to_string(i * 2654435761U) + "\n";
    text.resize(size);
    return text;
}

TEST(ContentCoding, RoundTrips) {
    for (ContentCoding coding : kAll) {
        for (std::size_t size : {0, 1, 1000, 16384, 16385, 1'000'000}) {
            std::string text = sample(size);
            std::string coded = encode_content(coding, CodingLevels().of(coding), text);
            if (size > 1000) {
                EXPECT_LT(coded.size(), size) << to_string(coding);
            }
            EXPECT_TRUE(decode_content(coding, coded, size) == text) << to_string(coding) << " " << size;
        }
    }
}

TEST(ContentCoding, WhatWasFlushedCanBeDecoded) {
    for (ContentCoding coding : kAll) {
        auto encoder = make_encoder(coding, CodingLevels().of(coding));
        auto decoder = make_decoder(coding, 1'000'000);
        std::string decoded;
        std::string expected;
        for (std::size_t size : {5, 0, 100'000, 1}) {
            std::string piece = sample(size);
            expected += piece;
            std::string coded;
            encoder->write(piece, ContentEncoder::Flush::kYes, coded);
            ASSERT_TRUE(decoder->write(coded, decoded)) << to_string(coding);
            EXPECT_TRUE(decoded == expected) << to_string(coding);
            EXPECT_FALSE(decoder->complete()) << to_string(coding);
        }
        std::string last;
        encoder->write({}, ContentEncoder::Flush::kFinish, last);
        ASSERT_TRUE(decoder->write(last, decoded));
        EXPECT_TRUE(decoder->complete()) << to_string(coding);
        EXPECT_TRUE(decoded == expected);
    }
}

TEST(ContentCoding, WithoutFlushingPiecesAreOneBody) {
    for (ContentCoding coding : kAll) {
        auto encoder = make_encoder(coding, CodingLevels().of(coding));
        std::string coded;
        std::string expected;
        for (int i = 0; i < 100; ++i) {
            expected += "piece";
            encoder->write("piece", ContentEncoder::Flush::kNo, coded);
        }
        encoder->write({}, ContentEncoder::Flush::kFinish, coded);
        EXPECT_LT(coded.size(), 100u) << to_string(coding);
        EXPECT_EQ(decode_content(coding, coded, 500), expected);
    }
}

TEST(ContentCoding, DecodesByteByByte) {
    for (ContentCoding coding : kAll) {
        std::string text = sample(50'000);
        std::string coded = encode_content(coding, CodingLevels().of(coding), text);
        auto decoder = make_decoder(coding, text.size());
        std::string decoded;
        for (char byte : coded) {
            EXPECT_FALSE(decoder->complete());
            ASSERT_TRUE(decoder->write(std::string_view(&byte, 1), decoded)) << to_string(coding);
        }
        EXPECT_TRUE(decoder->complete());
        EXPECT_TRUE(decoded == text);
    }
}

TEST(ContentCoding, ALimitOnWhatComesOut) {
    for (ContentCoding coding : kAll) {
        const std::string zeros(3'000'000, '\0');
        std::string coded = encode_content(coding, CodingLevels().of(coding), zeros);
        EXPECT_LT(coded.size(), 10'000u) << "a bomb, small as it is";
        EXPECT_TRUE(decode_content(coding, coded, zeros.size())) << to_string(coding);
        for (std::uint64_t limit : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{zeros.size() - 1}}) {
            std::string out;
            auto result = make_decoder(coding, limit)->write(coded, out);
            EXPECT_EQ(result, std::unexpected(CodingError::kTooLarge)) << to_string(coding) << " " << limit;
            EXPECT_EQ(out.size(), limit);
        }
        std::string nothing = encode_content(coding, CodingLevels().of(coding), "");
        EXPECT_EQ(decode_content(coding, nothing, 0), "") << to_string(coding);
    }
}

TEST(ContentCoding, CutOffOrBrokenIsAnError) {
    for (ContentCoding coding : kAll) {
        std::string text = sample(5000);
        std::string coded = encode_content(coding, CodingLevels().of(coding), text);
        for (std::size_t size = 0; size < coded.size(); size += 7) {
            EXPECT_EQ(decode_content(coding, coded.substr(0, size), 10'000), std::unexpected(CodingError::kMalformed))
                << to_string(coding) << " " << size;
        }
        EXPECT_EQ(decode_content(coding, coded + "x", 10'000), std::unexpected(CodingError::kMalformed))
            << to_string(coding);
        EXPECT_EQ(decode_content(coding, "no such thing", 10'000), std::unexpected(CodingError::kMalformed));
    }
}

TEST(ContentCoding, GzipAndZstdMayConsistOfSeveralMembers) {
    for (ContentCoding coding : {ContentCoding::kGzip, ContentCoding::kZstd}) {
        std::string both = encode_content(coding, 3, "one, ") + encode_content(coding, 3, "two");
        EXPECT_EQ(decode_content(coding, both, 100), "one, two") << to_string(coding);
        EXPECT_EQ(decode_content(coding, both, 7), std::unexpected(CodingError::kTooLarge)) << to_string(coding);
    }
}

TEST(ContentCoding, OlderFormatsOfZstdAreNotOfTheCodingHoweverTheyCome) {
    for (char version = 0x22; version <= 0x27; ++version) {
        const std::string old = std::string(1, version) + "\xb5\x2f\xfd";
        for (const std::string& body : {old, "\x28" + old, encode_content(ContentCoding::kZstd, 3, "text") + old}) {
            for (std::size_t split = 0; split <= body.size(); ++split) {
                auto decoder = make_decoder(ContentCoding::kZstd, 1000);
                std::string out;
                bool accepted = decoder->write(std::string_view(body).substr(0, split), out) &&
                                decoder->write(std::string_view(body).substr(split), out);
                EXPECT_FALSE(accepted) << static_cast<int>(version) << " " << split;
            }
        }
    }
}

TEST(ContentCoding, AFrameWithinTheHeaderOfAnotherIsNotTakenForIt) {
    // Of a frame with a window and a length of its content, that read from its window on would be a frame too.
    const std::string body("\x28\xb5\x2f\xfd\x40\x28\xb5\x2f\xfd\0\0\x01\0\0\0\x01\0\0\x21\0\0\0", 22);
    for (std::size_t split = 0; split <= body.size(); ++split) {
        auto decoder = make_decoder(ContentCoding::kZstd, 100'000);
        std::string out;
        ASSERT_TRUE(decoder->write(std::string_view(body).substr(0, split), out));
        ASSERT_TRUE(decoder->write(std::string_view(body).substr(split), out));
        EXPECT_FALSE(decoder->complete()) << split;
        EXPECT_EQ(out, "") << split;
    }
}

TEST(ContentCoding, SkippableFramesOfZstdAreSkipped) {
    std::string frame = encode_content(ContentCoding::kZstd, 3, "text");
    const std::string empty("\x50\x2a\x4d\x18\0\0\0\0", 8);
    const std::string five("\x5f\x2a\x4d\x18\x05\0\0\0hello", 13);
    for (const std::string& body : {frame, empty + frame, five + frame + empty, frame + five + five}) {
        EXPECT_EQ(decode_content(ContentCoding::kZstd, body, 100), "text");
        auto decoder = make_decoder(ContentCoding::kZstd, 100);
        std::string out;
        for (char byte : body) ASSERT_TRUE(decoder->write(std::string_view(&byte, 1), out));
        EXPECT_TRUE(decoder->complete());
        EXPECT_EQ(out, "text");
    }
}

}  // namespace
}  // namespace caropig::http
