// A response's head: split feeding gives the same result as all at once, and views stay inside of the input.

#include "fuzz_support.h"
#include "http/h1/parser.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

namespace {

using namespace caropig::http;
using namespace caropig::http::h1;

struct Outcome {
    ParseResult result;
    ResponseHead head;
    std::array<HeaderView, 16> storage;
};

std::string describe(const Outcome& out) {
    std::string text = std::to_string(static_cast<int>(out.result.state)) + out.result.error.reason;
    if (out.result.state != ParseResult::kDone) return text;
    text += std::to_string(out.head.status).append(out.head.reason);
    text += std::to_string(static_cast<int>(out.head.framing)) + std::to_string(out.head.content_length);
    text += out.head.keep_alive ? 'k' : '-';
    for (const HeaderView& field : out.head.fields) text.append("|").append(field.name).append("=").append(field.value);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = data[0] % 32 + 1;
    const auto method = static_cast<Method>(data[1] % 10);
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    HeadLimits limits;
    limits.max_bytes = 600;
    limits.max_target = 100;

    const auto parse = [&](HeadParser& parser, std::string_view input, Outcome& out) {
        out.result = parser.parse_response(input, method, out.head, out.storage);
        if (out.result.state != ParseResult::kDone) return;
        FUZZ_CHECK(out.result.consumed <= input.size());
        FUZZ_CHECK(input.substr(0, out.result.consumed).ends_with("\r\n\r\n"));
        for (const HeaderView& field : out.head.fields) {
            FUZZ_CHECK(is_token(field.name) && is_field_value(field.value));
            FUZZ_CHECK(field.name.data() >= input.data() && field.value.data() <= input.data() + out.result.consumed);
        }
    };
    const caropig::fuzz::ExactCopy whole_input(text);
    Outcome whole;
    HeadParser whole_parser(limits);
    parse(whole_parser, whole_input.view(), whole);

    HeadParser parser(limits);
    for (std::size_t end = std::min(step, text.size());; end = std::min(end + step, text.size())) {
        const caropig::fuzz::ExactCopy input(text.substr(0, end));
        Outcome split;
        parse(parser, input.view(), split);
        if (split.result.state == ParseResult::kNeedMore && end != text.size()) continue;
        FUZZ_CHECK(describe(split) == describe(whole));
        FUZZ_CHECK(split.result.consumed == whole.result.consumed);
        return 0;
    }
}
