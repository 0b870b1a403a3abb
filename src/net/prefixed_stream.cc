#include "net/prefixed_stream.h"

#include <caropig/base/bytes.h>
#include <caropig/loop/loop.h>

#include <algorithm>

namespace caropig::net {

void PrefixedStream::close() noexcept {
    closed_ = true;
    below_.close();
}

bool PrefixedStream::submit(ReceiveOperation& operation) noexcept {
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

}  // namespace caropig::net
