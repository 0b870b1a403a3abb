#include "client/response_decoder.h"

#include "http/content_coding.h"
#include <caropig/http/chars.h>

#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace caropig::client {

ResponseDecoder::ResponseDecoder(std::string_view coding, std::unique_ptr<http::ContentDecoder> decoder,
                                 std::uint64_t limit)
    : coding_(coding), decoder_(std::move(decoder)), limit_(limit) {}

ResponseDecoder::~ResponseDecoder() = default;

std::unique_ptr<ResponseDecoder> ResponseDecoder::create(const http::Headers& fields, std::uint64_t limit) {
    const std::vector<std::string_view> codings = fields.get_all("Content-Encoding");
    if (codings.size() != 1) return nullptr;
    const std::optional<http::ContentCoding> coding = http::parse_content_coding(http::trim_ows(codings.front()));
    if (!coding || *coding == http::ContentCoding::kIdentity) return nullptr;
    return std::unique_ptr<ResponseDecoder>(
        new ResponseDecoder(http::to_string(*coding), http::make_decoder(*coding, limit), limit));
}

Result<bool, Failure> ResponseDecoder::decode_some(std::string_view& coded, std::string& out) {
    if (!begun_ && coded.empty()) return false;
    begun_ = true;
    const std::expected<bool, http::CodingError> more = decoder_->write_some(coded, out);
    if (more) return *more;
    if (more.error() == http::CodingError::kTooLarge) {
        return std::unexpected(
            Failure{FetchError::Kind::kTooLarge, std::errc::message_size,
                    fmt::format("the response is too large: its body inflates to more than {} bytes", limit_)});
    }
    return std::unexpected(Failure{FetchError::Kind::kProtocol, std::errc::protocol_error,
                                   fmt::format("the response's body is not valid {}", coding_)});
}

Result<void, Failure> ResponseDecoder::finish() const {
    if (!begun_ || decoder_->complete()) return {};
    return std::unexpected(Failure{FetchError::Kind::kProtocol, std::errc::protocol_error,
                                   fmt::format("the response's body ends in the middle of its {}", coding_)});
}

void ResponseDecoder::clean(http::Headers& fields) {
    fields.remove("Content-Encoding");
    fields.remove("Content-Length");
}

}  // namespace caropig::client
