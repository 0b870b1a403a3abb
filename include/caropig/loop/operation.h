#pragma once

#include <caropig/async/executor.h>
#include <caropig/base/bytes.h>

#include <cstdint>
#include <span>

/// \file
/// The seam between I/O and what performs it: an operation is submitted, completes once with a result, and can be
/// asked to end early. It is shaped after completion interfaces (io_uring); readiness (epoll) and the simulated
/// network stand behind the same calls. Handlers use Stream's tasks instead; implementers of streams use these.
///
/// An operation stays where it is from its submission to its completion, and must not be destroyed in between.
namespace caropig {

class Operation : public ReadyNode {
public:
    using Complete = void (*)(Operation& self) noexcept;

    explicit Operation(Complete complete) noexcept : ReadyNode(&Operation::run), complete_(complete) {}
    ~Operation() { CAROPIG_CHECK(!pending(), "an operation was destroyed while it was pending"); }

    /// Submitted and not yet completed.
    [[nodiscard]] bool pending() const noexcept { return state_ != State::kIdle; }

    /// What came of it: 0 or more on success, a negated errno value on failure (-ECANCELED: was cancelled).
    std::int32_t result = 0;

    // For those who perform operations.

    enum class State : std::uint8_t { kIdle, kWaiting, kCompleting, kRetrying };
    [[nodiscard]] State state() const noexcept { return state_; }
    void mark_waiting() noexcept { state_ = State::kWaiting; }
    /// Completes now: calls back.
    void complete(std::int32_t outcome) noexcept {
        result = outcome;
        state_ = State::kIdle;
        complete_(*this);
    }
    /// One result of an operation that goes on (AcceptOperation): calls back and stays pending.
    void complete_one(std::int32_t outcome) noexcept {
        result = outcome;
        complete_(*this);
    }
    /// Completes in the executor's next round.
    void complete_later(Executor& executor, std::int32_t outcome) noexcept {
        result = outcome;
        state_ = State::kCompleting;
        executor.schedule(*this);
    }
    /// Has the loop's backend try again in the loop's next round.
    void retry_later(Executor& executor) noexcept {
        state_ = State::kRetrying;
        executor.schedule(*this);
    }
    /// Completed within the call that submitted it: no callback.
    void complete_inline(std::int32_t outcome) noexcept {
        result = outcome;
        state_ = State::kIdle;
    }

    /// The descriptor that the backend works on, at most kMaxFd; a stream in memory leaves it alone. It shares a word
    /// with the state: every idle connection has a pending operation, so its size counts.
    static constexpr int kMaxFd = (1 << 23) - 1;
    int fd : 24 = -1;

private:
    static void run(ReadyNode& node) noexcept;

    State state_ : 8 = State::kIdle;
    Complete complete_;
};

/// Receives 1 or more bytes; a result of 0 is the end of the stream.
struct ReceiveOperation : Operation {
    using Operation::Operation;
    /// Where to put the bytes. Empty: into a buffer that the backend lends, so that an idle connection holds none.
    MutableBytes buffer;
    /// Where the bytes are that were received: in `buffer` or in what was lent, which is valid until the callback
    /// returns. An operation with a lent buffer never completes inline, so that buffer has one user at a time.
    const std::byte* data = nullptr;
    [[nodiscard]] ConstBytes received() const noexcept {
        return {data, result > 0 ? static_cast<std::size_t>(result) : 0};
    }
};

/// Sends all of `pieces`, one after the other; completes when the last byte was taken, or with the first error.
struct SendOperation : Operation {
    using Operation::Operation;
    std::span<const ConstBytes> pieces;  ///< At most kMaxPieces; they and what they view stay valid until completion.
    std::size_t sent = 0;                ///< Bytes taken so far.
    /// Where the last piece lies too. A socket sends it from there, which spares the kernel a copy; what can't do that
    /// sends it from memory. Stays open until completion; the operation forgets it where the kernel refuses it.
    InFile last_in_file;
    static constexpr std::size_t kMaxPieces = 16;
};

/// Sends `count` bytes of an open file from `offset` on without copying them; completes when the last one was taken, or
/// with the first error. The result is the bytes sent: fewer than `count` where the file ended before. -EOPNOTSUPP
/// where the stream can't, and -EINVAL with nothing sent where the file system can't: read the file and send that
/// instead. What is not in the kernel's memory is waited for on the loop's thread, as by a read.
struct SendFileOperation : Operation {
    using Operation::Operation;
    int file = -1;  ///< A regular file; stays open until completion. Its own position does not count.
    std::uint64_t offset = 0;
    std::size_t count = 0;  ///< At most kMostBytes.
    std::size_t sent = 0;   ///< Bytes taken so far.
    static constexpr std::size_t kMostBytes = std::size_t{1} << 30;
};

/// Accepts connections until it is cancelled: completes once for each, with the new descriptor as its result.
struct AcceptOperation : Operation {
    using Operation::Operation;
    /// Others accept from the same socket too, loops of this process or of another: each is to have its turn.
    bool shared = false;
};

/// Connects `fd` to `address` (a struct sockaddr of `address_size` bytes).
struct ConnectOperation : Operation {
    using Operation::Operation;
    const void* address = nullptr;
    std::uint32_t address_size = 0;
};

/// Waits until a descriptor that somebody else reads and writes (a library's socket) is ready.
struct PollOperation : Operation {
    using Operation::Operation;
    bool write = false;  ///< Wait until it can be written instead of read.
};

/// Completes with 0 once the peer has gone for good, so that nothing that is sent would arrive. That it has finished
/// sending (a half-closed connection) is not enough. May be pending beside a receive and a send.
struct HangupOperation : Operation {
    using Operation::Operation;
};

}  // namespace caropig
