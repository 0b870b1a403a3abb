#include "server/upgraded_stream.h"

#include <caropig/loop/loop.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caropig::server {

void UpgradedStream::close() noexcept {
    closed_ = true;
    if (hangup_ != nullptr) cancel(*hangup_);
    below_.close();
}

bool UpgradedStream::submit(ReceiveOperation& operation) noexcept {
    const std::size_t left = received_.size() - start_;
    if (left == 0 || closed_) {
        start_ = 0;
        std::string().swap(received_);
        return below_.submit(operation);
    }
    const char* from = received_.data() + start_;
    if (operation.buffer.empty()) {  // lends what there is; it stays until the next call
        operation.data = as_bytes(std::string_view(from, left)).data();
        start_ += left;
        operation.complete_later(loop(), static_cast<std::int32_t>(left));
        return false;
    }
    const std::size_t size = std::min(left, operation.buffer.size());
    std::ranges::copy(as_bytes(std::string_view(from, size)), operation.buffer.begin());
    operation.data = operation.buffer.data();
    start_ += size;
    operation.complete_inline(static_cast<std::int32_t>(size));
    return true;
}

bool UpgradedStream::submit(HangupOperation& operation) noexcept {
    CAROPIG_CHECK(hangup_ == nullptr, "a hang-up is waited for twice on one stream");
    if (gone_ || closed_) {
        operation.complete_inline(gone_ ? 0 : -ECANCELED);
        return true;
    }
    operation.mark_waiting();
    hangup_ = &operation;
    return false;
}

void UpgradedStream::cancel(Operation& operation) noexcept {
    if (&operation != hangup_) return below_.cancel(operation);
    hangup_ = nullptr;
    operation.complete_later(loop(), -ECANCELED);
}

void UpgradedStream::tell_hangup() noexcept {
    gone_ = true;
    if (hangup_ != nullptr) std::exchange(hangup_, nullptr)->complete_later(loop(), 0);
}

}  // namespace caropig::server
