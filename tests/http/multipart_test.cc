#include <caropig/http/multipart.h>

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

using namespace std::string_literals;
using Event = MultipartParser::Event;

/// Feeds a body in pieces that end at the given places and shows what comes of it: `name[file](type)=body` for each
/// part, and how it ended.
std::string parse_cut(std::string_view body, const std::vector<std::size_t>& cuts, const MultipartLimits& limits = {},
                      std::string_view boundary = "B") {
    auto parser = MultipartParser::create(boundary, limits);
    if (!parser) return std::to_string(parser.error().status) + " " + parser.error().reason;
    std::string shown;
    std::size_t begin = 0;
    for (std::size_t cut : cuts) {
        const std::string piece(body.substr(begin, cut - begin));  // a copy, so that ASan sees reads beyond it
        begin = cut;
        std::string_view input = piece;
        for (;;) {
            const auto step = parser->next(input);
            EXPECT_LE(step.consumed, input.size());
            input.remove_prefix(step.consumed);
            if (step.event == Event::kNeedMore) {
                EXPECT_TRUE(input.empty());
                break;
            }
            if (step.event == Event::kPart) {
                shown += parser->part().name;
                if (parser->part().file_name) shown += "[" + *parser->part().file_name + "]";
                if (!parser->part().content_type.empty()) shown += "(" + parser->part().content_type + ")";
                shown += "=";
            } else if (step.event == Event::kData) {
                EXPECT_FALSE(step.data.empty());
                shown += step.data;
            } else if (step.event == Event::kPartEnd) {
                shown += "; ";
            } else if (step.event == Event::kEnd) {
                EXPECT_TRUE(parser->done());
                shown += "end";
            } else {
                EXPECT_EQ(parser->next(input).event, Event::kError) << "an error stays one";
                EXPECT_FALSE(parser->done());
                return shown + std::to_string(parser->error().status) + " " + parser->error().reason;
            }
        }
    }
    return parser->done() ? shown : shown + "cut off";
}

std::string parse(std::string_view body, const MultipartLimits& limits = {}, std::string_view boundary = "B") {
    return parse_cut(body, {body.size()}, limits, boundary);
}

std::vector<std::size_t> every(std::size_t step, std::size_t size) {
    std::vector<std::size_t> cuts;
    for (std::size_t at = step; at < size; at += step) cuts.push_back(at);
    cuts.push_back(size);
    return cuts;
}

/// A part as browsers write it.
std::string part(std::string_view name, std::string_view body) {
    return "--B\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" + std::string(body) +
           "\r\n";
}
std::string with_header(std::string_view header, std::string_view body = "x") {
    return "--B\r\n" + std::string(header) + "\r\n" + std::string(body) + "\r\n--B--\r\n";
}
const std::string kEnd = "--B--\r\n";

struct Case {
    std::string name;
    std::string body;
    std::string shown;

    friend void PrintTo(const Case& each, std::ostream* out) { *out << each.name; }
};

class Multipart : public testing::TestWithParam<Case> {};

TEST_P(Multipart, IsTheSameHoweverItIsCut) {
    const auto& [name, body, shown] = GetParam();
    EXPECT_EQ(parse(body), shown);
    EXPECT_EQ(parse_cut(body, every(1, body.size())), shown) << "byte by byte";
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
        EXPECT_EQ(parse_cut(body, {cut, body.size()}), shown) << "cut at " << cut;
    }
    for (std::size_t step = 2; step < 12; ++step) {
        EXPECT_EQ(parse_cut(body, every(step, body.size())), shown) << "in pieces of " << step;
    }
}

const std::string kDisposition = "Content-Disposition: form-data; name=a\r\n";

INSTANTIATE_TEST_SUITE_P(
    Good, Multipart,
    testing::ValuesIn(std::vector<Case>{
        {"One", part("a", "1") + kEnd, "a=1; end"},
        {"Several", part("a", "1") + part("b", "2") + part("a", "3") + kEnd, "a=1; b=2; a=3; end"},
        {"NoPart", kEnd, "end"},
        {"NoLineEndAfterTheLastBoundary", part("a", "1") + "--B--", "a=1; end"},
        {"EmptyBody", part("a", "") + kEnd, "a=; end"},
        {"EmptyBodyWhoseLineEndIsTheHeaders", "--B\r\n" + kDisposition + "\r\n--B--", "a=; end"},
        {"File",
         with_header("Content-Disposition: form-data; name=\"a\"; filename=\"b.txt\"\r\nContent-Type: text/plain\r\n"),
         "a[b.txt](text/plain)=x; end"},
        {"NoFileChosen",
         with_header("Content-Disposition: form-data; name=\"a\"; filename=\"\"\r\nContent-Type: "
                     "application/octet-stream\r\n",
                     ""),
         "a[](application/octet-stream)=; end"},
        {"FileNameOfRfc8187", with_header("Content-Disposition: form-data; name=a; filename*=UTF-8''%c3%a4.txt\r\n"),
         "a[ä.txt]=x; end"},
        {"Utf8", with_header("Content-Disposition: form-data; name=\"ä\"; filename=\"成功\"\r\n"), "ä[成功]=x; end"},
        {"NamesInAnyCase", with_header("CONTENT-disposition: Form-Data; NAME=a\r\n"), "a=x; end"},
        {"OtherFields", with_header("X-One: 1\r\n" + kDisposition + "X-Two:\r\n"), "a=x; end"},
        {"IdentityEncodings", with_header(kDisposition + "Content-Transfer-Encoding: 8BIT\r\n"), "a=x; end"},
        {"Preamble", "hello\r\n--A\r\n\r\n" + part("a", "1") + kEnd, "a=1; end"},
        {"PreambleOfLineEnds", "\r\n\r\n\r\r\n" + part("a", "1") + kEnd, "a=1; end"},
        {"PreambleOfABoundaryThatBeginsNoLine", "x" + part("a", "1") + kEnd, "end"},
        {"Epilogue", part("a", "1") + kEnd + part("b", "2") + kEnd, "a=1; end"},
        {"PaddingBehindTheBoundary",
         "--B \t\r\n" + kDisposition + "\r\nx\r\n--B  \r\n" + kDisposition + "\r\ny\r\n--B--", "a=x; a=y; end"},
        {"BodyOfLineEnds", part("a", "\r\n\r\n") + kEnd, "a=\r\n\r\n; end"},
        {"BodyOfCarriageReturns", part("a", "\r\r\r") + kEnd, "a=\r\r\r; end"},
        {"BodyOfBeginningsOfTheBoundary", part("a", "\r\n--\r\n-\r\n\r\n--b\r\n--\r") + kEnd,
         "a=\r\n--\r\n-\r\n\r\n--b\r\n--\r; end"},
        {"BodyThatBeginsLikeABoundary", part("a", "--A--B") + kEnd, "a=--A--B; end"},
        {"BodyThatBeginsWithADash", part("a", "-") + kEnd, "a=-; end"},
        {"BoundaryWithoutCr", part("a", "x\n--B\n") + kEnd, "a=x\n--B\n; end"},
        {"BoundaryWithoutLf", part("a", "x\r--B") + kEnd, "a=x\r--B; end"},
        {"Nul", part("a", "\0\r\n\0"s) + kEnd, "a=\0\r\n\0; end"s},
        {"MultipartFileIsOpaque",
         with_header("Content-Disposition: form-data; name=a; filename=p.mht\r\nContent-Type: multipart/related\r\n"),
         "a[p.mht](multipart/related)=x; end"},
    }),
    [](const auto& test) { return test.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Bad, Multipart,
    testing::ValuesIn(std::vector<Case>{
        {"Nothing", "", "cut off"},
        {"OnlyPreamble", "hello", "cut off"},
        {"CutOffInTheBoundary", "--B", "cut off"},
        {"CutOffInTheHeader", "--B\r\n" + kDisposition, "cut off"},
        {"CutOffInTheBody", part("a", "1"), "a=1cut off"},
        {"CutOffInTheLastBoundary", part("a", "1") + "--B-", "a=1; cut off"},
        {"LineEndWithoutCr", "--B\n" + kDisposition + "\r\nx\r\n--B--", "400 bytes behind a multipart boundary"},
        {"CrWithoutLf", "--B\rx", "400 CR without LF behind a multipart boundary"},
        {"LongerBoundary", part("a", "\r\n--BC\r\n") + kEnd, "a=; 400 bytes behind a multipart boundary"},
        {"OneDash", "--B-x", "400 bytes behind a multipart boundary"},
        {"DashBehindPadding", "--B --", "400 bytes behind a multipart boundary"},
        {"NoHeader", "--B\r\n\r\nx\r\n--B--", "400 a multipart part without Content-Disposition"},
        {"HeaderLineWithoutCr", with_header("X: y\n" + kDisposition),
         "400 a line of a multipart part's header ends without CR"},
        {"CrInAHeader", with_header("X: y\rZ: z\r\n" + kDisposition),
         "400 a control character in a multipart part's header"},
        {"NulInAHeader", with_header("X: \0\r\n"s + kDisposition),
         "400 a control character in a multipart part's header"},
        {"FoldedLine", with_header("Content-Disposition: form-data;\r\n name=a\r\n"),
         "400 a bad field in a multipart part's header"},
        {"NoColon", with_header("X\r\n" + kDisposition), "400 a bad field in a multipart part's header"},
        {"SpaceBeforeTheColon", with_header("X : y\r\n" + kDisposition),
         "400 a bad field in a multipart part's header"},
        {"NoDisposition", with_header("Content-Type: text/plain\r\n"),
         "400 a multipart part without Content-Disposition"},
        {"TwoDispositions", with_header(kDisposition + kDisposition), "400 a field twice in a multipart part's header"},
        {"TwoTypes", with_header(kDisposition + "Content-Type: a/b\r\nContent-type: a/c\r\n"),
         "400 a field twice in a multipart part's header"},
        {"Attachment", with_header("Content-Disposition: attachment; name=a\r\n"),
         "400 a multipart part that is no form-data"},
        {"NoName", with_header("Content-Disposition: form-data\r\n"), "400 a multipart part without a name"},
        {"EmptyName", with_header("Content-Disposition: form-data; name=\"\"\r\n"),
         "400 a multipart part without a name"},
        {"TwoNames", with_header("Content-Disposition: form-data; name=a; name=b\r\n"),
         "400 a bad Content-Disposition in a multipart part"},
        {"NameThatIsNotUtf8", with_header("Content-Disposition: form-data; name=\"\xff\"\r\n"),
         "400 a bad Content-Disposition in a multipart part"},
        {"QuoteThatDoesNotEnd", with_header("Content-Disposition: form-data; name=\"a\r\n"),
         "400 a bad Content-Disposition in a multipart part"},
        {"Base64", with_header(kDisposition + "Content-Transfer-Encoding: base64\r\n"),
         "400 a multipart part with a transfer encoding"},
        {"Nested", with_header(kDisposition + "Content-Type: Multipart/mixed; boundary=C\r\n"),
         "400 a multipart part within a part"},
    }),
    [](const auto& test) { return test.param.name; });

TEST(MultipartBoundary, IsOneOfRfc2046) {
    const std::string longest(70, 'a');
    for (const std::string& boundary : {"B"s, "----WebKitFormBoundaryAbC123"s, "'()+_,-./:=?"s, "a b"s, longest}) {
        std::string body = "--" + boundary + "\r\n";
        body.append(kDisposition).append("\r\nx\r\n--").append(boundary).append("--");
        EXPECT_EQ(parse(body, {}, boundary), "a=x; end");
    }
    for (const std::string& boundary : {""s, "a "s, longest + "a", "a\r\n"s, "a\""s, "a\tb"s, "\xc3\xa4"s, "a;b"s}) {
        EXPECT_EQ(parse("", {}, boundary), "400 no valid multipart boundary") << boundary;
    }
}

TEST(MultipartLimits, EachIsKeptToTheLast) {
    const std::string two = part("a", "1") + part("b", "2") + kEnd;
    EXPECT_EQ(parse(two, MultipartLimits().max_parts(2)), "a=1; b=2; end");
    EXPECT_EQ(parse(two, MultipartLimits().max_parts(1)), "a=1; 413 too many parts in a multipart body");

    const std::string header = kDisposition + "X: y\r\n";
    EXPECT_EQ(parse(with_header(header), MultipartLimits().max_header_bytes(header.size() + 2)), "a=x; end");
    const auto tight = MultipartLimits().max_header_bytes(header.size() + 1);
    EXPECT_EQ(parse(with_header(header), tight), "413 a multipart part's header is too long");
    const std::string body = with_header(header);
    EXPECT_EQ(parse_cut(body, every(1, body.size()), tight), "413 a multipart part's header is too long");
    EXPECT_EQ(parse("--B\r\n" + std::string(100000, 'x')), "413 a multipart part's header is too long")
        << "without waiting for its end";

    EXPECT_EQ(parse(with_header(header), MultipartLimits().max_header_fields(2)), "a=x; end");
    EXPECT_EQ(parse(with_header(header), MultipartLimits().max_header_fields(1)),
              "413 too many fields in a multipart part's header");

    const std::string named = part("four", "1") + kEnd;
    EXPECT_EQ(parse(named, MultipartLimits().max_name_bytes(4)), "four=1; end");
    EXPECT_EQ(parse(named, MultipartLimits().max_name_bytes(3)), "413 the name of a multipart part is too long");
}

TEST(MultipartLimits, DefaultsAreTornados) {
    std::string body;
    for (int i = 0; i < 100; ++i) body += part("a", "");
    EXPECT_TRUE(parse(body + kEnd).ends_with("end"));
    EXPECT_TRUE(parse(body + part("a", "") + kEnd).ends_with("413 too many parts in a multipart body"));
}

TEST(MultipartData, ViewsTheInputWhereItCan) {
    auto parser = MultipartParser::create("B");
    const std::string content = "\r\n--\r\nlong\r\n--C";
    const std::string body = part("a", content) + kEnd;
    std::string_view input = body;
    auto step = parser->next(input);
    ASSERT_EQ(step.event, Event::kPart);
    input.remove_prefix(step.consumed);
    step = parser->next(input);
    ASSERT_EQ(step.event, Event::kData);
    EXPECT_EQ(step.data.data(), input.data()) << "no copy";
    EXPECT_EQ(step.data, content) << "and all of it in one step";
    input.remove_prefix(step.consumed);
    EXPECT_EQ(parser->next(input).event, Event::kPartEnd);
}

/// The steps that a body takes, byte by byte, as a measure of work that no machine's speed changes.
std::size_t steps_of(std::string_view body) {
    auto parser = MultipartParser::create(std::string(70, 'B'));
    std::size_t steps = 0;
    for (std::size_t at = 0; at < body.size(); ++at) {
        std::string_view input = body.substr(at, 1);
        while (!input.empty()) {
            const auto step = parser->next(input);
            input.remove_prefix(step.consumed);
            ++steps;
        }
    }
    return steps;
}

TEST(MultipartData, BeginningsOfBoundariesCostNoMoreThanTheirLength) {
    const std::string boundary(70, 'B');
    std::string body = "--" + boundary + "\r\n" + kDisposition + "\r\n";
    for (int i = 0; i < 1000; ++i) body += "\r\n--" + boundary.substr(0, 69);
    EXPECT_LE(steps_of(body), 2 * body.size());
    EXPECT_LE(steps_of(std::string(100000, '\r')), 200000U);
}

}  // namespace
}  // namespace caropig::http
