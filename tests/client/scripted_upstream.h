#pragma once

#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/net/stream.h>

#include <cerrno>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace caropig::client {

/// The other end of a fetch, in the hands of the test: it says what arrives and when, and sees what was sent.
class ScriptedUpstream {
public:
    explicit ScriptedUpstream(Loop& loop) : loop_(loop) {}

    /// The stream to give to the fetch. Once.
    std::unique_ptr<net::Stream> connect() {
        auto made = std::make_unique<Stream>(*this);
        stream_ = made.get();
        open_ = true;
        return made;
    }

    /// What arrives next: bytes, the end of the stream, an error.
    void deliver(std::string bytes) { push({std::move(bytes), 1}); }
    void finish() { push({{}, 0}); }
    void fail(int error) { push({{}, -error}); }

    /// What becomes of sending: an error, or no end. Set before it is tried.
    int send_error = 0;
    bool send_blocks = false;

    [[nodiscard]] const std::string& sent() const { return sent_; }
    /// Whether the fetch holds its connection.
    [[nodiscard]] bool open() const { return open_; }

private:
    struct Step {
        std::string bytes;
        int result;
    };

    class Stream final : public net::Stream {
    public:
        explicit Stream(ScriptedUpstream& upstream) : upstream_(upstream) {}
        ~Stream() override {
            close();
            upstream_.stream_ = nullptr;
        }

        void shutdown_write() noexcept override {}
        void close() noexcept override {
            upstream_.open_ = false;
            if (reader_ != nullptr) cancel(*reader_);
            if (writer_ != nullptr) cancel(*writer_);
        }
        [[nodiscard]] std::string peer() const override { return "script"; }
        [[nodiscard]] Loop& loop() const noexcept override { return upstream_.loop_; }

        bool submit(ReceiveOperation& operation) noexcept override {
            operation.mark_waiting();
            reader_ = &operation;
            pump();
            return false;
        }
        bool submit(SendOperation& operation) noexcept override {
            operation.sent = 0;
            if (upstream_.send_blocks) {
                operation.mark_waiting();
                writer_ = &operation;
                return false;
            }
            for (ConstBytes piece : operation.pieces) upstream_.sent_ += as_text(piece);
            operation.complete_inline(-upstream_.send_error);
            return true;
        }
        bool submit(HangupOperation& operation) noexcept override {
            operation.complete_inline(-ECANCELED);
            return true;
        }
        void cancel(Operation& operation) noexcept override {
            if (&operation == reader_) {
                std::exchange(reader_, nullptr)->complete_later(upstream_.loop_, -ECANCELED);
            } else if (&operation == writer_) {
                std::exchange(writer_, nullptr)->complete_later(upstream_.loop_, -ECANCELED);
            }
        }

        void pump() noexcept {
            if (reader_ == nullptr || upstream_.steps_.empty()) return;
            Step step = std::move(upstream_.steps_.front());
            upstream_.steps_.pop_front();
            lent_ = std::move(step.bytes);
            reader_->data = as_bytes(lent_).data();
            const int result = step.result > 0 ? static_cast<int>(lent_.size()) : step.result;
            std::exchange(reader_, nullptr)->complete_later(upstream_.loop_, result);
        }

    private:
        ScriptedUpstream& upstream_;
        ReceiveOperation* reader_ = nullptr;
        SendOperation* writer_ = nullptr;
        std::string lent_;
    };

    void push(Step step) {
        steps_.push_back(std::move(step));
        if (stream_ != nullptr) stream_->pump();
    }

    Loop& loop_;
    std::deque<Step> steps_;
    std::string sent_;
    Stream* stream_ = nullptr;
    bool open_ = false;
};

}  // namespace caropig::client
