#include "http/h1/parser.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http::h1 {
namespace {

struct Request {
    ParseResult result;
    RequestHead head;
    std::array<HeaderView, 100> storage;
};

// Feeds the message as growing prefixes that end at `cuts`, each at another address, as a connection's buffer would.
template <class Parse>
ParseResult feed(std::string_view text, const std::vector<std::size_t>& cuts, std::string& kept, Parse&& parse) {
    ParseResult result;
    for (const std::size_t cut : cuts) {
        kept = std::string(text.substr(0, cut));
        kept.shrink_to_fit();
        result = parse(std::string_view(kept));
        if (result.state != ParseResult::kNeedMore) return result;
    }
    return result;
}

std::vector<std::vector<std::size_t>> all_cuts(std::size_t size) {
    std::vector<std::vector<std::size_t>> cuts = {{size}, {}};
    for (std::size_t i = 0; i <= size; ++i) {
        cuts[1].push_back(i);
        cuts.push_back({i, size});
    }
    return cuts;
}

std::string describe(const RequestHead& head) {
    std::string out = std::string(head.method_text) + '|' + std::string(head.path) + '|' + std::string(head.query) +
                      '|' + std::string(head.host) + '|' + std::to_string(head.minor_version) + '|' +
                      std::to_string(static_cast<int>(head.framing)) + '|' + std::to_string(head.content_length) + '|' +
                      (head.keep_alive ? 'k' : '-') + (head.expect_continue ? 'e' : '-') + (head.upgrade ? 'u' : '-');
    for (const HeaderView& field : head.fields) out.append("|").append(field.name).append("=").append(field.value);
    return out;
}

struct Accepted {
    const char* name;
    std::string text;
    std::string description;
};

class AcceptsRequest : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptsRequest, HoweverItArrives) {
    const std::string& text = GetParam().text;
    for (const auto& cuts : all_cuts(text.size())) {
        HeadParser parser;
        Request request;
        std::string kept;
        const ParseResult result = feed(text, cuts, kept, [&](std::string_view input) {
            return parser.parse_request(input, request.head, request.storage);
        });
        ASSERT_EQ(result.state, ParseResult::kDone) << result.error.reason << " cut at " << cuts.front();
        EXPECT_EQ(result.consumed, text.size());
        ASSERT_EQ(describe(request.head), GetParam().description) << "cut at " << cuts.front();
        EXPECT_FALSE(parser.in_progress());
    }
}

const Accepted kAccepted[] = {
    {"Rfc9112_3_OriginForm", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "GET|/a|b=c|x|1|0|0|k--|Host=x"},
    {"Rfc9112_2_2_OneEmptyLineBefore", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET|/||x|1|0|0|k--|Host=x"},
    {"Rfc9112_2_3_Http10", "GET / HTTP/1.0\r\n\r\n", "GET|/|||0|0|0|---"},
    {"Rfc9112_2_3_HigherMinor", "GET / HTTP/1.9\r\nHost: x\r\n\r\n", "GET|/||x|1|0|0|k--|Host=x"},
    {"Rfc9112_3_2_2_AbsoluteForm", "GET http://Ex.com:80?q HTTP/1.1\r\nHost: ex.com\r\n\r\n",
     "GET|/|q|Ex.com:80|1|0|0|k--|Host=ex.com"},
    {"Rfc9112_3_2_2_AbsoluteHttps", "GET https://a/p HTTP/1.1\r\nhost: a:443\r\n\r\n",
     "GET|/p||a|1|0|0|k--|host=a:443"},
    {"Rfc9112_3_2_3_AuthorityForm", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "CONNECT|||a:443|1|0|0|k--|Host=a"},
    {"Rfc9112_3_2_4_AsteriskForm", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS|*||a|1|0|0|k--|Host=a"},
    {"Rfc9112_3_2_Ipv6Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET|/||[::1]:80|1|0|0|k--|Host=[::1]:80"},
    {"Rfc9110_9_1_UnknownMethod", "M-SEARCH /%41 HTTP/1.1\r\nHost: x\r\n\r\n", "M-SEARCH|/%41||x|1|0|0|k--|Host=x"},
    {"BrowsersQueryBytes", "GET /?a={|}^`\\?[] HTTP/1.1\r\nHost: x\r\n\r\n", "GET|/|a={|}^`\\?[]|x|1|0|0|k--|Host=x"},
    {"Rfc9112_5_Whitespace", "GET / HTTP/1.1\r\nHost:\t x \t\r\nA:\r\nB:  \r\nC:a \t b\r\n\r\n",
     "GET|/||x|1|0|0|k--|Host=x|A=|B=|C=a \t b"},
    {"Rfc9110_5_5_ObsText", "GET / HTTP/1.1\r\nHost: x\r\nA: \xe6\x88\x90\r\n\r\n",
     "GET|/||x|1|0|0|k--|Host=x|A=\xe6\x88\x90"},
    {"Rfc9112_6_2_ContentLength", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0042\r\n\r\n",
     "POST|/||x|1|1|42|k--|Host=x|Content-Length=0042"},
    {"Rfc9112_6_2_LargestLength", "POST / HTTP/1.0\r\nCONTENT-LENGTH: 18446744073709551615\r\n\r\n",
     "POST|/|||0|1|18446744073709551615|---|CONTENT-LENGTH=18446744073709551615"},
    {"Rfc9112_6_1_Chunked", "POST / HTTP/1.1\r\nHost: x\r\ntransfer-encoding: Chunked\r\n\r\n",
     "POST|/||x|1|2|0|k--|Host=x|transfer-encoding=Chunked"},
    {"Rfc9112_9_3_Close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: a, CLOSE\r\n\r\n",
     "GET|/||x|1|0|0|---|Host=x|Connection=a, CLOSE"},
    {"Rfc9112_9_3_Http10KeepAlive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
     "GET|/|||0|0|0|k--|Connection=Keep-Alive"},
    {"Rfc9112_9_3_CloseWins", "GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
     "GET|/|||0|0|0|---|Connection=keep-alive|Connection=close"},
    {"Rfc9110_10_1_1_Expect", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n",
     "PUT|/||x|1|1|1|ke-|Host=x|Content-Length=1|Expect=100-Continue"},
    {"Rfc9110_10_1_1_ExpectIn10", "PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
     "PUT|/|||0|1|1|---|Content-Length=1|Expect=100-continue"},
    {"Rfc9110_10_1_1_ExpectWithoutBody", "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
     "GET|/||x|1|0|0|k--|Host=x|Expect=100-continue"},
    {"Rfc9110_10_1_1_ExpectList",
     "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: ,\t100-continue ,100-CONTINUE\r\n\r\n",
     "PUT|/||x|1|1|1|ke-|Host=x|Content-Length=1|Expect=,\t100-continue ,100-CONTINUE"},
    {"Rfc9112_9_3_ClosedIsNotClose", "GET / HTTP/1.1\r\nHost: x\r\nConnection: closed, x-close\r\n\r\n",
     "GET|/||x|1|0|0|k--|Host=x|Connection=closed, x-close"},
    {"Rfc9112_9_3_CloseOnASecondLine", "GET / HTTP/1.1\r\nHost: x\r\nConnection: te\r\nconnection:,\tclose,\r\n\r\n",
     "GET|/||x|1|0|0|---|Host=x|Connection=te|connection=,\tclose,"},
    {"Rfc9110_7_8_Upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
     "GET|/||x|1|0|0|k-u|Host=x|Connection=Upgrade|Upgrade=websocket"},
    {"Rfc9110_7_8_UpgradeNotNamed", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
     "GET|/||x|1|0|0|k--|Host=x|Upgrade=websocket"},
};

template <class Info>
std::string case_name(const Info& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Parser, AcceptsRequest, testing::ValuesIn(kAccepted),
                         case_name<testing::TestParamInfo<Accepted>>);

struct Refused {
    const char* name;
    int status;
    std::string text;
};

class RefusesRequest : public testing::TestWithParam<Refused> {};

TEST_P(RefusesRequest, HoweverItArrives) {
    const std::string& text = GetParam().text;
    std::string whole_reason;
    for (const auto& cuts : all_cuts(text.size())) {
        HeadParser parser;
        Request request;
        std::string kept;
        const ParseResult result = feed(text, cuts, kept, [&](std::string_view input) {
            return parser.parse_request(input, request.head, request.storage);
        });
        ASSERT_EQ(result.state, ParseResult::kError) << "cut at " << cuts.front();
        EXPECT_EQ(result.error.status, GetParam().status) << result.error.reason;
        if (whole_reason.empty()) whole_reason = result.error.reason;
        EXPECT_EQ(result.error.reason, whole_reason) << "cut at " << cuts.front();
    }
}

std::string get(const std::string& fields) { return "GET / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n"; }
std::string to(const std::string& target) { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"; }
std::string host(const std::string& value) { return "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n"; }

const Refused kRefused[] = {
    {"Rfc9112_2_2_TwoEmptyLines", 400, "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_2_2_BareLf", 400, "GET / HTTP/1.1\nHost: x\n\n"},
    {"Rfc9112_2_2_BareLfInFields", 400, get("A: b\nC: d\r\n")},
    {"Rfc9112_2_2_BareCr", 400, get("A: b\rC: d\r\n")},
    {"Rfc9112_2_2_LeadingSpace", 400, " GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"TlsClientHello", 400, "\x16\x03\x01\x02"},
    {"Rfc9110_5_5_Nul", 400, get(std::string("A: b\0c\r\n", 8))},
    {"Rfc9110_5_5_Control", 400, get("A: b\x01\r\n")},
    {"Rfc9110_5_5_Delete", 400, get("A: b\x7f\r\n")},
    {"Rfc9112_3_TwoSpaces", 400, "GET  / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_3_TrailingSpace", 400, "GET / HTTP/1.1 \r\nHost: x\r\n\r\n"},
    {"Rfc9112_3_Tab", 400, "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_3_NoVersion", 400, "GET /\r\n\r\n"},
    {"Rfc9112_3_MethodOnly", 400, "GET\r\n\r\n"},
    {"Rfc9112_3_SpaceInTarget", 400, to("/a b")},
    {"Rfc9112_3_BadMethod", 400, "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_2_3_LowerCaseVersion", 400, "GET / http/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_2_3_LongVersion", 400, "GET / HTTP/1.10\r\nHost: x\r\n\r\n"},
    {"Rfc9112_2_3_Http2", 505, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
    {"Rfc9112_2_3_Http09", 505, "GET / HTTP/0.9\r\nHost: x\r\n\r\n"},
    {"Rfc9113_3_4_Preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"Rfc9112_3_2_Fragment", 400, to("/a#b")},
    {"Rfc9112_3_2_Quote", 400, to("/\"")},
    {"Rfc9112_3_2_Backslash", 400, to("/a\\b")},
    {"Rfc9112_3_2_NonAscii", 400, to("/\xc3\xa9")},
    {"Rfc3986_2_1_BadEscape", 400, to("/%g0")},
    {"Rfc3986_2_1_ShortEscape", 400, to("/%1")},
    {"Rfc9112_3_2_NoSlash", 400, to("index")},
    {"Rfc9112_3_2_OtherScheme", 400, to("ftp://x/")},
    {"Rfc9112_3_2_4_AsteriskWithGet", 400, to("*")},
    {"Rfc9112_3_2_3_ConnectOrigin", 400, "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_3_2_3_ConnectNoPort", 400, "CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"Rfc9112_3_2_3_AuthorityWithGet", 400, to("x:80")},
    {"Rfc9112_3_2_2_HostDisagrees", 400, to("http://y/")},
    {"Rfc9112_3_2_2_PortDisagrees", 400, to("http://x:81/")},
    {"Rfc9112_3_2_2_NoAuthority", 400, to("http:///")},
    {"Rfc9110_4_2_4_Userinfo", 400, to("http://u@x/")},
    {"Rfc9112_3_2_NoHost", 400, "GET / HTTP/1.1\r\n\r\n"},
    {"Rfc9112_3_2_TwoHosts", 400, get("Host: x\r\n")},
    {"Rfc9112_3_2_TwoHostsIn10", 400, "GET / HTTP/1.0\r\nHost: x\r\nhost: x\r\n\r\n"},
    {"Rfc9112_3_2_EmptyHost", 400, host("")},
    {"Rfc9112_3_2_HostList", 400, host("a, b")},
    {"Rfc9112_3_2_HostWithPath", 400, host("a/b")},
    {"Rfc9112_3_2_HostWithUser", 400, host("u@a")},
    {"Rfc9112_3_2_HostBadPort", 400, host("a:8x")},
    {"Rfc9112_3_2_HostPortTooLarge", 400, host("a:65536")},
    {"Rfc9112_3_2_HostTwoColons", 400, host("a:1:2")},
    {"Rfc9112_3_2_HostBadIpv6", 400, host("[::g]")},
    {"Rfc9112_5_1_SpaceBeforeColon", 400, get("A : b\r\n")},
    {"Rfc9112_5_1_NoColon", 400, get("Abc\r\n")},
    {"Rfc9112_5_1_NoName", 400, get(": b\r\n")},
    {"Rfc9112_5_1_BadName", 400, get("A@b: c\r\n")},
    {"Rfc9112_5_2_Folding", 400, get("A: b\r\n c\r\n")},
    {"Rfc9112_2_2_SpaceBeforeFirstField", 400, "GET / HTTP/1.1\r\n Host: x\r\n\r\n"},
    {"Rfc9112_6_3_LengthAndChunked", 400, get("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
    {"Rfc9112_6_3_ChunkedAndLength", 400, get("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n")},
    {"Rfc9112_6_1_ChunkedIn10", 400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {"Rfc9112_6_1_ChunkedTwice", 400, get("Transfer-Encoding: chunked, chunked\r\n")},
    {"Rfc9112_6_1_ChunkedOnTwoLines", 400, get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
    {"Rfc9112_6_1_ChunkedNotLast", 400, get("Transfer-Encoding: chunked, gzip\r\n")},
    {"Rfc9112_6_1_ChunkedWithParameter", 400, get("Transfer-Encoding: chunked;a=b\r\n")},
    {"Rfc9112_6_1_EmptyCoding", 400, get("Transfer-Encoding:\r\n")},
    {"Rfc9112_6_1_EmptyElement", 400, get("Transfer-Encoding: chunked,\r\n")},
    {"Rfc9112_6_1_QuotedCoding", 400, get("Transfer-Encoding: \"chunked\"\r\n")},
    {"Rfc9112_6_1_GzipChunked", 501, get("Transfer-Encoding: gzip, chunked\r\n")},
    {"Rfc9112_6_1_UnknownCoding", 501, get("Transfer-Encoding: xchunked\r\n")},
    {"Rfc9112_6_1_Identity", 501, get("Transfer-Encoding: identity\r\n")},
    {"Rfc9110_8_6_LengthSign", 400, get("Content-Length: +1\r\n")},
    {"Rfc9110_8_6_LengthMinus", 400, get("Content-Length: -1\r\n")},
    {"Rfc9110_8_6_LengthHex", 400, get("Content-Length: 0x1\r\n")},
    {"Rfc9110_8_6_LengthUnderscore", 400, get("Content-Length: 1_0\r\n")},
    {"Rfc9110_8_6_LengthSpace", 400, get("Content-Length: 1 0\r\n")},
    {"Rfc9110_8_6_LengthEmpty", 400, get("Content-Length:\r\n")},
    {"Rfc9110_8_6_LengthList", 400, get("Content-Length: 1, 1\r\n")},
    {"Rfc9110_8_6_LengthTwice", 400, get("Content-Length: 1\r\nContent-Length: 1\r\n")},
    {"Rfc9110_8_6_LengthOverflow", 413, get("Content-Length: 18446744073709551616\r\n")},
    {"Rfc9110_10_1_1_UnknownExpectation", 417, get("Expect: magic\r\n")},
    {"Rfc9110_10_1_1_UnknownExpectationInAList", 417, get("Expect: 100-continue, magic\r\n")},
    {"Rfc9110_10_1_1_UnknownExpectationOnALine", 417, get("Expect: 100-continue\r\nExpect: 100-continues\r\n")},
    {"Rfc9110_7_6_1_ConnectionOptionWithSpace", 400, get("Connection: close x\r\n")},
    {"Rfc9110_7_6_1_ConnectionOptionQuoted", 400, get("Connection: \"close\"\r\n")},
};

INSTANTIATE_TEST_SUITE_P(Parser, RefusesRequest, testing::ValuesIn(kRefused),
                         case_name<testing::TestParamInfo<Refused>>);

ParseResult parse_with(const HeadLimits& limits, std::string_view text) {
    HeadParser parser(limits);
    Request request;
    const ParseResult whole = parser.parse_request(text, request.head, request.storage);
    HeadParser by_byte(limits);
    std::string kept;
    const ParseResult split = feed(text, all_cuts(text.size())[1], kept, [&](std::string_view input) {
        return by_byte.parse_request(input, request.head, request.storage);
    });
    EXPECT_EQ(whole.state, split.state);
    EXPECT_EQ(whole.consumed, split.consumed);
    EXPECT_STREQ(whole.error.reason, split.error.reason);
    return whole;
}

TEST(ParserLimits, HeadBytes) {
    const std::string text = get("A: 0123456789\r\n");
    HeadLimits limits;
    limits.max_bytes = text.size();
    EXPECT_EQ(parse_with(limits, text).state, ParseResult::kDone);
    EXPECT_EQ(parse_with(limits, text + "more").state, ParseResult::kDone);
    limits.max_bytes = text.size() - 1;
    EXPECT_EQ(parse_with(limits, text).error.status, 431);
    // No line end has come: the limit still holds, and not earlier.
    EXPECT_EQ(parse_with(limits, text.substr(0, limits.max_bytes)).error.status, 431);
    EXPECT_EQ(parse_with(limits, text.substr(0, limits.max_bytes - 1)).state, ParseResult::kNeedMore);
}

TEST(ParserLimits, Fields) {
    HeadLimits limits;
    limits.max_fields = 3;
    EXPECT_EQ(parse_with(limits, get("A: 1\r\nB: 2\r\n")).state, ParseResult::kDone);
    EXPECT_EQ(parse_with(limits, get("A: 1\r\nB: 2\r\nC: 3\r\n")).error.status, 431);
    std::array<HeaderView, 1> storage;
    HeadParser parser;
    RequestHead head;
    EXPECT_EQ(parser.parse_request(get("A: 1\r\n"), head, storage).error.status, 431);
}

TEST(ParserLimits, Target) {
    HeadLimits limits;
    limits.max_target = 10;
    EXPECT_EQ(parse_with(limits, to("/" + std::string(9, 'a'))).state, ParseResult::kDone);
    EXPECT_EQ(parse_with(limits, to("/" + std::string(10, 'a'))).error.status, 414);
    EXPECT_EQ(parse_with(limits, "GET /" + std::string(100, 'a')).error.status, 414);
    EXPECT_EQ(parse_with(limits, std::string(100, 'A')).error.status, 501) << "the method is what is too long";
    EXPECT_EQ(parse_with(limits, std::string(65, 'A') + " /" + std::string(100, 'a')).error.status, 501);
    EXPECT_EQ(parse_with(limits, std::string(64, 'A') + " /" + std::string(100, 'a')).error.status, 414);
    EXPECT_EQ(parse_with({}, to("/" + std::string(8191, 'a'))).state, ParseResult::kDone);
}

TEST(Parser, ReadsPipelinedRequestsOneByOne) {
    const std::string one = get("A: 1\r\n");
    const std::string text = one + get("B: 2\r\n");
    HeadParser parser;
    Request request;
    EXPECT_EQ(parser.parse_request(text, request.head, request.storage).consumed, one.size());
    const ParseResult second =
        parser.parse_request(std::string_view(text).substr(one.size()), request.head, request.storage);
    EXPECT_EQ(second.state, ParseResult::kDone);
    EXPECT_EQ(request.head.fields.find("b"), "2");
    EXPECT_EQ(request.head.fields.find("a"), std::nullopt);
}

TEST(Parser, ViewsPointIntoTheInput) {
    const std::string text = get("");
    HeadParser parser;
    Request request;
    ASSERT_EQ(parser.parse_request(text, request.head, request.storage).state, ParseResult::kDone);
    EXPECT_EQ(request.head.target.data(), text.data() + 4);
    EXPECT_EQ(request.head.host.data(), text.data() + text.find('x'));
}

TEST(Parser, ResetForgetsAPartialHead) {
    HeadParser parser;
    Request request;
    EXPECT_EQ(parser.parse_request("GET / HTTP/1.1\r\nA: ", request.head, request.storage).state,
              ParseResult::kNeedMore);
    EXPECT_TRUE(parser.in_progress());
    parser.reset();
    EXPECT_FALSE(parser.in_progress());
    EXPECT_EQ(parser.parse_request(get(""), request.head, request.storage).state, ParseResult::kDone);
}

TEST(Parser, RemembersTheMethodOfWhatItRefuses) {
    for (const char* fault : {"HEAD / HTTP/1.1\r\nbad\r\n", "HEAD / HTTP/2.0\r\n", "HEAD / HTTP/1.1\r\n\r\n"}) {
        HeadParser parser;
        Request request;
        EXPECT_EQ(parser.method(), Method::kOther);
        EXPECT_EQ(parser.parse_request(fault, request.head, request.storage).state, ParseResult::kError) << fault;
        EXPECT_EQ(parser.method(), Method::kHead) << fault;
        parser.reset();
        EXPECT_EQ(parser.method(), Method::kOther);
        request.head.method = Method::kHead;
        EXPECT_EQ(parser.parse_request("()\r\n", request.head, request.storage).state, ParseResult::kError);
        EXPECT_EQ(parser.method(), Method::kOther);
    }
}

TEST(Parser, RemembersAHostNoLongerThanItIsTheSame) {
    HeadParser parser;
    Request request;
    const std::string long_name(60, 'a');
    for (const std::string& name :
         {std::string("a"), std::string("a"), std::string("a:80"), std::string("a"), long_name, long_name}) {
        const std::string text = host(name);
        ASSERT_EQ(parser.parse_request(text, request.head, request.storage).state, ParseResult::kDone) << name;
        EXPECT_EQ(request.head.host, name);
        for (const std::string& bad : {name + "/", "[" + name, std::string()}) {
            HeadParser copy = parser;
            const std::string refused = host(bad);
            EXPECT_EQ(copy.parse_request(refused, request.head, request.storage).error.status, 400) << bad;
        }
    }
}

// Names are compared a word at a time. What differs from one of them by a byte is another field, whichever the byte.
TEST(Parser, Rfc9110_5_1_KnowsNamesByEachByteAndInAnyCase) {
    const auto effect_of = [](const std::string& name, const std::string& value) {
        const std::string text = "GET / HTTP/1.1\r\nHost: h\r\n" + name + ": " + value + "\r\n\r\n";
        HeadParser parser;
        Request request;
        request.result = parser.parse_request(text, request.head, request.storage);
        const RequestHead& head = request.head;
        return std::to_string(request.result.error.status) + (head.keep_alive ? "k" : "-") +
               std::to_string(head.content_length) + std::to_string(static_cast<int>(head.framing));
    };
    const std::string none = effect_of("X-Other", "1");
    const std::pair<std::string, std::string> fields[] = {{"host", "h"},
                                                          {"expect", "x"},
                                                          {"connection", "close"},
                                                          {"content-length", "5"},
                                                          {"transfer-encoding", "chunked"}};
    for (const auto& [name, value] : fields) {
        ASSERT_NE(effect_of(name, value), none) << name;
        for (std::size_t at = 0; at < name.size(); ++at) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string other = name;
                other[at] = static_cast<char>(byte);
                if (!is_token_char(other[at])) continue;
                const bool same = to_lower(other[at]) == name[at];
                EXPECT_EQ(effect_of(other, value) == none, !same) << other;
            }
        }
    }
}

TEST(Parser, Rfc9110_7_4_TellsHttpsTargets) {
    const auto https = [](const std::string& target) {
        HeadParser parser;
        Request request;
        const std::string text = to(target);
        EXPECT_EQ(parser.parse_request(text, request.head, request.storage).state, ParseResult::kDone) << target;
        return request.head.https_target;
    };
    EXPECT_TRUE(https("https://x/"));
    EXPECT_TRUE(https("HTTPS://x"));
    EXPECT_FALSE(https("http://x/"));
    EXPECT_FALSE(https("/https://x/"));
}

struct Response {
    const char* name;
    Method method;
    std::string text;
    std::string description;  // status|reason|minor|framing|length|keep-alive, or an error's status
};

class ReadsResponse : public testing::TestWithParam<Response> {};

TEST_P(ReadsResponse, HoweverItArrives) {
    const std::string& text = GetParam().text;
    for (const auto& cuts : all_cuts(text.size())) {
        HeadParser parser;
        ResponseHead head;
        std::array<HeaderView, 100> storage;
        std::string kept;
        const ParseResult result = feed(text, cuts, kept, [&](std::string_view input) {
            return parser.parse_response(input, GetParam().method, head, storage);
        });
        std::string description = std::to_string(result.error.status);
        if (result.state == ParseResult::kDone) {
            description = std::to_string(head.status) + '|' + std::string(head.reason) + '|' +
                          std::to_string(head.minor_version) + '|' + std::to_string(static_cast<int>(head.framing)) +
                          '|' + std::to_string(head.content_length) + '|' + (head.keep_alive ? 'k' : '-');
        }
        ASSERT_EQ(description, GetParam().description) << result.error.reason << " cut at " << cuts.front();
    }
}

const Response kResponses[] = {
    {"Rfc9112_6_3_Length", Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200|OK|1|1|5|k"},
    {"Rfc9112_6_3_Chunked", Method::kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200|OK|1|2|0|k"},
    {"Rfc9112_6_3_UntilClose", Method::kGet, "HTTP/1.1 200 OK\r\n\r\n", "200|OK|1|3|0|-"},
    {"Rfc9112_6_3_Head", Method::kHead, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200|OK|1|0|5|k"},
    {"Rfc9112_6_3_HeadChunked", Method::kHead, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "200|OK|1|0|0|k"},
    {"Rfc9112_6_3_NoContent", Method::kGet, "HTTP/1.1 204 No Content\r\n\r\n", "204|No Content|1|0|0|k"},
    {"Rfc9112_6_3_NotModified", Method::kGet, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
     "304|Not Modified|1|0|9|k"},
    {"Rfc9112_6_3_Interim", Method::kGet, "HTTP/1.1 100 Continue\r\n\r\n", "100|Continue|1|0|0|k"},
    {"Rfc9112_6_3_Tunnel", Method::kConnect, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200|OK|1|0|5|-"},
    {"Rfc9112_6_3_TunnelRefused", Method::kConnect, "HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\n", "403|No|1|1|5|k"},
    {"Rfc9112_4_EmptyReason", Method::kGet, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200||1|1|0|k"},
    {"Rfc9112_4_NoReasonNoSpace", Method::kGet, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200||1|1|0|k"},
    {"Rfc9112_9_3_Http10", Method::kGet, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "200|OK|0|1|0|-"},
    {"Rfc9112_9_3_Http10KeepAlive", Method::kGet,
     "HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", "200|OK|0|1|0|k"},
    {"Rfc9112_9_3_Close", Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
     "200|OK|1|1|0|-"},
    {"Rfc9112_6_3_Both", Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     "400"},
    {"Rfc9112_6_1_UnknownCoding", Method::kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
    {"Rfc9112_6_3_TwoLengths", Method::kGet, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
     "400"},
    {"Rfc9112_4_EmptyLineBefore", Method::kGet, "\r\nHTTP/1.1 200 OK\r\n\r\n", "400"},
    {"Rfc9112_4_TwoDigits", Method::kGet, "HTTP/1.1 20 OK\r\n\r\n", "400"},
    {"Rfc9112_4_FourDigits", Method::kGet, "HTTP/1.1 2000 OK\r\n\r\n", "400"},
    {"Rfc9112_4_ZeroStatus", Method::kGet, "HTTP/1.1 099 OK\r\n\r\n", "400"},
    {"Rfc9112_4_NoStatus", Method::kGet, "HTTP/1.1\r\n\r\n", "400"},
    {"Rfc9112_4_NotHttp", Method::kGet, "SSH-2.0-OpenSSH_9.2p1 Debian\r\n\r\n", "400"},
    {"Rfc9112_2_3_Http2", Method::kGet, "HTTP/2.0 200 OK\r\n\r\n", "505"},
    {"Rfc9112_2_2_BareLf", Method::kGet, "HTTP/1.1 200 OK\n\n", "400"},
};

INSTANTIATE_TEST_SUITE_P(Parser, ReadsResponse, testing::ValuesIn(kResponses),
                         case_name<testing::TestParamInfo<Response>>);

}  // namespace
}  // namespace caropig::http::h1
