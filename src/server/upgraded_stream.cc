#include "server/upgraded_stream.h"

#include <caropig/loop/loop.h>

#include <cerrno>
#include <utility>

namespace caropig::server {

void UpgradedStream::close() noexcept {
    if (hangup_ != nullptr) cancel(*hangup_);
    PrefixedStream::close();
}

bool UpgradedStream::submit(HangupOperation& operation) noexcept {
    CAROPIG_CHECK(hangup_ == nullptr, "a hang-up is waited for twice on one stream");
    if (gone_ || closed()) {
        operation.complete_inline(gone_ ? 0 : -ECANCELED);
        return true;
    }
    operation.mark_waiting();
    hangup_ = &operation;
    return false;
}

void UpgradedStream::cancel(Operation& operation) noexcept {
    if (&operation != hangup_) return PrefixedStream::cancel(operation);
    hangup_ = nullptr;
    operation.complete_later(loop(), -ECANCELED);
}

void UpgradedStream::tell_hangup() noexcept {
    gone_ = true;
    if (hangup_ != nullptr) std::exchange(hangup_, nullptr)->complete_later(loop(), 0);
}

}  // namespace caropig::server
