#include "http/h1/framing.h"

#include "http/h1/list.h"
#include <caropig/http/chars.h>

#include <algorithm>
#include <charconv>

// How a body is framed (RFC 9112 6.3). The first rule that applies decides; the table below is these lines in code.
//
//   message    what the head says                                         framing
//   both       Content-Length twice, even with the same value             refused, 400
//   both       Content-Length with anything but digits: signs, lists      refused, 400
//   both       Content-Length beyond 2^64-1                               refused, 413
//   both       Transfer-Encoding and Content-Length                       refused, 400
//   both       Transfer-Encoding in HTTP/1.0                              refused, 400
//   both       Transfer-Encoding with an empty or malformed element       refused, 400
//   both       Transfer-Encoding with chunked twice                       refused, 400
//   both       Transfer-Encoding with chunked before another              refused, 400
//   both       Transfer-Encoding with any other coding                    refused, 501
//   response   to HEAD; 1xx, 204, 304; 2xx to CONNECT                     none
//   both       Transfer-Encoding: chunked                                 chunked
//   both       Content-Length                                             that many bytes
//   request    neither                                                    none
//   response   neither                                                    until close
//
// The RFC lets a recipient repair some of the refused ones: take the one of two equal lengths, prefer Transfer-Encoding
// to Content-Length, drop empty elements. Nothing is repaired here.

namespace caropig::http::h1 {
namespace {

enum class Side : std::uint8_t { kBoth, kRequest, kResponse };

struct Judged : FramingFacts {
    explicit Judged(const FramingFacts& facts) noexcept : FramingFacts(facts) {
        if (length_lines == 0) return;
        digits = !length.empty() && std::ranges::all_of(length, is_digit);
        if (!digits) return;
        const auto read = std::from_chars(length.data(), length.data() + length.size(), value);
        fits = read.ec == std::errc();
    }

    std::uint64_t value = 0;  // of Content-Length
    bool digits = false;
    bool fits = false;
};

struct Rule {
    Side side;
    bool (*applies)(const Judged& head) noexcept;
    Framing framing;  // where nothing is refused
    ParseError refusal = {};
};

constexpr Rule refuse(bool (*applies)(const Judged& head) noexcept, int status, const char* reason) noexcept {
    return {Side::kBoth, applies, Framing::kNone, {status, reason}};
}

constexpr Rule kRules[] = {
    refuse([](const Judged& head) noexcept { return head.length_lines > 1; }, 400, "repeated Content-Length"),
    refuse([](const Judged& head) noexcept { return head.length_lines == 1 && !head.digits; }, 400,
           "bad Content-Length"),
    refuse([](const Judged& head) noexcept { return head.length_lines == 1 && !head.fits; }, 413,
           "Content-Length too large"),
    refuse([](const Judged& head) noexcept { return head.encoded && head.length_lines != 0; }, 400,
           "both Transfer-Encoding and Content-Length"),
    refuse([](const Judged& head) noexcept { return head.encoded && head.minor_version == 0; }, 400,
           "Transfer-Encoding in HTTP/1.0"),
    refuse([](const Judged& head) noexcept { return head.bad_encoding; }, 400, "bad Transfer-Encoding"),
    refuse([](const Judged& head) noexcept { return head.chunked > 1; }, 400, "chunked applied twice"),
    refuse([](const Judged& head) noexcept { return head.chunked == 1 && !head.chunked_last; }, 400,
           "chunked is not the last coding"),
    refuse([](const Judged& head) noexcept { return head.other_coding; }, 501, "unknown transfer coding"),
    {Side::kResponse, [](const Judged& head) noexcept { return head.bodiless; }, Framing::kNone},
    {Side::kBoth, [](const Judged& head) noexcept { return head.encoded; }, Framing::kChunked},
    {Side::kBoth, [](const Judged& head) noexcept { return head.length_lines != 0; }, Framing::kLength},
    {Side::kRequest, [](const Judged&) noexcept { return true; }, Framing::kNone},
    {Side::kResponse, [](const Judged&) noexcept { return true; }, Framing::kUntilClose},
};

FramingDecision decide(const FramingFacts& facts, Side side) noexcept {
    const Judged head(facts);
    for (const Rule& rule : kRules) {
        if (rule.side != Side::kBoth && rule.side != side) continue;
        if (rule.applies(head)) return {rule.framing, head.value, rule.refusal};
    }
    return {};  // the last rule of each side always applies
}

}  // namespace

void FramingFacts::note_transfer_encoding(std::string_view value) noexcept {
    encoded = true;
    for_each_element(value, [this](std::string_view coding) {
        chunked_last = iequals(coding, "chunked");
        if (chunked_last) {
            ++chunked;
            return;
        }
        const std::string_view name = trim_ows(coding.substr(0, coding.find(';')));
        if (!is_token(name) || iequals(name, "chunked")) {
            bad_encoding = true;  // chunked takes no parameters
        } else {
            other_coding = true;
        }
    });
}

bool never_has_body(Method request_method, int status) noexcept {
    return request_method == Method::kHead || status / 100 == 1 || status == 204 || status == 304 ||
           (request_method == Method::kConnect && status / 100 == 2);
}

FramingDecision decide_request_framing(const FramingFacts& facts) noexcept { return decide(facts, Side::kRequest); }

FramingDecision decide_response_framing(const FramingFacts& facts) noexcept { return decide(facts, Side::kResponse); }

}  // namespace caropig::http::h1
