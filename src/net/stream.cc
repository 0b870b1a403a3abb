#include "net/io_awaiter.h"
#include <caropig/net/stream.h>

#include <array>
#include <cerrno>

namespace caropig::net {

Task<std::size_t> Stream::read_some(MutableBytes buffer) {
    if (buffer.empty()) co_return 0;
    IoAwaiter<ReceiveOperation, Stream> receive(*this);
    receive.operation.buffer = buffer;
    std::int32_t size = co_await receive;
    if (size < 0) throw IoError(errno_code(-size), "read from " + peer());
    co_return static_cast<std::size_t>(size);
}

Task<void> Stream::write(ConstBytes data) {
    if (data.empty()) co_return;
    std::array<ConstBytes, 1> pieces{data};
    IoAwaiter<SendOperation, Stream> send(*this);
    send.operation.pieces = pieces;
    std::int32_t outcome = co_await send;
    if (outcome < 0) throw IoError(errno_code(-outcome), "write to " + peer());
}

bool Stream::submit_file(SendFileOperation& operation) noexcept {
    operation.sent = 0;
    operation.complete_inline(-EOPNOTSUPP);
    return true;
}

}  // namespace caropig::net
