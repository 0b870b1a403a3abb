#pragma once

#include "http/h1/body_decoder.h"
#include "http/h1/parser.h"
#include "server/body_inflater.h"
#include "server/upgraded_stream.h"
#include <caropig/async/cancellation.h>
#include <caropig/async/event.h>
#include <caropig/async/task.h>
#include <caropig/http/headers.h>
#include <caropig/loop/timer.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace caropig::server {

class Connection;

/// What a request needs beyond its head once it waits: an own copy of the head, its body, its handler's task, the
/// response it streams. An idle connection has none; they are reused through Server::State.
///
/// Requests wait by the thousand, and by the time that one ends nothing of it is in the cache any more. So what the end
/// of any request needs stands first, and the rest is not touched where it was not used.
struct alignas(64) ActiveRequest : detail::TaskCompletion {
    explicit ActiveRequest(Connection& connection) noexcept;

    /// Makes it as new for the next request; buffers of more than `most_kept` bytes each are given up.
    void reset(std::size_t most_kept);

    /// Has the cache fetch what the end of the handler will touch; see detail::TaskCompletion.
    void prefetch(int step) const noexcept;
    /// The same for what its use for another request will touch: this object, of which nothing is read ...
    static void prefetch_spare(const ActiveRequest& spare) noexcept;
    /// ... and then the memory that it keeps.
    void prefetch_kept() const noexcept;

    /// Copies `from` and its fields into this object; `text` is the head's bytes.
    void own(const http::h1::RequestHead& from, std::string_view text);
    [[nodiscard]] std::string_view moved(std::string_view view) const noexcept;

    enum class Cut : std::uint8_t { kNot, kTimedOut, kStopping, kGone };
    enum class Streaming : std::uint8_t { kNo, kLength, kChunked, kUntilClose, kNoBody, kFinished };
    struct HandlerTimer : Timer {
        explicit HandlerTimer(ActiveRequest& owner) noexcept;
        ActiveRequest& owner;
    };

    Connection* connection;
    std::optional<Task<void>> task;  // the handler
    Cut cut = Cut::kNot;
    Streaming streaming = Streaming::kNo;
    bool owned = false;       // the head is
    bool large_head = false;  // its text may have more memory than is kept
    bool body_done = true;    // or there is none
    bool body_used = false;   // what belongs to a body is not as new
    bool inflater_chosen = false;
    bool body_timed_out = false;
    bool continue_sent = false;
    std::unique_ptr<UpgradedStream> upgraded;  // what the handler has of a connection that speaks another protocol

    // Pieces of the body given out are views into `current`; what arrives meanwhile is collected in `incoming`.
    std::size_t position = 0;
    std::string current;
    std::string incoming;

    std::optional<CancellationSource> cancellation;  // of the handler
    HandlerTimer handler_timer;

    // The head.
    http::h1::RequestHead head;
    std::string_view head_origin;
    std::vector<http::HeaderView> fields;
    std::string head_text;

    // The body.
    std::optional<http::h1::BodyDecoder> decoder;
    std::uint64_t body_limit = 0;
    std::uint64_t body_received = 0;
    std::uint64_t drained = 0;
    std::unique_ptr<BodyInflater> inflater;  // where it is coded
    std::uint64_t inflated_limit = 0;
    std::optional<TimePoint> body_deadline;  // while the handler waits for its client
    Duration body_waited{};                  // how long it has done so

    // Who waits for them clears them first.
    Event body_arrived;
    Event sent;  // set when the connection has sent what it had

    // The response, while it is streamed.
    std::uint64_t response_left = 0;
    std::string pending_head;  // goes out with the first piece
    std::size_t written_in_a_row = 0;

    std::string gone_peer;  // who it was, once the stream can't say any more

private:
    static constexpr std::size_t kLargeHead = 1024;

    void reset_body() noexcept;
};

}  // namespace caropig::server
