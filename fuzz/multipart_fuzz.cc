// A multipart body, behind a line with its boundary: split feeding gives the same parts, bytes and outcome as all at
// once; what is given at once comes back as views of it; and the events come in their order.

#include "fuzz_support.h"
#include <caropig/http/multipart.h>
#include <caropig/http/url.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace {

using namespace caropig::http;
using Event = MultipartParser::Event;

/// What came of a body: parts, bytes and the end, as one text.
std::string parse(std::string_view boundary, std::string_view text, std::size_t step_size) {
    const auto limits = MultipartLimits().max_parts(4).max_header_bytes(200).max_header_fields(4).max_name_bytes(20);
    auto parser = MultipartParser::create(boundary, limits);
    if (!parser) return parser.error().reason;
    const bool whole = step_size >= text.size();
    std::string shown;
    bool in_part = false;
    std::size_t pieces = 0;
    for (std::size_t begin = 0; begin < text.size(); begin += step_size) {
        const caropig::fuzz::ExactCopy piece(text.substr(begin, step_size));
        std::string_view input = piece.view();
        std::size_t idle = 0;
        for (;;) {
            const MultipartParser::Step step = parser->next(input);
            FUZZ_CHECK(step.consumed <= input.size());
            idle = step.consumed == 0 ? idle + 1 : 0;
            FUZZ_CHECK(idle < 3);
            if (step.event == Event::kData) {
                FUZZ_CHECK(in_part && !step.data.empty());
                FUZZ_CHECK(++pieces == 1 || !whole);
                FUZZ_CHECK(!whole || step.data.data() == input.data());
                shown += step.data;
            } else if (step.event == Event::kPart) {
                const MultipartPart& part = parser->part();
                FUZZ_CHECK(!in_part && !part.name.empty() && part.name.size() <= 20 && is_utf8(part.name));
                FUZZ_CHECK(!part.file_name || is_utf8(*part.file_name));
                in_part = true;
                pieces = 0;
                shown += "<" + part.name + "|" + part.file_name.value_or("\xff") + "|" + part.content_type + ">";
            } else if (step.event == Event::kPartEnd) {
                FUZZ_CHECK(in_part);
                in_part = false;
                shown += "</>";
            } else if (step.event == Event::kEnd) {
                FUZZ_CHECK(!in_part && parser->done());
                shown += "end";
            } else if (step.event == Event::kError) {
                FUZZ_CHECK(!parser->done() && (parser->error().status == 400 || parser->error().status == 413));
                FUZZ_CHECK(parser->next(input).event == Event::kError);
                return shown + parser->error().reason;
            } else {
                FUZZ_CHECK(step.consumed == input.size());
                break;
            }
            input.remove_prefix(step.consumed);
        }
    }
    FUZZ_CHECK(!(in_part && parser->done()));
    return shown;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t line = std::min(text.find('\n'), text.size());
    const std::string_view boundary = text.substr(0, line);
    const std::string_view body = text.substr(std::min(line + 1, text.size()));
    const std::string whole = parse(boundary, body, std::max<std::size_t>(body.size(), 1));
    FUZZ_CHECK(parse(boundary, body, 1) == whole);
    FUZZ_CHECK(parse(boundary, body, data[0] % 32 + 1) == whole);
    return 0;
}
