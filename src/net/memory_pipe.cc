#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>
#include <caropig/net/memory_pipe.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace caropig::net {
namespace {

/// One direction: bytes on their way, and at most one of each kind of operation that waits. What waits is completed
/// from the loop; both ends share the channel, so it also outlives the one that is destroyed first.
class Channel : public std::enable_shared_from_this<Channel>, ReadyNode {
public:
    Channel(Loop& loop, std::size_t capacity)
        : ReadyNode([](ReadyNode& node) noexcept { static_cast<Channel&>(node).complete_waiting(); }),
          loop_(loop),
          capacity_(capacity) {}

    bool submit(ReceiveOperation& operation) noexcept {
        CAROPIG_CHECK(reader_ == nullptr, "two reads are pending on one stream");
        bool lent = operation.buffer.empty();
        if (reader_closed_) {
            if (lent) operation.complete_later(loop_, -ECANCELED);
            if (!lent) operation.complete_inline(-ECANCELED);
            return !lent;
        }
        if (!lent && readable()) {
            operation.complete_inline(take(operation));
            return true;
        }
        operation.mark_waiting();
        reader_ = &operation;
        if (readable()) loop_.schedule(*this);
        return false;
    }

    bool submit(SendOperation& operation) noexcept {
        CAROPIG_CHECK(writer_ == nullptr, "two writes are pending on one stream");
        operation.sent = 0;
        if (writer_closed_ || finished_ || reader_closed_) {
            operation.complete_inline(writer_closed_ ? -ECANCELED : -EPIPE);
            return true;
        }
        if (put(operation)) {
            operation.complete_inline(0);
            return true;
        }
        operation.mark_waiting();
        writer_ = &operation;
        return false;
    }

    bool submit(HangupOperation& operation) noexcept {
        CAROPIG_CHECK(hangup_ == nullptr, "a hang-up is waited for twice on one stream");
        if (writer_closed_ || reader_closed_) {
            operation.complete_inline(writer_closed_ ? -ECANCELED : 0);
            return true;
        }
        operation.mark_waiting();
        hangup_ = &operation;
        return false;
    }

    /// False when `operation` does not wait here.
    bool cancel(Operation& operation) noexcept {
        if (&operation == reader_) {
            reader_ = nullptr;
        } else if (&operation == writer_) {
            writer_ = nullptr;
        } else if (&operation == hangup_) {
            hangup_ = nullptr;
        } else {
            return false;
        }
        operation.complete_later(loop_, -ECANCELED);
        loop_.schedule(*this);  // an end that waited behind a write may be next
        return true;
    }

    /// The writer will write no more.
    void finish() noexcept {
        finished_ = true;
        loop_.schedule(*this);
    }

    void close_reader() noexcept {
        if (reader_closed_) return;
        reader_closed_ = true;
        if (reader_ != nullptr) cancel(*reader_);
        bytes_ = {};
        loop_.schedule(*this);
    }

    void close_writer() noexcept {
        if (writer_closed_) return;
        writer_closed_ = true;
        if (writer_ != nullptr) cancel(*writer_);
        if (hangup_ != nullptr) cancel(*hangup_);
        finish();
    }

private:
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - start_; }
    [[nodiscard]] bool readable() const noexcept { return size() != 0 || (finished_ && writer_ == nullptr); }

    /// Moves bytes into the operation's own buffer.
    std::int32_t take(ReceiveOperation& operation) noexcept {
        std::size_t count = std::min(size(), operation.buffer.size());
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(start_), count, operation.buffer.begin());
        operation.data = operation.buffer.data();
        start_ += count;
        if (start_ == bytes_.size()) {
            bytes_.clear();
            start_ = 0;
        }
        if (writer_ != nullptr) loop_.schedule(*this);
        return static_cast<std::int32_t>(count);
    }

    /// Takes what there is room for; true when that was the rest of the operation.
    bool put(SendOperation& operation) noexcept {
        std::size_t skip = operation.sent;
        for (ConstBytes piece : operation.pieces) {
            ConstBytes rest = piece.subspan(std::min(skip, piece.size()));
            skip -= piece.size() - rest.size();
            ConstBytes part = rest.first(std::min(rest.size(), capacity_ - size()));
            if (part.empty() && !rest.empty()) return false;
            if (start_ != 0 && bytes_.size() + part.size() > capacity_) {
                bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(start_));
                start_ = 0;
            }
            bytes_.insert(bytes_.end(), part.begin(), part.end());
            operation.sent += part.size();
            if (reader_ != nullptr) loop_.schedule(*this);
            if (part.size() < rest.size()) return false;
        }
        return true;
    }

    void complete_waiting() noexcept {
        auto alive = shared_from_this();  // callbacks may destroy both ends
        if (writer_ != nullptr && (reader_closed_ || put(*writer_))) {
            std::exchange(writer_, nullptr)->complete(reader_closed_ ? -EPIPE : 0);
        }
        if (hangup_ != nullptr && reader_closed_) std::exchange(hangup_, nullptr)->complete(0);
        if (reader_ == nullptr || !readable()) return;
        ReceiveOperation& reader = *std::exchange(reader_, nullptr);
        if (!reader.buffer.empty()) {
            std::int32_t count = take(reader);
            reader.complete(count);
            return;
        }
        // Lent: what the callback looks at stays, whatever it writes or closes meanwhile.
        std::vector<std::byte> lent = std::exchange(bytes_, {});
        const ConstBytes received = ConstBytes(lent).subspan(std::exchange(start_, 0));
        reader.data = received.data();
        if (writer_ != nullptr) loop_.schedule(*this);
        reader.complete(static_cast<std::int32_t>(received.size()));
    }

    Loop& loop_;
    std::size_t capacity_;
    std::vector<std::byte> bytes_;  // those before start_ have been read
    std::size_t start_ = 0;
    ReceiveOperation* reader_ = nullptr;
    SendOperation* writer_ = nullptr;
    HangupOperation* hangup_ = nullptr;  // of the writing end
    bool finished_ = false;
    bool reader_closed_ = false;
    bool writer_closed_ = false;
};

class PipeStream final : public Stream {
public:
    PipeStream(Loop& loop, std::shared_ptr<Channel> in, std::shared_ptr<Channel> out) noexcept
        : loop_(loop), in_(std::move(in)), out_(std::move(out)) {}
    ~PipeStream() override { PipeStream::close(); }

    void shutdown_write() noexcept override { out_->finish(); }
    void close() noexcept override {
        in_->close_reader();
        out_->close_writer();
    }
    [[nodiscard]] std::string peer() const override { return "pipe"; }
    [[nodiscard]] Loop& loop() const noexcept override { return loop_; }
    bool submit(ReceiveOperation& operation) noexcept override { return in_->submit(operation); }
    bool submit(SendOperation& operation) noexcept override { return out_->submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return out_->submit(operation); }
    void cancel(Operation& operation) noexcept override {
        if (!in_->cancel(operation)) out_->cancel(operation);
    }

private:
    Loop& loop_;
    std::shared_ptr<Channel> in_;
    std::shared_ptr<Channel> out_;
};

}  // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_pipe(Loop& loop, std::size_t capacity) {
    CAROPIG_CHECK(capacity > 0, "a memory_pipe needs a capacity of at least one byte");
    auto there = std::make_shared<Channel>(loop, capacity);
    auto back = std::make_shared<Channel>(loop, capacity);
    return {std::make_unique<PipeStream>(loop, back, there), std::make_unique<PipeStream>(loop, there, back)};
}

}  // namespace caropig::net
