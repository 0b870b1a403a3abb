#include "http/h1/framing.h"

#include <string>

#include <gtest/gtest.h>

namespace caropig::http::h1 {
namespace {

FramingFacts facts(const char* length, const char* encoding, int minor_version = 1) {
    FramingFacts facts;
    facts.minor_version = minor_version;
    if (length != nullptr) facts.note_content_length(length);
    if (encoding != nullptr) facts.note_transfer_encoding(encoding);
    return facts;
}

// "none", "length 5", "chunked", "close", or the status of a refusal.
std::string describe(const FramingDecision& decision) {
    if (decision.refusal.status != 0) return std::to_string(decision.refusal.status);
    switch (decision.framing) {
        case Framing::kNone:
            return "none";
        case Framing::kLength:
            return "length " + std::to_string(decision.content_length);
        case Framing::kChunked:
            return "chunked";
        case Framing::kUntilClose:
            return "close";
    }
    return "?";
}

struct Row {
    const char* length;
    const char* encoding;
    int minor_version;
    const char* request;
    const char* response;
};

std::string name(const Row& row) {
    const auto text = [](const char* value) { return value != nullptr ? std::string(value) : std::string("-"); };
    return text(row.length) + " | " + text(row.encoding);
}

TEST(Framing, Rfc9112_6_3_EachRuleOfTheTable) {
    const Row rows[] = {
        {nullptr, nullptr, 1, "none", "close"},
        {"0", nullptr, 1, "length 0", "length 0"},
        {"18446744073709551615", nullptr, 0, "length 18446744073709551615", "length 18446744073709551615"},
        {"18446744073709551616", nullptr, 1, "413", "413"},
        {"", nullptr, 1, "400", "400"},
        {"+1", nullptr, 1, "400", "400"},
        {"-1", nullptr, 1, "400", "400"},
        {"1,1", nullptr, 1, "400", "400"},
        {"0x1", nullptr, 1, "400", "400"},
        {"1_0", nullptr, 1, "400", "400"},
        {"1 ", nullptr, 1, "400", "400"},
        {nullptr, "chunked", 1, "chunked", "chunked"},
        {nullptr, "CHUNKED", 1, "chunked", "chunked"},
        {nullptr, "chunked", 0, "400", "400"},
        {"1", "chunked", 1, "400", "400"},
        {"0", "gzip", 1, "400", "400"},
        {nullptr, "chunked, chunked", 1, "400", "400"},
        {nullptr, "chunked, gzip", 1, "400", "400"},
        {nullptr, "gzip, chunked", 1, "501", "501"},
        {nullptr, "xchunked", 1, "501", "501"},
        {nullptr, "identity", 1, "501", "501"},
        {nullptr, "", 1, "400", "400"},
        {nullptr, "chunked,", 1, "400", "400"},
        {nullptr, "chunked;q=1", 1, "400", "400"},
        {nullptr, "chun ked", 1, "400", "400"},
    };
    for (const Row& row : rows) {
        const FramingFacts head = facts(row.length, row.encoding, row.minor_version);
        EXPECT_EQ(describe(decide_request_framing(head)), row.request) << name(row);
        EXPECT_EQ(describe(decide_response_framing(head)), row.response) << name(row);
    }
}

TEST(Framing, Rfc9112_6_3_TwoLinesAreNotOne) {
    FramingFacts lengths = facts("1", nullptr);
    lengths.note_content_length("1");
    EXPECT_EQ(describe(decide_request_framing(lengths)), "400");
    FramingFacts codings = facts(nullptr, "chunked");
    codings.note_transfer_encoding("chunked");
    EXPECT_EQ(describe(decide_request_framing(codings)), "400");
    FramingFacts reversed = facts(nullptr, "chunked");
    reversed.note_transfer_encoding("gzip");
    EXPECT_EQ(describe(decide_request_framing(reversed)), "400")
        << "chunked is not last in the list they make together";
}

TEST(Framing, Rfc9112_6_3_ResponsesThatNeverHaveABody) {
    for (const FramingFacts& fields : {facts("5", nullptr), facts(nullptr, "chunked"), facts(nullptr, nullptr)}) {
        FramingFacts head = fields;
        head.bodiless = true;
        EXPECT_EQ(describe(decide_response_framing(head)), "none");
    }
    FramingFacts conflict = facts("5", "chunked");
    conflict.bodiless = true;
    EXPECT_EQ(describe(decide_response_framing(conflict)), "400") << "also where nothing is framed by it";

    EXPECT_TRUE(never_has_body(Method::kHead, 200));
    EXPECT_TRUE(never_has_body(Method::kGet, 103));
    EXPECT_TRUE(never_has_body(Method::kGet, 204));
    EXPECT_TRUE(never_has_body(Method::kGet, 304));
    EXPECT_TRUE(never_has_body(Method::kConnect, 200));
    EXPECT_FALSE(never_has_body(Method::kConnect, 404));
    EXPECT_FALSE(never_has_body(Method::kGet, 205));
}

}  // namespace
}  // namespace caropig::http::h1
