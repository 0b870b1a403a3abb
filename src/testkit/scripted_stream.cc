#include <caropig/base/check.h>
#include <caropig/testkit/scripted_stream.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caropig::testkit {

ScriptedStream::Play::Play(ScriptedStream& stream) noexcept
    : ReadyNode([](ReadyNode& node) noexcept { static_cast<Play&>(node).owner.play(); }), owner(stream) {}

ScriptedStream::ScriptedStream(Loop& loop) noexcept : loop_(loop), play_(*this) {}

ScriptedStream::~ScriptedStream() { ScriptedStream::close(); }

ScriptedStream& ScriptedStream::add(Step step) {
    steps_.push_back(std::move(step));
    loop_.schedule(play_);
    return *this;
}

ScriptedStream& ScriptedStream::expect_write(std::string text) { return add({Kind::kWrite, std::move(text)}); }
ScriptedStream& ScriptedStream::expect_any_write() { return add({Kind::kAnyWrite, {}}); }
ScriptedStream& ScriptedStream::give(std::string_view piece) {
    CAROPIG_CHECK(!piece.empty(), "a piece of no bytes would look like the end of the stream");
    return add({Kind::kGive, std::string(piece)});
}
ScriptedStream& ScriptedStream::end() { return add({Kind::kEnd, {}}); }
ScriptedStream& ScriptedStream::fail_read(int error) { return add({Kind::kFailRead, {}, error}); }
ScriptedStream& ScriptedStream::fail_write(int error) { return add({Kind::kFailWrite, {}, error}); }

bool ScriptedStream::finished() const noexcept {
    return steps_.empty() || (steps_.size() == 1 && steps_.front().kind == Kind::kEnd && end_read_);
}

bool ScriptedStream::submit(ReceiveOperation& operation) noexcept {
    CAROPIG_CHECK(reader_ == nullptr, "two reads are pending on one stream");
    if (closed_) {
        operation.complete_later(loop_, -ECANCELED);
        return false;
    }
    operation.mark_waiting();
    reader_ = &operation;
    loop_.schedule(play_);
    return false;
}

bool ScriptedStream::submit(SendOperation& operation) noexcept {
    CAROPIG_CHECK(writer_ == nullptr, "two writes are pending on one stream");
    operation.sent = 0;
    if (closed_ || shut_down_) {
        operation.complete_later(loop_, closed_ ? -ECANCELED : -EPIPE);
        return false;
    }
    operation.mark_waiting();
    writer_ = &operation;
    loop_.schedule(play_);
    return false;
}

bool ScriptedStream::submit(HangupOperation& operation) noexcept {
    CAROPIG_CHECK(hangup_ == nullptr, "a hang-up is waited for twice on one stream");
    if (closed_) {
        operation.complete_inline(-ECANCELED);
        return true;
    }
    operation.mark_waiting();
    hangup_ = &operation;
    return false;
}

void ScriptedStream::cancel(Operation& operation) noexcept {
    if (&operation == reader_) {
        reader_ = nullptr;
    } else if (&operation == writer_) {
        writer_ = nullptr;
    } else if (&operation == hangup_) {
        hangup_ = nullptr;
    } else {
        return;
    }
    operation.complete_later(loop_, -ECANCELED);
}

void ScriptedStream::close() noexcept {
    closed_ = true;
    if (reader_ != nullptr) cancel(*reader_);
    if (writer_ != nullptr) cancel(*writer_);
    if (hangup_ != nullptr) cancel(*hangup_);
}

/// What a write of `bytes` comes to; takes the steps that it plays off the script.
std::int32_t ScriptedStream::check_write(std::string_view bytes) {
    written_ += bytes;
    while (!bytes.empty()) {
        Step* step = steps_.empty() ? nullptr : &steps_.front();
        if (step != nullptr && step->kind == Kind::kAnyWrite) {
            steps_.pop_front();
            return 0;
        }
        if (step != nullptr && step->kind == Kind::kFailWrite) {
            int error = step->error;
            steps_.pop_front();
            return -error;
        }
        bool expected = step != nullptr && step->kind == Kind::kWrite;
        std::string_view want = expected ? std::string_view(step->text) : std::string_view();
        std::size_t size = std::min(bytes.size(), want.size());
        if (!expected || bytes.substr(0, size) != want.substr(0, size)) {
            mismatch_ = "wrote \"" + std::string(bytes) + "\" where the script has \"" + std::string(want) + "\"";
            return -EPROTO;
        }
        bytes.remove_prefix(size);
        step->text.erase(0, size);
        if (step->text.empty()) steps_.pop_front();
    }
    return 0;
}

void ScriptedStream::play() noexcept {
    // A write goes first: what is given may be the answer to it. It waits while there is something to read before it.
    bool reads_first =
        !steps_.empty() && (steps_.front().kind == Kind::kGive || steps_.front().kind == Kind::kFailRead);
    if (writer_ != nullptr && !(reads_first && reader_ != nullptr)) {
        SendOperation& writer = *std::exchange(writer_, nullptr);
        std::string bytes;
        for (ConstBytes piece : writer.pieces) bytes += as_text(piece);
        // Who writes without having read what is given first goes on: the pieces stay to be read.
        std::deque<Step> given;
        while (!steps_.empty() && steps_.front().kind == Kind::kGive) {
            given.push_back(std::move(steps_.front()));
            steps_.pop_front();
        }
        std::int32_t outcome = check_write(bytes);
        steps_.insert(steps_.begin(), std::make_move_iterator(given.begin()), std::make_move_iterator(given.end()));
        if (outcome == 0) writer.sent = bytes.size();
        loop_.schedule(play_);
        writer.complete(outcome);
        return;
    }
    if (reader_ == nullptr || steps_.empty()) return;
    Step& step = steps_.front();
    if (step.kind != Kind::kGive && step.kind != Kind::kEnd && step.kind != Kind::kFailRead) return;
    ReceiveOperation& reader = *std::exchange(reader_, nullptr);
    if (writer_ != nullptr || steps_.size() > 1) loop_.schedule(play_);
    if (step.kind == Kind::kEnd) {
        end_read_ = true;
        reader.complete(0);
        return;
    }
    if (step.kind == Kind::kFailRead) {
        int error = step.error;
        steps_.pop_front();
        reader.complete(-error);
        return;
    }
    std::string piece = std::move(step.text);
    std::size_t size = piece.size();
    if (reader.buffer.empty()) {
        steps_.pop_front();
        reader.data = as_bytes(piece).data();
    } else {
        size = std::min(piece.size(), reader.buffer.size());
        std::ranges::copy(as_bytes(piece).first(size), reader.buffer.begin());
        reader.data = reader.buffer.data();
        step.text = piece.substr(size);
        if (step.text.empty()) steps_.pop_front();
    }
    reader.complete(static_cast<std::int32_t>(size));
}

}  // namespace caropig::testkit
