#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// A load generator must know where an answer ends, whichever server sent it, and must not spend on that what it means
/// to measure. This parser reads the parts of an HTTP/1.1 response that frame it and ignores the rest.
namespace caropig::bench {

/// The responses of one connection, one after the other. Allocates nothing once its strings have grown to what they
/// keep.
class ResponseParser {
public:
    enum class Progress : std::uint8_t { kNeedsMore, kComplete, kMalformed };

    /// How many bytes of a body are kept for body_start().
    static constexpr std::size_t kKeptBody = 1024;

    /// Consumes from the front of `bytes` up to the end of the present response. After kComplete the response can be
    /// asked for until the next call, which begins another one. After kMalformed only a new parser is useful.
    Progress feed(std::string_view& bytes);

    /// The stream has ended: true if that was the end of a body without any other end (RFC 9112, 6.3).
    bool completes_at_end_of_stream() const noexcept { return state_ == State::kBodyUntilEnd; }

    /// True if no byte of a response is pending.
    bool idle() const noexcept { return state_ == State::kHead && partial_.size() == shown_; }

    int status() const noexcept { return status_; }
    std::uint64_t body_size() const noexcept { return body_size_; }
    std::string_view body_start() const noexcept { return body_start_; }

    /// The server said that it closes the connection after this response.
    bool closes() const noexcept { return closes_; }

private:
    enum class State : std::uint8_t { kHead, kBody, kBodyUntilEnd, kChunkSize, kChunkData, kChunkEnd, kTrailers };

    bool take_line(std::string_view& bytes, std::string_view& line);
    bool take_head(std::string_view& bytes, std::string_view& head);
    bool parse_head(std::string_view head);
    bool parse_field(std::string_view line);
    bool parse_chunk_size(std::string_view line);
    void take_body(std::string_view& bytes);

    State state_ = State::kHead;
    bool closes_ = false;
    bool chunked_ = false;
    bool has_length_ = false;
    int status_ = 0;
    std::uint64_t left_ = 0;  // bytes of the body or chunk still to come
    std::uint64_t body_size_ = 0;
    std::string body_start_;
    std::string partial_;    // a head or line of which only a part has arrived
    std::size_t shown_ = 0;  // how much of partial_ was handed out and is to be dropped
};

}  // namespace caropig::bench
