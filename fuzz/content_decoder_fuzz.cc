// Decoders of content codings: whatever comes, no more than the limit comes out, in pieces of the promised size, and
// the same whether it is given at once or in two parts.
#include "fuzz_support.h"
#include "http/content_coding.h"

#include <cstdint>
#include <string>

namespace {

using namespace caropig;

constexpr std::uint64_t kLimit = 100'000;

std::string decoded(http::ContentCoding coding, std::string_view first, std::string_view second) {
    auto decoder = http::make_decoder(coding, kLimit);
    std::string out;
    for (std::string_view rest : {first, second}) {
        for (bool more = true; more;) {
            const std::size_t before = out.size();
            const auto step = decoder->write_some(rest, out);
            FUZZ_CHECK(out.size() - before <= http::ContentDecoder::kPiece);
            if (!step) return step.error() == http::CodingError::kTooLarge ? "too large" : "malformed";
            more = *step;
        }
        FUZZ_CHECK(rest.empty());
    }
    FUZZ_CHECK(out.size() <= kLimit);
    return (decoder->complete() ? "whole:" : "cut off:") + out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    constexpr http::ContentCoding kCodings[] = {http::ContentCoding::kGzip, http::ContentCoding::kBrotli,
                                                http::ContentCoding::kZstd};
    const auto coding = kCodings[data[0] % 3];
    const fuzz::ExactCopy copy(std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2));
    const std::string_view body = copy.view();
    const std::size_t split = body.size() * data[1] / 256;
    const std::string at_once = decoded(coding, body, {});
    const std::string in_two = decoded(coding, body.substr(0, split), body.substr(split));
    FUZZ_CHECK(at_once == in_two);
    return 0;
}
