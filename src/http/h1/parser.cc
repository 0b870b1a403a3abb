#include "http/h1/parser.h"

#include "http/authority.h"
#include "http/h1/field_line.h"
#include "http/h1/list.h"
#include "http/h1/scan.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <type_traits>

namespace caropig::http::h1 {
namespace {

constexpr ParseError kNoError{};

// Of the fields that decide framing, persistence and routing. Only noted here, judged in one place when the head is
// complete.
struct Facts {
    FramingFacts framing;
    unsigned host_lines = 0;
    bool close = false;
    bool keep_alive = false;
    bool connection_upgrade = false;
    bool bad_connection = false;
    bool upgrade = false;
    bool expect_continue = false;
    bool unknown_expectation = false;
    bool more_than_host = false;  // any of those above but Host was there
    std::string_view host;
};

void note_connection(std::string_view value, Facts& facts) noexcept {
    for_each_element(value, [&facts](std::string_view option) {
        if (iequals(option, "close")) facts.close = true;
        if (iequals(option, "keep-alive")) facts.keep_alive = true;
        if (iequals(option, "upgrade")) facts.connection_upgrade = true;
        if (!option.empty() && !is_token(option)) facts.bad_connection = true;
    });
}

void note_expect(std::string_view value, Facts& facts) noexcept {
    for_each_element(value, [&facts](std::string_view expectation) {
        const bool known = iequals(expectation, "100-continue");
        facts.expect_continue |= known;
        facts.unknown_expectation |= !known && !expectation.empty();
    });
}

// Whether a token is this lower-case name of the same length: no branch, and words that overlap. Exact, because no
// token character but the letter's upper case differs from it, or from "-", in bit 5 alone.
template <std::size_t kSize>
bool is_name(std::string_view token, const char (&name)[kSize]) noexcept {
    constexpr std::size_t kLength = kSize - 1;
    using Word = std::conditional_t<(kLength >= 8), std::uint64_t, std::uint32_t>;
    constexpr auto kBit5 = static_cast<Word>(0x2020202020202020);
    Word difference = 0;
    for (std::size_t next = 0; next < kLength; next += sizeof(Word)) {
        const std::size_t at = std::min(next, kLength - sizeof(Word));
        Word word = 0;
        Word wanted = 0;
        std::memcpy(&word, token.data() + at, sizeof(word));
        std::memcpy(&wanted, name + at, sizeof(wanted));
        difference |= (word | kBit5) ^ wanted;
    }
    return difference == 0;
}

// Those that a request need not have. The length chooses the one name that it can be.
void note_more(const HeaderView& field, Facts& facts) noexcept {
    const auto is = [&](const auto& name) {
        const bool same = is_name(field.name, name);
        facts.more_than_host |= same;
        return same;
    };
    switch (field.name.size()) {
        case 6:
            if (is("expect")) note_expect(field.value, facts);
            break;
        case 7:
            if (is("upgrade")) facts.upgrade = !field.value.empty();
            break;
        case 10:
            if (is("connection")) note_connection(field.value, facts);
            break;
        case 14:
            if (is("content-length")) facts.framing.note_content_length(field.value);
            break;
        case 17:
            if (is("transfer-encoding")) facts.framing.note_transfer_encoding(field.value);
            break;
        default:
            break;
    }
}

// Most fields cost no comparison of their name.
inline void note_field(const HeaderView& field, Facts& facts) noexcept {
    constexpr unsigned kLengths = 1U << 6 | 1U << 7 | 1U << 10 | 1U << 14 | 1U << 17;
    const std::size_t size = field.name.size();
    if (size == 4 && is_name(field.name, "host")) {
        ++facts.host_lines;
        facts.host = field.value;
    } else if (size <= 17 && (kLengths >> size & 1U) != 0) {
        note_more(field, facts);
    }
}

bool wants_keep_alive(const Facts& facts, int minor_version) noexcept {
    return !facts.close && (minor_version != 0 || facts.keep_alive);
}

// "HTTP/1.x" to its minor version; a higher one than 1 promises to be understood as 1 (RFC 9110 2.5).
ParseError parse_version(std::string_view text, int& minor) noexcept {
    if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7])) {
        return {400, "malformed HTTP version"};
    }
    if (text[5] != '1') return {505, "HTTP version not supported"};
    minor = text[7] == '0' ? 0 : 1;
    return kNoError;
}

std::string_view between(const char* begin, const char* end) noexcept {
    return {begin, static_cast<std::size_t>(end - begin)};
}

// Which of the four forms the target has, and whether the method may use it (RFC 9112 3.2). `question` is where its
// query begins, or its end.
ParseError read_target_form(RequestHead& out, const char* question) noexcept {
    const std::string_view target = out.target;
    const char* const end = target.data() + target.size();
    out.query = question == end ? std::string_view() : between(question + 1, end);
    out.host = {};
    out.https_target = false;
    if (out.method == Method::kConnect) {
        const std::optional<Authority> authority = split_authority(target);
        if (!authority || !authority->port || authority->port == 0) return {400, "CONNECT needs host:port"};
        out.host = target;
        out.path = {};
        return kNoError;
    }
    if (target.front() == '/') {
        out.path = between(target.data(), question);
        return kNoError;
    }
    if (target == "*") {
        if (out.method != Method::kOptions) return {400, "only OPTIONS may ask for *"};
        out.path = target;
        return kNoError;
    }
    const std::size_t colon = target.find("://");
    const std::string_view scheme = target.substr(0, colon);
    if (colon == std::string_view::npos || !(iequals(scheme, "http") || iequals(scheme, "https"))) {
        return {400, "malformed request target"};
    }
    const char* const authority = target.data() + colon + 3;
    const char* const path = std::find(authority, question, '/');
    out.host = between(authority, path);
    out.https_target = scheme.size() == 5;
    out.path = path == question ? std::string_view("/") : between(path, question);
    return kNoError;
}

// `line` is clean and followed by CR, which ends the loops below.
ParseError parse_request_line(std::string_view line, std::size_t max_target, RequestHead& out) noexcept {
    const char* p = line.data();
    const char* const end = p + line.size();
    if (line.starts_with("GET ")) {  // as most are
        p += 3;
        out.method = Method::kGet;
        out.method_text = between(line.data(), p);
    } else {
        out.method = Method::kOther;
        while (is_token_char(*p)) ++p;
        if (p == line.data() || *p != ' ') return {400, "malformed request line"};
        out.method_text = between(line.data(), p);
        out.method = parse_method(out.method_text);
    }

    const char* const target = ++p;
    const char* question = nullptr;
    for (;;) {
        while (is_target_char(*p)) ++p;
        if (*p == ' ') break;
        if (*p == '?') {
            if (question == nullptr) question = p;
            ++p;
        } else if (*p == '%' && end - p > 2 && is_hex_digit(p[1]) && is_hex_digit(p[2])) {
            p += 3;
        } else if (*p == '\\' && question != nullptr) {
            ++p;  // browsers leave it as it is in a query; in a path it is an attack
        } else {
            return {400, *p == '%' ? "bad percent escape in the request target" : "malformed request line"};
        }
    }
    out.target = between(target, p);
    if (out.target.empty()) return {400, "malformed request line"};
    if (out.target.size() > max_target) return {414, "request target too long"};
    const std::string_view version = between(p + 1, end);
    if (version == "HTTP/1.1") {
        out.minor_version = 1;
    } else if (const ParseError error = parse_version(version, out.minor_version); error.status != 0) {
        return error;
    }
    return read_target_form(out, question == nullptr ? p : question);
}

ParseError parse_status_line(std::string_view line, ResponseHead& out) noexcept {
    if (line.size() < 12 || line[8] != ' ') return {400, "malformed status line"};
    if (const ParseError error = parse_version(line.substr(0, 8), out.minor_version); error.status != 0) return error;
    if (line[9] < '1' || line[9] > '9' || !is_digit(line[10]) || !is_digit(line[11])) {
        return {400, "malformed status code"};
    }
    // Many servers leave out the space before an empty reason phrase.
    if (line.size() > 12 && line[12] != ' ') return {400, "malformed status code"};
    out.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    out.reason = line.size() > 13 ? line.substr(13) : std::string_view();
    return kNoError;
}

// RFC 9112 3.2: exactly one valid Host in HTTP/1.1, which must agree with a target that names a host itself.
ParseError judge_host(const Facts& facts, KnownHost& known, RequestHead& out) noexcept {
    if (facts.host_lines > 1) return {400, "repeated Host"};
    if (facts.host_lines == 0 && out.minor_version != 0) return {400, "missing Host"};
    const bool has_own_host = out.target.front() != '/' && out.path != "*";
    if (!has_own_host) {
        out.host = facts.host;
        if (facts.host_lines == 0 || known.is(facts.host)) return kNoError;
        if (!split_authority(facts.host)) return {400, "bad Host"};
        known.remember(facts.host);
        return kNoError;
    }
    std::optional<Authority> named;
    if (facts.host_lines != 0 && !(named = split_authority(facts.host))) return {400, "bad Host"};
    const std::optional<Authority> own = split_authority(out.host);
    if (!own) return {400, "bad host in the request target"};
    // A CONNECT target always has its port; Host may leave it out.
    const std::uint16_t default_port = out.method == Method::kConnect ? *own->port
                                       : out.https_target             ? std::uint16_t{443}
                                                                      : std::uint16_t{80};
    if (named && !same_authority(*own, *named, default_port)) return {400, "Host does not agree with the target"};
    return kNoError;
}

ParseError finish_request(Facts& facts, KnownHost& known, RequestHead& out) noexcept {
    if (const ParseError error = judge_host(facts, known, out); error.status != 0) return error;
    out.framing = Framing::kNone;
    out.content_length = 0;
    if (!facts.more_than_host) {
        out.keep_alive = out.minor_version != 0;
        out.expect_continue = out.upgrade = false;
        return kNoError;
    }
    FramingFacts& framing = facts.framing;
    if (framing.length_lines != 0 || framing.encoded) {  // most requests have neither
        framing.minor_version = out.minor_version;
        const FramingDecision decision = decide_request_framing(framing);
        if (decision.refusal.status != 0) return decision.refusal;
        out.framing = decision.framing;
        out.content_length = decision.content_length;
    }
    if (facts.bad_connection) return {400, "bad Connection"};
    const bool has_body = out.framing == Framing::kChunked || out.content_length != 0;
    out.keep_alive = wants_keep_alive(facts, out.minor_version);
    // An expectation in HTTP/1.0 is ignored (RFC 9110 10.1.1), as is one where there is nothing to wait for.
    if (facts.unknown_expectation && out.minor_version != 0) return {417, "unknown expectation"};
    out.expect_continue = facts.expect_continue && out.minor_version != 0 && has_body;
    out.upgrade = facts.upgrade && facts.connection_upgrade && out.minor_version != 0;
    return kNoError;
}

ParseError finish_response(Facts& facts, Method request_method, ResponseHead& out) noexcept {
    FramingFacts& framing = facts.framing;
    framing.minor_version = out.minor_version;
    framing.bodiless = never_has_body(request_method, out.status);
    const FramingDecision decision = decide_response_framing(framing);
    if (decision.refusal.status != 0) return decision.refusal;
    out.framing = decision.framing;
    out.content_length = decision.content_length;
    const bool tunnel = request_method == Method::kConnect && out.status / 100 == 2;
    out.keep_alive = out.framing != Framing::kUntilClose && !tunnel && wants_keep_alive(facts, out.minor_version);
    return kNoError;
}

ParseResult failed(ParseError error) noexcept { return {ParseResult::kError, 0, error}; }

}  // namespace

// Lines that are complete are never looked at again while the head arrives. But views made of earlier input may have
// moved with it: when a head that came in pieces is complete, its lines are read once more, now knowing that it is.
template <bool kRequest, class StartLine, class Finish>
ParseResult HeadParser::parse(std::string_view input, std::span<HeaderView> storage, StartLine&& start_line,
                              Finish&& finish) noexcept {
    // Method, spaces and version of a request line, beyond the target's own limit.
    constexpr std::size_t kRequestLineRest = 64;
    constexpr ParseError kLineTooLong{414, "request line too long"};
    const char* const begin = input.data();
    const std::size_t max_fields = std::min(limits_.max_fields, storage.size());
    bool resumed = line_start_ != 0;
    Facts facts;
    for (;;) {
        std::size_t limit = limits_.max_bytes;
        ParseError too_long{431, "request head too large"};
        if (stage_ != Stage::kFields) {
            if (input.size() == line_start_) return {};
            const char first = begin[line_start_];
            const bool may_be_empty = kRequest && stage_ == Stage::kFirstLine;
            if (!is_token_char(first) && !(may_be_empty && first == '\r')) {
                return failed({400, "malformed start line"});
            }
            if (kRequest && line_start_ + limits_.max_target + kRequestLineRest < limit) {
                limit = line_start_ + limits_.max_target + kRequestLineRest;
                too_long = kLineTooLong;
            }
        }
        // Bytes past the limit are not even looked at: so a refusal does not depend on how many came at once.
        const char* const end = begin + std::min(input.size(), limit);
        const char* stop = begin + scanned_;
        if (stop == end || *stop != '\r') stop = find_control(begin, stop, end);  // not for the empty line
        if (stop == end || (*stop == '\r' && stop + 1 == end)) {
            scanned_ = static_cast<std::size_t>(stop - begin);
            if (input.size() < limit) return {};
            // What is too long may be the method, which RFC 9112 3 wants to be told apart.
            const std::string_view line = between(begin + line_start_, end);
            const bool long_method = too_long.status == 414 && line.find(' ') > kRequestLineRest;
            return failed(long_method ? ParseError{501, "method not implemented"} : too_long);
        }
        if (*stop != '\r' || stop[1] != '\n') {
            return failed({400, *stop == '\n'   ? "bare LF"
                                : *stop == '\r' ? "bare CR"
                                                : "control character in the head"});
        }
        const std::string_view line = between(begin + line_start_, stop);
        line_start_ = scanned_ = static_cast<std::size_t>(stop + 2 - begin);

        if (stage_ != Stage::kFields) {
            if (line.empty()) {
                stage_ = Stage::kStartLine;
                continue;
            }
            if (const ParseError error = start_line(line); error.status != 0) return failed(error);
            stage_ = Stage::kFields;
        } else if (!line.empty()) {
            if (fields_ == max_fields) return failed({431, "too many header fields"});
            if (const char* fault = parse_field_line(line, storage[fields_])) return failed({400, fault});
            note_field(storage[fields_++], facts);
        } else if (resumed) {
            resumed = false;
            facts = {};
            reset();
        } else {
            if (const ParseError error = finish(facts); error.status != 0) return failed(error);
            const std::size_t consumed = line_start_;
            reset();
            return {ParseResult::kDone, consumed, kNoError};
        }
    }
}

ParseResult HeadParser::parse_request(std::string_view input, RequestHead& out,
                                      std::span<HeaderView> storage) noexcept {
    return parse<true>(
        input, storage,
        [&](std::string_view line) {
            const ParseError error = parse_request_line(line, limits_.max_target, out);
            method_ = out.method;
            return error;
        },
        [&](Facts& facts) {
            out.fields = HeadersView(storage.first(fields_));
            return finish_request(facts, known_host_, out);
        });
}

ParseResult HeadParser::parse_response(std::string_view input, Method request_method, ResponseHead& out,
                                       std::span<HeaderView> storage) noexcept {
    return parse<false>(
        input, storage, [&](std::string_view line) { return parse_status_line(line, out); },
        [&](Facts& facts) {
            out.fields = HeadersView(storage.first(fields_));
            return finish_response(facts, request_method, out);
        });
}

}  // namespace caropig::http::h1
