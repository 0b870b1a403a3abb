#include "net/tls_stream.h"

#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace caropig::net {
namespace {

constexpr std::size_t kRecordSize = 16384;             // plaintext of one record (RFC 8446 5.1)
constexpr std::size_t kSendSize = 4 * kRecordSize;     // plaintext that is encrypted and sent at a time
constexpr std::size_t kTurnSize = 16 * kSendSize;      // sent before others have their turn
constexpr std::size_t kMostUnasked = 4 * kRecordSize;  // ciphertext that a peer can make us send by sending

/// The two directions of a session over the stream below. It frees itself when its owner has gone and no operation of
/// its own is pending any more. Completing an operation of the user may end it: nothing is touched after that.
class Session final {
public:
    Session(std::unique_ptr<Stream> below, std::unique_ptr<TlsEngine> engine) noexcept
        : below_(std::move(below)), loop_(below_->loop()), engine_(std::move(engine)) {}

    [[nodiscard]] Stream& below() const noexcept { return *below_; }
    [[nodiscard]] const TlsEngine& engine() const noexcept { return *engine_; }

    bool submit(ReceiveOperation& operation) noexcept {
        CAROPIG_CHECK(reader_ == nullptr, "two reads are pending on one stream");
        const bool lent = operation.buffer.empty();
        if (closed_ || (!lent && (engine_->may_read() || read_result_ != kOpen))) {
            if (lent) {
                operation.complete_later(loop_, -ECANCELED);
                return false;
            }
            std::int32_t result = -ECANCELED;
            const bool ended = closed_ || decrypt(operation.buffer, result);
            if (!closed_) settle_input();
            if (ended) {
                operation.data = operation.buffer.data();
                operation.complete_inline(result);
                return true;
            }
        }
        operation.mark_waiting();
        reader_ = &operation;
        if (lent && (engine_->may_read() || read_result_ != kOpen)) {
            loop_.schedule(reading_);  // lent bytes never come at once
        } else {
            receive();
        }
        return false;
    }

    bool submit(SendOperation& operation) noexcept {
        CAROPIG_CHECK(writer_ == nullptr, "two writes are pending on one stream");
        operation.sent = 0;
        if (closed_ || write_error_ != 0 || shut_down_) {
            operation.complete_inline(closed_ ? -ECANCELED : write_error_ != 0 ? -write_error_ : -EPIPE);
            return true;
        }
        writer_ = &operation;
        piece_ = piece_offset_ = taken_ = 0;
        if (!send_.pending() && !writing_.scheduled() && pump()) {
            writer_ = nullptr;
            operation.complete_inline(-write_error_);
            return true;
        }
        operation.mark_waiting();
        return false;
    }

    bool submit(HangupOperation& operation) noexcept { return below_->submit(operation); }

    void cancel(Operation& operation) noexcept {
        if (&operation == reader_) {
            reader_ = nullptr;
            below_->cancel(receive_);
        } else if (&operation == writer_) {
            // An unknown part of a record may have gone.
            writer_ = nullptr;
            if (write_error_ == 0) write_error_ = EPIPE;
            writing_.unlink();
            below_->cancel(send_);
        } else {
            below_->cancel(operation);  // a hang-up
            return;
        }
        operation.complete_later(loop_, -ECANCELED);
    }

    void shutdown_write() noexcept {
        if (std::exchange(shut_down_, true) || closed_) return;
        if (writer_ == nullptr) say_end();
    }

    void close() noexcept {
        if (std::exchange(closed_, true)) return;
        if (ReceiveOperation* reader = std::exchange(reader_, nullptr)) reader->complete_later(loop_, -ECANCELED);
        if (SendOperation* writer = std::exchange(writer_, nullptr)) {
            writer->complete_later(loop_, -ECANCELED);
            write_error_ = EPIPE;
        }
        reading_.unlink();
        writing_.unlink();
        if (write_error_ == 0 && !send_.pending()) {
            engine_->say_end();
            flush();
        }
        below_->close();
    }

    /// The owner goes.
    void abandon() noexcept {
        close();
        abandoned_ = true;
        free_if_done();
    }

    /// Sends what nobody waits for: the last of the handshake, an alert, a new key.
    void send_unasked() noexcept {
        if (writer_ == nullptr && !send_.pending()) flush();
    }

private:
    static constexpr std::int32_t kOpen = 1;  // of read_result_: no end yet

    struct Receive : ReceiveOperation {
        explicit Receive(Session& session) noexcept
            : ReceiveOperation([](Operation& self) noexcept { static_cast<Receive&>(self).owner.received(); }),
              owner(session) {}
        Session& owner;
    };
    struct Send : SendOperation {
        explicit Send(Session& session) noexcept
            : SendOperation([](Operation& self) noexcept { static_cast<Send&>(self).owner.was_sent(); }),
              owner(session) {}
        Session& owner;
    };
    struct Reading : ReadyNode {
        explicit Reading(Session& session) noexcept
            : ReadyNode([](ReadyNode& self) noexcept { static_cast<Reading&>(self).owner.serve_reader(); }),
              owner(session) {}
        Session& owner;
    };
    struct Writing : ReadyNode {
        explicit Writing(Session& session) noexcept
            : ReadyNode([](ReadyNode& self) noexcept { static_cast<Writing&>(self).owner.write_on(); }),
              owner(session) {}
        Session& owner;
    };

    void free_if_done() noexcept {
        if (abandoned_ && !receive_.pending() && !send_.pending()) delete this;
    }

    // Reading.

    void receive() noexcept {
        // One that was cancelled and has still to complete starts it anew when it does.
        if (receive_.pending()) return;
        receive_.buffer = {};
        below_->submit(receive_);
    }

    void received() noexcept {
        if (closed_) {
            free_if_done();
            return;
        }
        if (receive_.result > 0) {
            engine_->feed(receive_.received());
        } else if (receive_.result != -ECANCELED && read_result_ == kOpen) {
            // An end below, without one in the session: cut off.
            read_result_ = receive_.result == 0 ? -ECONNABORTED : receive_.result;
        }
        serve_reader();
    }

    /// Gives the reader what there is, or waits for more.
    void serve_reader() noexcept {
        if (reader_ == nullptr) {
            engine_->keep_input();
            return;
        }
        std::array<std::byte, kRecordSize> lent;
        const MutableBytes into = reader_->buffer.empty() ? MutableBytes(lent) : reader_->buffer;
        std::int32_t result = 0;
        if (!decrypt(into, result)) {
            settle_input();
            receive();
            return;
        }
        settle_input();
        ReceiveOperation& reader = *std::exchange(reader_, nullptr);
        reader.data = into.data();
        reader.complete(result);
    }

    /// Decrypts what has come; false when there is neither plaintext nor an end.
    bool decrypt(MutableBytes into, std::int32_t& result) noexcept {
        std::size_t size = 0;
        switch (engine_->read(into, size)) {
            case TlsEngine::Step::kDone:
                result = static_cast<std::int32_t>(size);
                return true;
            case TlsEngine::Step::kEnded:
                read_result_ = 0;
                break;
            case TlsEngine::Step::kFailed:
                read_result_ = -EPROTO;
                break;
            case TlsEngine::Step::kNeedsInput:
                break;
        }
        result = read_result_;
        return read_result_ != kOpen;
    }

    /// What is left of the input stays, and what reading has made to be sent (an alert, a new key) goes.
    void settle_input() noexcept {
        engine_->keep_input();
        if (engine_->output().size() > kMostUnasked) {
            read_result_ = -EPROTO;
            write_error_ = EPROTO;
        }
        send_unasked();
    }

    // Writing. While there is a writer, send_ is pending or writing_ is scheduled.

    void was_sent() noexcept {
        take_sent();
        if (closed_) {
            free_if_done();
            return;
        }
        write_on();
    }

    void write_on() noexcept {
        if (closed_) return;
        if (writer_ == nullptr) {
            flush();
            return;
        }
        if (!pump()) return;
        SendOperation& writer = *std::exchange(writer_, nullptr);
        if (shut_down_) say_end();
        writer.complete(-write_error_);
    }

    /// Encrypts and sends what is left of the writer's bytes; true when that has ended, for good or bad.
    bool pump() noexcept {
        std::size_t turn = 0;
        while (write_error_ == 0) {
            if (turn >= kTurnSize) {
                loop_.schedule(writing_);
                return false;
            }
            turn += encrypt();
            if (write_error_ == 0 && engine_->output().empty()) return true;
            if (write_error_ == 0 && !submit_output()) return false;
        }
        return true;
    }

    /// Encrypts up to kSendSize bytes. Small pieces become one record.
    std::size_t encrypt() noexcept {
        std::array<std::byte, kRecordSize> gathered;
        std::size_t total = 0;
        while (total < kSendSize && piece_ < writer_->pieces.size()) {
            ConstBytes rest = writer_->pieces[piece_].subspan(piece_offset_);
            if (rest.size() >= kRecordSize || piece_ + 1 == writer_->pieces.size()) {
                const ConstBytes record = rest.first(std::min(rest.size(), kRecordSize));
                advance(record.size());
                if (!encrypt_record(record)) return total;
                total += record.size();
                continue;
            }
            std::size_t size = 0;
            while (size < kRecordSize && piece_ < writer_->pieces.size()) {
                rest = writer_->pieces[piece_].subspan(piece_offset_);
                const std::size_t count = std::min(rest.size(), kRecordSize - size);
                std::copy_n(rest.begin(), count, gathered.begin() + static_cast<std::ptrdiff_t>(size));
                size += count;
                advance(count);
            }
            if (!encrypt_record(ConstBytes(gathered).first(size))) return total;
            total += size;
        }
        return total;
    }

    bool encrypt_record(ConstBytes record) noexcept {
        if (record.empty()) return true;  // it would be one of no bytes
        if (engine_->write(record) == TlsEngine::Step::kDone) {
            writer_->sent += record.size();
            return true;
        }
        write_error_ = EPROTO;
        return false;
    }

    void advance(std::size_t count) noexcept {
        piece_offset_ += count;
        while (piece_ < writer_->pieces.size() && piece_offset_ == writer_->pieces[piece_].size()) {
            ++piece_;
            piece_offset_ = 0;
        }
    }

    /// Hands the output to the stream below; false when it takes its time.
    bool submit_output() noexcept {
        sending_ = std::exchange(engine_->output(), {});
        sending_piece_ = sending_;
        send_.pieces = {&sending_piece_, 1};
        if (!below_->submit(send_)) return false;
        take_sent();
        return true;
    }

    /// What has become of the output. Where the stream below took nothing of it, it took nothing of what that is made
    /// of: whoever asks whether a request was touched goes by that.
    void take_sent() noexcept {
        if (send_.result != 0 && write_error_ == 0) write_error_ = send_.result == -ECANCELED ? EPIPE : -send_.result;
        if (writer_ != nullptr && send_.result == 0) taken_ = writer_->sent;
        if (writer_ != nullptr && send_.result != 0 && send_.sent == 0) writer_->sent = taken_;
        sending_ = {};
    }

    /// Sends output that no writer waits for, and then the end, if that was said.
    void flush() noexcept {
        while (write_error_ == 0 && !engine_->output().empty()) {
            if (!submit_output()) return;
        }
        if (end_said_ && !closed_) below_->shutdown_write();
    }

    void say_end() noexcept {
        end_said_ = true;
        if (write_error_ == 0) engine_->say_end();
        if (!send_.pending()) flush();
    }

    std::unique_ptr<Stream> below_;
    Loop& loop_;
    std::unique_ptr<TlsEngine> engine_;
    Receive receive_{*this};
    Send send_{*this};
    Reading reading_{*this};
    Writing writing_{*this};

    ReceiveOperation* reader_ = nullptr;
    std::int32_t read_result_ = kOpen;  // what every read ends with, once there is no plaintext left

    SendOperation* writer_ = nullptr;
    std::size_t piece_ = 0;         // of the writer's pieces, the one to encrypt next
    std::size_t piece_offset_ = 0;  // within it
    std::size_t taken_ = 0;         // bytes of the writer's whose ciphertext was all taken
    std::vector<std::byte> sending_;
    ConstBytes sending_piece_;
    int write_error_ = 0;

    bool shut_down_ = false;  // nothing more is to be written
    bool end_said_ = false;   // and that is in the output
    bool closed_ = false;
    bool abandoned_ = false;
};

class SessionStream final : public TlsStream {
public:
    SessionStream(std::unique_ptr<Stream> below, std::unique_ptr<TlsEngine> engine)
        : session_(new Session(std::move(below), std::move(engine))) {
        session_->send_unasked();
    }
    ~SessionStream() override { session_->abandon(); }

    void shutdown_write() noexcept override { session_->shutdown_write(); }
    void close() noexcept override { session_->close(); }
    void drop_unsent_at_close() noexcept override { session_->below().drop_unsent_at_close(); }
    [[nodiscard]] std::string peer() const override { return session_->below().peer(); }
    [[nodiscard]] Loop& loop() const noexcept override { return session_->below().loop(); }
    bool submit(ReceiveOperation& operation) noexcept override { return session_->submit(operation); }
    bool submit(SendOperation& operation) noexcept override { return session_->submit(operation); }
    bool submit(HangupOperation& operation) noexcept override { return session_->submit(operation); }
    void cancel(Operation& operation) noexcept override { session_->cancel(operation); }

    [[nodiscard]] TlsVersion version() const noexcept override { return session_->engine().version(); }
    [[nodiscard]] std::string protocol() const override { return session_->engine().protocol(); }
    [[nodiscard]] bool resumed() const noexcept override { return session_->engine().resumed(); }
    [[nodiscard]] std::string failure() const override { return session_->engine().failure(); }

private:
    Session* session_;  // frees itself
};

}  // namespace

std::unique_ptr<TlsStream> make_tls_stream(std::unique_ptr<Stream> stream, std::unique_ptr<TlsEngine> engine) {
    return std::make_unique<SessionStream>(std::move(stream), std::move(engine));
}

}  // namespace caropig::net
