// Our reading of a client's bytes beside that of llhttp, the parser of Node.js, in its strict mode: over the rows of
// the conformance suite, the fuzzers' corpus, and mutations of both. Being stricter is what we want; accepting what
// llhttp rejects, or finding the end of a request elsewhere, is a mistake of one of the two. Where it is not ours, it
// is listed here with its reason. What one server accepts and another does not is where smuggling begins.

#include "cases.h"
#include "http/h1/body_decoder.h"
#include "http/h1/parser.h"
#include "mutations.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <llhttp.h>

namespace caropig::conformance {
namespace {

using http::h1::BodyDecoder;
using http::h1::HeadParser;
using http::h1::ParseResult;

struct Message {
    std::string method;
    std::string target;
    std::string body;
    std::size_t end = 0;  // where in the input the next one begins

    bool operator==(const Message&) const = default;
};

/// The requests that a parser found, up to one that ends the connection, and how it went on.
struct Reading {
    std::vector<Message> messages;
    enum Rest : std::uint8_t { kNone, kIncomplete, kRefused, kLast } rest = kNone;
    std::string reason;  // of the refusal
};

Reading read_ours(std::string_view input) {
    Reading reading;
    HeadParser parser;
    http::h1::RequestHead head;
    std::array<http::HeaderView, 100> fields;
    std::size_t at = 0;
    while (at < input.size()) {
        const ParseResult parsed = parser.parse_request(input.substr(at), head, fields);
        if (parsed.state != ParseResult::kDone) {
            reading.rest = parsed.state == ParseResult::kError ? Reading::kRefused : Reading::kIncomplete;
            reading.reason = parsed.error.reason;
            return reading;
        }
        at += parsed.consumed;
        Message message{std::string(head.method_text), std::string(head.target), {}, 0};
        BodyDecoder decoder(head.framing, head.content_length);
        for (;;) {
            const BodyDecoder::Step step = decoder.next(input.substr(at));
            at += step.consumed;
            message.body += step.data;
            if (step.state == BodyDecoder::Step::kDone) break;
            if (step.state == BodyDecoder::Step::kData) continue;
            reading.rest = step.state == BodyDecoder::Step::kError ? Reading::kRefused : Reading::kIncomplete;
            reading.reason = step.error.reason;
            return reading;
        }
        message.end = at;
        reading.messages.push_back(std::move(message));
        if (!head.keep_alive) {
            reading.rest = Reading::kLast;
            return reading;
        }
    }
    return reading;
}

/// Collects what llhttp calls back with. It is paused behind each message, to see where that ends.
class Oracle {
public:
    Oracle() {
        llhttp_settings_init(&settings_);
        settings_.on_method = [](llhttp_t* parser, const char* at, std::size_t size) {
            self(parser).message_.method.append(at, size);
            return 0;
        };
        settings_.on_url = [](llhttp_t* parser, const char* at, std::size_t size) {
            self(parser).message_.target.append(at, size);
            return 0;
        };
        settings_.on_body = [](llhttp_t* parser, const char* at, std::size_t size) {
            self(parser).message_.body.append(at, size);
            return 0;
        };
        // Not to stop at what it takes for the beginning of another protocol: we have none.
        settings_.on_headers_complete = [](llhttp_t* parser) {
            parser->upgrade = 0;
            return 0;
        };
        settings_.on_message_complete = [](llhttp_t*) { return static_cast<int>(HPE_PAUSED); };
    }

    Reading read(std::string_view input) {
        Reading reading;
        llhttp_t parser;
        llhttp_init(&parser, HTTP_REQUEST, &settings_);
        parser.data = this;
        message_ = {};
        std::size_t at = 0;
        while (at < input.size()) {
            const llhttp_errno_t result = llhttp_execute(&parser, input.data() + at, input.size() - at);
            if (result == HPE_OK) {
                reading.rest = is_between(input.substr(at)) ? Reading::kNone : Reading::kIncomplete;
                return reading;
            }
            if (result != HPE_PAUSED) {
                reading.rest = Reading::kRefused;
                reading.reason = std::string(llhttp_errno_name(result)) + ": " + llhttp_get_error_reason(&parser);
                return reading;
            }
            at = static_cast<std::size_t>(llhttp_get_error_pos(&parser) - input.data());
            message_.end = at;
            reading.messages.push_back(std::exchange(message_, {}));
            if (llhttp_should_keep_alive(&parser) == 0) {
                reading.rest = Reading::kLast;
                return reading;
            }
            llhttp_resume(&parser);
        }
        return reading;
    }

private:
    static Oracle& self(llhttp_t* parser) { return *static_cast<Oracle*>(parser->data); }
    static bool is_between(std::string_view rest) {
        return std::ranges::all_of(rest, [](char c) { return c == '\r' || c == '\n'; });
    }

    llhttp_settings_t settings_;
    Message message_;
};

// ---- differences that are not our mistake

/// What of a request, which we have accepted, the predicates below look at.
struct Accepted {
    std::string method;
    std::string start_line;
    std::vector<http::HeaderView> fields;  // values with the whitespace around them
    std::vector<std::string_view> chunk_lines;
    std::string_view trailers;

    Accepted(std::string_view text, const Message& ours) : method(ours.method) {
        if (text.starts_with("\r\n")) text.remove_prefix(2);
        const std::size_t head_end = text.find("\r\n\r\n") + 4;
        std::string_view head = text.substr(0, head_end - 2);
        start_line = take_line(head);
        while (!head.empty()) {
            const std::string_view line = take_line(head);
            const std::size_t colon = line.find(':');
            fields.push_back({line.substr(0, colon), line.substr(colon + 1)});
        }
        if (!has("transfer-encoding")) return;
        std::string_view body = text.substr(head_end);
        for (std::size_t size = 1; size != 0;) {
            chunk_lines.push_back(take_line(body));
            size = std::stoull(std::string(chunk_lines.back()), nullptr, 16);
            if (size != 0) body.remove_prefix(size + 2);
        }
        trailers = body.substr(0, body.find("\r\n\r\n"));
    }

    [[nodiscard]] bool has(std::string_view name) const {
        return std::ranges::any_of(fields, [&](const auto& field) { return http::iequals(field.name, name); });
    }
    [[nodiscard]] bool has_tab_around(std::string_view name) const {
        return std::ranges::any_of(fields, [&](const http::HeaderView& field) {
            const std::string_view value = http::trim_ows(field.value);
            const auto before = static_cast<std::size_t>(value.data() - field.value.data());
            const std::string_view after = field.value.substr(before + value.size());
            return http::iequals(field.name, name) &&
                   (field.value.substr(0, before).find('\t') != std::string_view::npos ||
                    after.find('\t') != std::string_view::npos);
        });
    }
    [[nodiscard]] bool has_trailer(std::string_view name) const {
        std::string_view rest = trailers;
        while (!rest.empty()) {
            const std::string_view line = take_line(rest);
            if (http::iequals(line.substr(0, line.find(':')), name)) return true;
        }
        return false;
    }
    /// Whether the extensions of a chunk hold one of `bytes`, and so often.
    [[nodiscard]] bool has_in_extensions(std::string_view bytes, std::ptrdiff_t least = 1) const {
        return std::ranges::any_of(chunk_lines, [&](std::string_view line) {
            return std::ranges::count_if(line, [&](char c) { return bytes.find(c) != std::string_view::npos; }) >=
                   least;
        });
    }

private:
    static std::string_view take_line(std::string_view& text) {
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
        return line;
    }
};

/// What we accept, and llhttp 8.1 refuses with an error that begins so, or takes for incomplete.
struct Exception {
    const char* name;
    const char* error;
    bool (*applies)(const Accepted& request);
    const char* reason;
};

const Exception kExceptions[] = {
    {"unknown method", "HPE_INVALID_METHOD",
     [](const Accepted& request) { return http::parse_method(request.method) == http::Method::kOther; },
     "RFC 9110 9.1: any token is a method. llhttp has a list of names; our server answers 501 and keeps its place"},
    {"PRI with HTTP/1", "", [](const Accepted& request) { return request.method == "PRI"; },
     "RFC 9113 11.6: nobody sends it but HTTP/2, whose preface we refuse (505); for HTTP/1 it is an unknown method"},
    {"higher minor version", "HPE_INVALID_VERSION",
     [](const Accepted& request) {
         return request.start_line.find(" HTTP/1.") != std::string::npos && request.start_line.back() > '1';
     },
     "RFC 9110 2.5: a higher minor version is understood as the highest that the recipient knows"},
    {"tab around Content-Length", "HPE_INVALID_CONTENT_LENGTH",
     [](const Accepted& request) { return request.has_tab_around("content-length"); },
     "RFC 9110 5.6.3: a tab is whitespace as a space is"},
    {"tab around Transfer-Encoding", "HPE_INVALID_TRANSFER_ENCODING",
     [](const Accepted& request) { return request.has_tab_around("transfer-encoding"); },
     "RFC 9110 5.6.3: a tab is whitespace as a space is"},
    {"framing field in a trailer", "HPE_",
     [](const Accepted& request) {
         return request.has_trailer("content-length") || request.has_trailer("transfer-encoding");
     },
     "RFC 9110 6.5.1: such a trailer is dropped, and frames nothing; llhttp reads trailers as it reads fields"},
    {"whitespace in chunk extensions", "HPE_", [](const Accepted& request) { return request.has_in_extensions(" \t"); },
     "RFC 9112 7.1.1: whitespace around the parts of an extension must be parsed"},
    {"escape in a quoted chunk extension", "HPE_STRICT",
     [](const Accepted& request) { return request.has_in_extensions("\\"); },
     "RFC 9110 5.6.4: a quoted string may have a backslash before any character"},
    {"second chunk extension", "HPE_INVALID_CHUNK_SIZE",
     [](const Accepted& request) { return request.has_in_extensions(";", 2); },
     "RFC 9112 7.1.1: a chunk may have several; llhttp 8.1 refuses one behind another with a value"},
};

std::string show(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '\r') {
            out += "\\r";
        } else if (c == '\n') {
            out += "\\n\n    ";
        } else if (c < ' ' || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned char>(c));
            out += escape;
        } else {
            out += c;
        }
    }
    return out;
}

class Differential {
public:
    /// Compares the two readings of `input`; false when they differ and no exception applies.
    bool compare(std::string_view input) {
        const Reading ours = read_ours(input);
        const Reading theirs = oracle_.read(input);
        ++compared_;
        accepted_ += static_cast<int>(ours.messages.size());
        for (std::size_t i = 0; i < ours.messages.size(); ++i) {
            if (i < theirs.messages.size()) {
                if (ours.messages[i] == theirs.messages[i]) continue;
            } else if (theirs.rest == Reading::kLast) {
                return true;  // llhttp ends the connection: nobody reads on
            }
            const std::size_t begin = i == 0 ? 0 : ours.messages[i - 1].end;
            return excuse(input, begin, ours.messages[i], theirs, i);
        }
        if (ours.rest == Reading::kRefused) {
            if (theirs.messages.size() > ours.messages.size()) ++stricter_;
            return true;
        }
        // We wait for more of a request that llhttp takes for complete: it ends elsewhere.
        if (ours.rest == Reading::kIncomplete && theirs.messages.size() > ours.messages.size()) {
            report(input, "we wait for more, llhttp has a request", theirs);
            return false;
        }
        return true;
    }

    void report(std::string_view input, const std::string& what, const Reading& theirs) {
        ADD_FAILURE() << what << "\n  llhttp: " << theirs.reason << " (" << theirs.messages.size() << " requests)\n    "
                      << show(input);
    }

    [[nodiscard]] const std::map<std::string, int>& excused() const { return excused_; }
    [[nodiscard]] std::string counts() const {
        std::string text = std::to_string(compared_) + " inputs, " + std::to_string(accepted_) +
                           " requests accepted, " + std::to_string(stricter_) + " refused by us only";
        for (const auto& [name, count] : excused_) text += ", " + name + ": " + std::to_string(count);
        return text;
    }

private:
    bool excuse(std::string_view input, std::size_t begin, const Message& ours, const Reading& theirs, std::size_t i) {
        if (theirs.messages.size() == i) {
            const Accepted request(input.substr(begin), ours);
            for (const Exception& exception : kExceptions) {
                if (!theirs.reason.starts_with(exception.error) || !exception.applies(request)) continue;
                ++excused_[exception.name];
                return true;
            }
        }
        report(input,
               i < theirs.messages.size()
                   ? "read differently: " + show(ours.method) + " " + show(ours.target) + " [" + show(ours.body) +
                         "] and " + show(theirs.messages[i].target) + " [" + show(theirs.messages[i].body) + "]"
                   : "we accept what llhttp does not: " + show(ours.target),
               theirs);
        return false;
    }

    Oracle oracle_;
    std::map<std::string, int> excused_;
    int compared_ = 0;
    int accepted_ = 0;
    int stricter_ = 0;
};

constexpr int kMostReports = 10;

TEST(LlhttpDifferential, OverTheRowsAndTheCorpus) {
    Differential differential;
    int reports = 0;
    for (const std::string& input : seed_inputs()) reports += !differential.compare(input);
    EXPECT_EQ(reports, 0);
    for (const Exception& exception : kExceptions) {
        EXPECT_TRUE(differential.excused().contains(exception.name))
            << "no longer needed, or has no row: " << exception.name;
    }
}

TEST(LlhttpDifferential, OverMutations) {
    // Others with --gtest_shuffle --gtest_random_seed=1 … 99999.
    constexpr int kMutations = 300'000;
    const std::vector<std::string> seeds = seed_inputs();
    Mutator mutator(seeds, static_cast<std::uint32_t>(testing::UnitTest::GetInstance()->random_seed()) + 1);
    Differential differential;
    int reports = 0;
    for (int i = 0; i < kMutations && reports < kMostReports; ++i) reports += !differential.compare(mutator.next());
    EXPECT_EQ(reports, 0);
    std::printf("%s\n", differential.counts().c_str());
}

TEST(LlhttpDifferential, TheReadmeListsTheExceptions) {
    std::ifstream file(CAROPIG_CONFORMANCE_README);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    for (const Exception& exception : kExceptions) {
        const std::string line = std::string("| ") + exception.name + " | " + exception.reason + " |";
        EXPECT_NE(text.find(line), std::string::npos) << "README.md should have: " << line;
    }
}

}  // namespace
}  // namespace caropig::conformance
