#pragma once

#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <deque>
#include <string>
#include <string_view>

/// \file
/// A peer that does exactly what a test says, in that order: what to expect, what to answer, in which pieces, and how
/// to end. With it each step of a conversation can be made to fail.
namespace caropig::testkit {

/// A Stream whose other end plays a script. Used on its loop's thread; must outlive its pending operations.
///
///     ScriptedStream stream(loop);
///     stream.expect_write("GET / HTTP/1.1\r\n\r\n").give("HTTP/1.1 200 ").give("OK\r\n").fail_read(ECONNRESET);
class ScriptedStream final : public net::Stream {
public:
    explicit ScriptedStream(Loop& loop) noexcept;
    ~ScriptedStream() override;

    /// The next bytes written must be `text`, in however many writes; what is given after it is not read before.
    ScriptedStream& expect_write(std::string text);
    /// The next bytes written may be anything, one write operation of it.
    ScriptedStream& expect_any_write();
    /// One read (more where its buffer is smaller) gets `piece`, which is not empty.
    ScriptedStream& give(std::string_view piece);
    /// Reads get the end of the stream; for ever, as the last step.
    ScriptedStream& end();
    /// The next read, or the next write, fails with `error` (an errno value).
    ScriptedStream& fail_read(int error);
    ScriptedStream& fail_write(int error);

    /// Whether all steps were played, an end() included once it was read.
    [[nodiscard]] bool finished() const noexcept;
    /// Everything that was written so far.
    [[nodiscard]] const std::string& written() const noexcept { return written_; }
    /// What went otherwise than the script says; empty when nothing did. Such a write fails with EPROTO.
    [[nodiscard]] const std::string& mismatch() const noexcept { return mismatch_; }
    [[nodiscard]] bool write_shut_down() const noexcept { return shut_down_; }
    [[nodiscard]] bool closed() const noexcept { return closed_; }

    void shutdown_write() noexcept override { shut_down_ = true; }
    void close() noexcept override;
    [[nodiscard]] std::string peer() const override { return "script"; }
    [[nodiscard]] Loop& loop() const noexcept override { return loop_; }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override;
    /// Pending until close(): a script has no way of hanging up but its reads and writes.
    bool submit(HangupOperation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;

private:
    enum class Kind : std::uint8_t { kWrite, kAnyWrite, kGive, kEnd, kFailRead, kFailWrite };
    struct Step {
        Kind kind;
        std::string text;
        int error = 0;
    };
    struct Play : ReadyNode {
        explicit Play(ScriptedStream& stream) noexcept;
        ScriptedStream& owner;
    };

    ScriptedStream& add(Step step);
    void play() noexcept;
    [[nodiscard]] std::int32_t check_write(std::string_view bytes);

    Loop& loop_;
    std::deque<Step> steps_;
    Play play_;
    ReceiveOperation* reader_ = nullptr;
    HangupOperation* hangup_ = nullptr;
    SendOperation* writer_ = nullptr;
    std::string written_;
    std::string mismatch_;
    bool end_read_ = false;
    bool shut_down_ = false;
    bool closed_ = false;
};

}  // namespace caropig::testkit
