#include "server/body_inflater.h"

#include <caropig/http/chars.h>
#include <caropig/server/service.h>

#include <algorithm>

namespace caropig::server {
namespace {

constexpr std::size_t kMostCodings = 2;  // one is what clients use; a chain of many is an attack

/// The codings in the order in which they are to be taken off.
std::vector<http::ContentCoding> codings_of(http::HeadersView head) {
    std::vector<http::ContentCoding> codings;
    for (const http::HeaderView& field : head) {
        if (!http::iequals(field.name, "Content-Encoding")) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::size_t comma = rest.find(',');
            const std::string_view name = http::trim_ows(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
            if (name.empty()) continue;  // RFC 9110 5.6.1: empty elements mean nothing
            const auto coding = http::parse_content_coding(name);
            if (!coding) throw BodyError(415, "a content coding that is not known");
            if (*coding == http::ContentCoding::kIdentity) continue;
            if (codings.size() == kMostCodings) throw BodyError(415, "too many content codings");
            codings.push_back(*coding);
        }
    }
    std::reverse(codings.begin(), codings.end());
    return codings;
}

}  // namespace

std::unique_ptr<BodyInflater> BodyInflater::make(http::HeadersView head, std::uint64_t limit) {
    const auto codings = codings_of(head);
    if (codings.empty()) return nullptr;
    auto inflater = std::make_unique<BodyInflater>();
    for (http::ContentCoding coding : codings) {
        inflater->stages_.push_back(Stage{coding, http::make_decoder(coding, limit), {}, false, false, {}});
    }
    return inflater;
}

/// Whether something has come out of this stage.
bool BodyInflater::produce(std::size_t index) {
    Stage& stage = stages_[index];
    for (;;) {
        while (stage.more || !stage.input.empty()) {
            if (decode(stage)) return true;
        }
        if (index == 0 || !produce(index - 1)) return false;
        stage.input = stages_[index - 1].out;
    }
}

bool BodyInflater::decode(Stage& stage) {
    stage.begun = true;
    stage.out.clear();
    const auto more = stage.decoder->write_some(stage.input, stage.out);
    if (!more && more.error() == http::CodingError::kTooLarge) {
        throw BodyError(413, "the request's body is too large once it is decoded", "max_inflated_bytes");
    }
    if (!more) throw BodyError(400, "the request's body is not what its Content-Encoding says");
    stage.more = *more;
    return !stage.out.empty();
}

void BodyInflater::finish() const {
    for (const Stage& stage : stages_) {
        if (stage.begun && !stage.decoder->complete()) throw BodyError(400, "the request's coded body is cut off");
    }
}

}  // namespace caropig::server
