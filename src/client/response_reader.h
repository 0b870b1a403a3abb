#pragma once

#include "http/h1/body_decoder.h"
#include "http/h1/parser.h"
#include <caropig/base/result.h>
#include <caropig/client/fetch_error.h>
#include <caropig/client/response.h>
#include <caropig/http/method.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace caropig::client {

/// Why a response can't be had, for a FetchError.
struct Failure {
    FetchError::Kind kind;
    std::errc code;
    std::string detail;
};

/// Makes a Response of the bytes of a connection, as they arrive: interim answers skipped, limits kept. No I/O.
class ResponseReader {
public:
    /// More interim answers (1xx) than this are an error: a peer could go on with them for ever.
    static constexpr int kMaxInterimResponses = 16;

    ResponseReader(http::Method request_method, std::uint64_t max_body_bytes) noexcept
        : request_method_(request_method), max_body_bytes_(max_body_bytes) {}

    /// Takes the bytes that follow those taken before; what lies beyond the end is ignored. True once the response is
    /// complete. Not to be called again after that, or after a failure.
    Result<bool, Failure> feed(std::string_view input);

    /// The peer has finished sending: nothing if the response ends with that, else what is missing.
    Result<void, Failure> finish();

    /// The response, once it is complete.
    [[nodiscard]] Response take();

private:
    Result<bool, Failure> read_head(std::string_view& input);
    Result<bool, Failure> accept_head(const http::h1::ResponseHead& head);
    Result<bool, Failure> read_body(std::string_view input);
    [[nodiscard]] Failure body_too_large() const;

    http::Method request_method_;
    bool head_complete_ = false;
    int interim_responses_ = 0;
    int status_ = 0;
    std::uint64_t max_body_bytes_;
    std::string incomplete_head_;
    http::h1::HeadParser parser_;
    http::h1::BodyDecoder decoder_;
    std::string reason_;
    http::Headers headers_;
    std::string body_;
};

}  // namespace caropig::client
