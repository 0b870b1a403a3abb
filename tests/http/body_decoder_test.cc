#include "http/h1/body_decoder.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace caropig::http::h1 {
namespace {

using Step = BodyDecoder::Step;

struct Decoded {
    std::string payload;
    std::string rest;  // what was left of the input when the body was complete
    std::string trailers;
    int state = Step::kNeedMore;
    int status = 0;
    std::string reason;

    friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Feeds `text` in pieces: the first has `first` bytes, the others `piece` each.
Decoded decode(BodyDecoder decoder, std::string_view text, std::size_t first, std::size_t piece) {
    Decoded out;
    std::size_t position = 0;
    std::size_t end = std::min(first, text.size());
    for (;;) {
        const Step step = decoder.next(text.substr(position, end - position));
        position += step.consumed;
        out.payload += step.data;
        out.state = step.state;
        if (step.state == Step::kError) {
            out.status = step.error.status;
            out.reason = step.error.reason;
            return out;
        }
        if (step.state == Step::kDone) {
            out.rest = text.substr(position);
            out.trailers = decoder.trailers().wire();
            return out;
        }
        if (step.state == Step::kData) continue;
        EXPECT_EQ(position, end);  // kNeedMore keeps nothing
        if (end == text.size()) return out;
        end = std::min(end + piece, text.size());
    }
}

Decoded decode_every_way(const BodyDecoder& decoder, const std::string& text) {
    const Decoded whole = decode(decoder, text, text.size(), text.size());
    EXPECT_EQ(decode(decoder, text, 1, 1), whole) << "byte by byte: " << text;
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        EXPECT_EQ(decode(decoder, text, cut, text.size()), whole) << "cut at " << cut << ": " << text;
    }
    return whole;
}

Decoded chunked(const std::string& text, const BodyLimits& limits = {}) {
    return decode_every_way(BodyDecoder(Framing::kChunked, 0, limits), text);
}

TEST(BodyDecoder, NoBodyIsDoneAtOnce) {
    EXPECT_TRUE(BodyDecoder().done());
    EXPECT_TRUE(BodyDecoder(Framing::kNone, 7).done());
    BodyDecoder empty(Framing::kLength, 0);
    const Step step = empty.next("GET");
    EXPECT_EQ(step.state, Step::kDone);
    EXPECT_EQ(step.consumed, 0U);
    EXPECT_TRUE(empty.finish_at_eof());
}

TEST(BodyDecoder, Rfc9112_6_2_ContentLength) {
    const Decoded out = decode_every_way(BodyDecoder(Framing::kLength, 5), "helloGET /");
    EXPECT_EQ(out.payload, "hello");
    EXPECT_EQ(out.rest, "GET /");
    BodyDecoder partial(Framing::kLength, 5);
    EXPECT_EQ(partial.next("hell").data, "hell");
    EXPECT_FALSE(partial.finish_at_eof());
    EXPECT_EQ(partial.next("o").data, "o");
    EXPECT_TRUE(partial.done());
}

TEST(BodyDecoder, Rfc9112_6_3_UntilClose) {
    BodyDecoder decoder(Framing::kUntilClose);
    EXPECT_EQ(decoder.next("a\r\n0\r\n").data, "a\r\n0\r\n");
    EXPECT_EQ(decoder.next("").state, Step::kNeedMore);
    EXPECT_FALSE(decoder.done());
    EXPECT_TRUE(decoder.finish_at_eof());
    EXPECT_EQ(decoder.next("").state, Step::kDone);
}

TEST(BodyDecoder, DoesNotCopyPayload) {
    const std::string text = "5\r\nhello\r\n0\r\n\r\n";
    BodyDecoder decoder(Framing::kChunked);
    const Step step = decoder.next(text);
    EXPECT_EQ(step.data.data(), text.data() + 3);
    EXPECT_EQ(step.data, "hello");
    EXPECT_EQ(step.consumed, 8U);
}

TEST(BodyDecoder, Rfc9112_7_1_Chunks) {
    const Decoded out = chunked("5\r\nhello\r\n009;x\r\n 0123\r\n89\r\n0\r\n\r\nGET /");
    EXPECT_EQ(out.state, Step::kDone) << out.reason;
    EXPECT_EQ(out.payload, "hello 0123\r\n89");
    EXPECT_EQ(out.rest, "GET /");
    EXPECT_EQ(chunked("0\r\n\r\n").state, Step::kDone);
    EXPECT_EQ(chunked("0000000000000000\r\n\r\n").state, Step::kDone);
    EXPECT_EQ(chunked("5\r\nhello\r\n0\r\n").state, Step::kNeedMore);
}

TEST(BodyDecoder, Rfc9112_8_EndInTheMiddle) {
    for (const char* text : {"", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nA: b\r\n"}) {
        BodyDecoder decoder(Framing::kChunked);
        for (std::string_view rest = text; !rest.empty();) rest.remove_prefix(decoder.next(rest).consumed);
        EXPECT_FALSE(decoder.finish_at_eof()) << text;
    }
}

TEST(BodyDecoder, Rfc9112_7_1_RefusesMalformedSizes) {
    for (const char* size : {"", "x", "0x5", "+5", "-5", "5_0", " 5", "5 ", "5\t", "5,", "5h", "11111111111111111",
                             "00000000000000000", "5\n", "5\r", "5\r\r", "5\r "}) {
        const Decoded out = chunked(std::string(size) + "\r\nhello\r\n0\r\n\r\n");
        EXPECT_EQ(out.state, Step::kError) << size;
        EXPECT_EQ(out.status, 400) << size;
        EXPECT_EQ(out.payload, "") << size;
    }
}

TEST(BodyDecoder, Rfc9112_7_1_RefusesMalformedChunkEnds) {
    for (const char* text : {"5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello\r0\r\n\r\n",
                             "4\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n"}) {
        EXPECT_EQ(chunked(text).status, 400) << text;
    }
}

TEST(BodyDecoder, Rfc9112_7_1_1_Extensions) {
    for (const char* extension : {";a", ";a=b", ";a=\"b c;\\\"d\\\\\"", ";a;b;c=d", " ; a\t= \"\" ;b", ";a=b ;c"}) {
        const Decoded out = chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n");
        EXPECT_EQ(out.state, Step::kDone) << extension;
        EXPECT_EQ(out.payload, "x") << extension;
    }
    for (const char* extension : {";", ";=b", ";a=", ";a=b c", ";a =", ";a b", ";a=\"b", ";a=\"\r\"", ";a=\"b\"c",
                                  ";a ", ";a=b ", ";a\n", ";a=\"\\\x01\"", ";\x01", ";a=b\x7f", " a"}) {
        EXPECT_EQ(chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n").status, 400) << extension;
    }
}

TEST(BodyDecoder, BoundsExtensionsOverTheWholeBody) {
    BodyLimits limits;
    limits.max_extension_bytes = 8;
    EXPECT_EQ(chunked("1;abc\r\nx\r\n0\r\n\r\n", limits).state, Step::kDone);
    const Decoded out = chunked("1;abc\r\nx\r\n1;abc\r\nx\r\n1;abc\r\nx\r\n0\r\n\r\n", limits);
    EXPECT_EQ(out.state, Step::kError);
    EXPECT_EQ(out.payload, "x");
}

TEST(BodyDecoder, Rfc9112_7_1_2_Trailers) {
    const Decoded out = chunked("0\r\nChecksum:  abc \r\nX-Empty:\r\n\r\nGET /");
    EXPECT_EQ(out.state, Step::kDone) << out.reason;
    EXPECT_EQ(out.trailers, "Checksum: abc\r\nX-Empty: \r\n");
    EXPECT_EQ(out.rest, "GET /");
}

TEST(BodyDecoder, Rfc9110_6_5_1_DropsForbiddenTrailers) {
    const Decoded out = chunked(
        "0\r\nContent-Length: 5\r\nTRANSFER-ENCODING: chunked\r\nHost: x\r\nAuthorization: y\r\nContent-Anything: z\r\n"
        "Cookie: a\r\nSet-Cookie: b\r\nConnection: close\r\nOk: 1\r\n\r\n");
    EXPECT_EQ(out.trailers, "Ok: 1\r\n");
    EXPECT_FALSE(is_forbidden_trailer("content"));
    EXPECT_TRUE(is_forbidden_trailer("Trailer"));
}

TEST(BodyDecoder, RefusesMalformedTrailers) {
    for (const char* text : {"A : b\r\n\r\n", " A: b\r\n\r\n", "A\r\n\r\n", "A: b\n\r\n", "A: b\rc\r\n\r\n",
                             "A: \x01\r\n\r\n", "\n", "\rx", ": b\r\n\r\n"}) {
        const Decoded out = chunked("0\r\n" + std::string(text));
        EXPECT_EQ(out.state, Step::kError) << text;
        EXPECT_EQ(out.status, 400) << text;
    }
}

TEST(BodyDecoder, BoundsTrailers) {
    BodyLimits limits;
    limits.max_trailer_bytes = 12;
    limits.max_trailer_fields = 1;
    EXPECT_EQ(chunked("0\r\nA: 678901\r\n\r\n", limits).status, 431);
    EXPECT_EQ(chunked("0\r\nA: 67890\r\n\r\n", limits).state, Step::kDone);
    EXPECT_EQ(chunked("0\r\nA:1\r\nB:2\r\n\r\n", limits).status, 431);
}

TEST(BodyDecoder, StaysRefused) {
    BodyDecoder decoder(Framing::kChunked);
    EXPECT_EQ(decoder.next("x").state, Step::kError);
    const Step again = decoder.next("0\r\n\r\n");
    EXPECT_EQ(again.state, Step::kError);
    EXPECT_EQ(again.error.status, 400);
    EXPECT_FALSE(decoder.finish_at_eof());
}

}  // namespace
}  // namespace caropig::http::h1
