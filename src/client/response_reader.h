#pragma once

#include "http/h1/body_decoder.h"
#include "http/h1/parser.h"
#include <caropig/base/result.h>
#include <caropig/client/fetch_error.h>
#include <caropig/client/response.h>
#include <caropig/http/method.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

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

    /// Called for each interim answer (1xx) but 101, in the call of feed() that brought it.
    using Inform = std::function<void(int status, http::HeadersView fields)>;
    void on_interim(Inform inform) { inform_ = std::move(inform); }

    /// The protocol that was offered: an answer of 101 that accepts it is final, and what follows its head is given by
    /// take_body(). Empty, as before the call: none.
    void offered(std::string protocol) { offered_ = std::move(protocol); }

    /// Takes the bytes that follow those taken before; what lies beyond the end is no part of it, and makes the
    /// connection unusable. True once the response is complete. Not to be called again after that, or after a failure.
    Result<bool, Failure> feed(std::string_view input);

    /// The peer has finished sending: nothing if the response ends with that, else what is missing.
    Result<void, Failure> finish();

    /// The response, once it is complete, or what has come of it since its head has.
    [[nodiscard]] Response take();

    /// The body since the last call, for whoever reads it piece by piece; the limit holds for the whole.
    [[nodiscard]] std::string take_body() noexcept { return std::exchange(body_, {}); }
    [[nodiscard]] bool has_body() const noexcept { return !body_.empty(); }

    /// Whether the final head has come.
    [[nodiscard]] bool head_complete() const noexcept { return head_complete_; }
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const http::Headers& headers() const noexcept { return headers_; }
    /// For whoever gives the body in another form than it came in.
    [[nodiscard]] http::Headers& headers() noexcept { return headers_; }
    [[nodiscard]] bool complete() const noexcept { return head_complete_ && decoder_.done(); }
    /// Whether it is a 101: the connection speaks another protocol now.
    [[nodiscard]] bool switched() const noexcept { return status_ == 101; }
    /// Whether an interim 100 (Continue) has come.
    [[nodiscard]] bool continues() const noexcept { return continues_; }
    /// Whether the connection may carry another request, once the response is complete: it is kept alive, the end of
    /// the body is not its end, and nothing came after it.
    [[nodiscard]] bool reusable() const noexcept { return complete() && reusable_; }
    [[nodiscard]] const http::Headers& trailers() const noexcept { return decoder_.trailers(); }

private:
    Result<bool, Failure> read_head(std::string_view& input);
    Result<bool, Failure> accept_head(const http::h1::ResponseHead& head);
    Result<bool, Failure> read_body(std::string_view input);
    [[nodiscard]] Failure body_too_large() const;

    http::Method request_method_;
    bool head_complete_ = false;
    bool continues_ = false;
    bool reusable_ = false;
    int interim_responses_ = 0;
    int status_ = 0;
    std::uint64_t max_body_bytes_;
    std::uint64_t body_bytes_ = 0;
    Inform inform_;
    std::string offered_;
    std::string incomplete_head_;
    http::h1::HeadParser parser_;
    http::h1::BodyDecoder decoder_;
    std::string reason_;
    http::Headers headers_;
    std::string body_;
};

}  // namespace caropig::client
