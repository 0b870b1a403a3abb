#include "net/proxied_stream.h"

#include <caropig/base/bytes.h>
#include <caropig/base/check.h>
#include <caropig/loop/loop.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace caropig::net {

ProxiedStream::ProxiedStream(std::unique_ptr<Stream> below, OnHeader on_header)
    : below_(std::move(below)), on_header_(std::move(on_header)) {}

void ProxiedStream::close() noexcept {
    closed_ = true;
    below_->close();
}

bool ProxiedStream::submit(ReceiveOperation& operation) noexcept {
    if (introduced_ && kept_.empty()) [[likely]]
        return below_->submit(operation);
    if (introduced_) return closed_ ? below_->submit(operation) : submit_kept(operation);
    CAROPIG_CHECK(waiting_ == nullptr, "two reads are pending on one stream");
    operation.mark_waiting();
    waiting_ = &operation;
    // Lent bytes: such an operation never completes inline.
    static_cast<void>(below_->submit(receive_));
    return false;
}

/// What came with the header and did not fit into the buffer of the first receive.
bool ProxiedStream::submit_kept(ReceiveOperation& operation) {
    lent_ = std::exchange(kept_, {});
    const std::int32_t size = give(operation, lent_);
    if (operation.buffer.empty()) {
        operation.complete_later(loop(), size);  // an operation without a buffer never completes inline
        return false;
    }
    operation.complete_inline(size);
    return true;
}

void ProxiedStream::cancel(Operation& operation) noexcept {
    if (operation.state() == Operation::State::kCompleting) return;
    below_->cancel(&operation == waiting_ ? receive_ : operation);
}

void ProxiedStream::on_received() noexcept {
    if (receive_.result < 0) return end_with(receive_.result);
    if (receive_.result == 0) {
        if (!kept_.empty()) on_header_("an incomplete PROXY header");
        return end_with(kept_.empty() ? 0 : -EPROTO);
    }
    // What is lent lies still until this returns, so what follows the header is given on without a copy.
    const std::string_view arrived = as_text(receive_.received());
    const std::size_t before = kept_.size();
    kept_ += arrived.substr(0, std::min(arrived.size(), kMaxProxyHeaderBytes + 1 - before));
    const ProxyHeaderResult header = parse_proxy_header(kept_);
    if (header.state == ProxyHeaderResult::kNeedMore) {
        static_cast<void>(below_->submit(receive_));
        return;
    }
    kept_.clear();
    kept_.shrink_to_fit();
    if (header.state == ProxyHeaderResult::kError) {
        on_header_(header.reason);
        return end_with(closed_ ? -ECANCELED : -EPROTO);
    }
    introduced_ = true;
    if (header.peer.kind == ProxiedPeer::Kind::kUnix) peer_ = "unix:";
    if (header.peer.kind == ProxiedPeer::Kind::kAddress) peer_ = header.peer.source->to_string();
    on_header_({});
    ReceiveOperation& first = *std::exchange(waiting_, nullptr);
    if (closed_) return first.complete(-ECANCELED);
    const std::string_view rest = arrived.substr(header.consumed - before);
    if (!rest.empty()) return first.complete(give(first, rest));
    first.complete_inline(0);  // no longer waiting here, but below
    if (below_->submit(first)) first.complete(first.result);
}

/// Hands `bytes` over to an operation; what its own buffer has no room for is kept.
std::int32_t ProxiedStream::give(ReceiveOperation& operation, std::string_view bytes) {
    std::size_t size = bytes.size();
    if (operation.buffer.empty()) {
        operation.data = as_bytes(bytes).data();
    } else {
        size = std::min(size, operation.buffer.size());
        std::ranges::copy(as_bytes(bytes.substr(0, size)), operation.buffer.begin());
        operation.data = operation.buffer.data();
        kept_ = bytes.substr(size);
    }
    return static_cast<std::int32_t>(size);
}

void ProxiedStream::end_with(std::int32_t result) noexcept { std::exchange(waiting_, nullptr)->complete(result); }

}  // namespace caropig::net
