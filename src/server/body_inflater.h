#pragma once

#include "http/content_coding.h"
#include <caropig/http/headers.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::server {

/// Takes the content codings off a request's body (RFC 9110 8.4), piece by piece: it holds one piece for each coding.
class BodyInflater {
public:
    /// For what the head says; none where the body is not coded. Throws BodyError 415 for a coding that is not known,
    /// or for too many of them. At most `limit` bytes come out of each.
    static std::unique_ptr<BodyInflater> make(http::HeadersView head, std::uint64_t limit);

    /// Gives it what has come, which must stay valid until next() gives nothing any more.
    void take(std::string_view piece) noexcept { stages_.front().input = piece; }

    /// The next piece of the body, valid until the next call; nothing when more must be taken first. Throws BodyError
    /// 400 for what is not of that coding, 413 at the limit.
    std::string_view next() {
        return produce(stages_.size() - 1) ? std::string_view(stages_.back().out) : std::string_view();
    }

    /// After the last piece: throws BodyError 400 when the body is cut off. None at all is an empty body.
    void finish() const;

    /// For the answer to what it refuses with 415 (RFC 9110 12.5.3).
    static constexpr std::string_view kAcceptEncoding = "Accept-Encoding: gzip, br, zstd\r\n";

private:
    struct Stage {
        http::ContentCoding coding;
        std::unique_ptr<http::ContentDecoder> decoder;
        std::string_view input;
        bool more = false;  // something may come of no more input
        bool begun = false;
        std::string out;
    };
    bool produce(std::size_t index);
    static bool decode(Stage& stage);

    std::vector<Stage> stages_;  // the first takes off the coding that was put on last
};

}  // namespace caropig::server
