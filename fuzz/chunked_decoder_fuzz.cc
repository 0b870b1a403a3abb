// A chunked body: split feeding gives the same payload, trailers and outcome as all at once, and nothing is consumed
// twice.

#include "fuzz_support.h"
#include "http/h1/body_decoder.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace {

using namespace caropig::http::h1;

struct Outcome {
    int state = BodyDecoder::Step::kNeedMore;
    std::string payload;
    std::string trailers;
    std::string reason;
    std::size_t consumed = 0;

    bool operator==(const Outcome&) const = default;
};

Outcome decode(std::string_view text, std::size_t step_size) {
    BodyLimits limits;
    limits.max_extension_bytes = 40;
    limits.max_trailer_bytes = 100;
    limits.max_trailer_fields = 4;
    BodyDecoder decoder(Framing::kChunked, 0, limits);
    Outcome outcome;
    for (std::size_t begin = 0; begin < text.size(); begin += step_size) {
        const caropig::fuzz::ExactCopy piece(text.substr(begin, step_size));
        std::string_view input = piece.view();
        for (;;) {
            const BodyDecoder::Step step = decoder.next(input);
            FUZZ_CHECK(step.consumed <= input.size());
            outcome.consumed += step.consumed;
            outcome.state = step.state;
            outcome.payload += step.data;
            if (step.state == BodyDecoder::Step::kError) {
                // How much of a refused body was taken before the refusal does depend on the cuts.
                outcome.consumed = 0;
                outcome.reason = step.error.reason;
                return outcome;
            }
            if (step.state == BodyDecoder::Step::kDone) {
                FUZZ_CHECK(decoder.done() && decoder.finish_at_eof());
                outcome.trailers = decoder.trailers().wire();
                return outcome;
            }
            FUZZ_CHECK(!decoder.finish_at_eof());
            if (step.state == BodyDecoder::Step::kNeedMore) {
                FUZZ_CHECK(step.consumed == input.size());
                break;
            }
            FUZZ_CHECK(!step.data.empty());
            input.remove_prefix(step.consumed);
        }
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Outcome whole = decode(text, std::max<std::size_t>(text.size(), 1));
    FUZZ_CHECK(decode(text, 1) == whole);
    FUZZ_CHECK(decode(text, data[0] % 32 + 1) == whole);
    return 0;
}
