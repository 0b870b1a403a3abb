#include "client/response_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace caropig::client {
namespace {

// What a peer announces is only a promise: no more than this is reserved before it comes.
constexpr std::uint64_t kMostReserved = 64 * 1024;

constexpr http::h1::HeadLimits kHeadLimits;
constexpr std::size_t kMostFields = 100;
static_assert(kMostFields == kHeadLimits.max_fields);

Failure no_http(std::string_view reason) {
    return {FetchError::Kind::kProtocol, std::errc::protocol_error,
            fmt::format("the response is not valid HTTP: {}", reason)};
}

Failure broken(std::string detail) {
    return {FetchError::Kind::kBroken, std::errc::connection_aborted, std::move(detail)};
}

Failure head_refused(const http::h1::ParseError& error) {
    if (error.status != 431) return no_http(error.reason);
    return {FetchError::Kind::kTooLarge, std::errc::message_size,
            fmt::format("the response is too large: its head has more than {} bytes or {} fields",
                        kHeadLimits.max_bytes, kHeadLimits.max_fields)};
}

}  // namespace

Result<bool, Failure> ResponseReader::feed(std::string_view input) {
    while (!head_complete_) {
        Result<bool, Failure> complete = read_head(input);
        if (!complete) return complete;
        if (!*complete) return false;
    }
    if (switched()) {
        body_ = input;
        return true;
    }
    return read_body(input);
}

Result<void, Failure> ResponseReader::finish() {
    if (!head_complete_) return std::unexpected(broken("the connection was closed in the head of the response"));
    if (decoder_.finish_at_eof()) return {};
    return std::unexpected(
        broken(fmt::format("the connection was closed in the body of the response, after {} bytes", body_bytes_)));
}

Response ResponseReader::take() {
    Response response(status_, std::move(reason_), std::move(headers_), std::move(body_));
    if (!decoder_.trailers().empty()) response.trailers(decoder_.trailers());
    return response;
}

// True when a head, final or not, was taken off the front of `input`; false when all of it is still incomplete.
Result<bool, Failure> ResponseReader::read_head(std::string_view& input) {
    std::array<http::HeaderView, kMostFields> storage;
    http::h1::ResponseHead head;
    const std::size_t before = incomplete_head_.size();
    if (before != 0) incomplete_head_ += input;
    const std::string_view text = before != 0 ? std::string_view(incomplete_head_) : input;
    const http::h1::ParseResult result = parser_.parse_response(text, request_method_, head, storage);
    switch (result.state) {
        case http::h1::ParseResult::kNeedMore:
            if (before == 0) incomplete_head_ = input;
            return false;
        case http::h1::ParseResult::kError:
            return std::unexpected(head_refused(result.error));
        case http::h1::ParseResult::kDone:
            break;
    }
    Result<bool, Failure> accepted = accept_head(head);
    input.remove_prefix(result.consumed - before);
    incomplete_head_.clear();
    return accepted;
}

Result<bool, Failure> ResponseReader::accept_head(const http::h1::ResponseHead& head) {
    const bool switches = head.status == 101;
    if (switches && (offered_.empty() || !head.fields.has_token("Upgrade", offered_))) {
        return std::unexpected(no_http("it switches protocols without having been asked to"));
    }
    if (head.status < 200 && !switches) {
        if (++interim_responses_ > kMaxInterimResponses) return std::unexpected(no_http("too many interim responses"));
        if (head.status == 100) continues_ = true;
        if (inform_) inform_(head.status, head.fields);
        return true;
    }
    const bool has_length = head.framing == http::h1::Framing::kLength;
    if (has_length && head.content_length > max_body_bytes_) return std::unexpected(body_too_large());
    head_complete_ = true;
    reusable_ = head.keep_alive && head.framing != http::h1::Framing::kUntilClose;
    status_ = head.status;
    reason_ = head.reason;
    headers_ = http::Headers::copy_of(head.fields);
    decoder_ = http::h1::BodyDecoder(head.framing, head.content_length);
    if (has_length) body_.reserve(static_cast<std::size_t>(std::min(head.content_length, kMostReserved)));
    return true;
}

Result<bool, Failure> ResponseReader::read_body(std::string_view input) {
    for (;;) {
        const http::h1::BodyDecoder::Step step = decoder_.next(input);
        input.remove_prefix(step.consumed);
        switch (step.state) {
            case http::h1::BodyDecoder::Step::kNeedMore:
                return false;
            case http::h1::BodyDecoder::Step::kDone:
                if (!input.empty()) reusable_ = false;
                return true;
            case http::h1::BodyDecoder::Step::kError:
                return std::unexpected(no_http(step.error.reason));
            case http::h1::BodyDecoder::Step::kData:
                if (step.data.size() > max_body_bytes_ - body_bytes_) return std::unexpected(body_too_large());
                body_bytes_ += step.data.size();
                body_ += step.data;
        }
    }
}

Failure ResponseReader::body_too_large() const {
    return {FetchError::Kind::kTooLarge, std::errc::message_size,
            fmt::format("the response is too large: its body has more than {} bytes", max_body_bytes_)};
}

}  // namespace caropig::client
