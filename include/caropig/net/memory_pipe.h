#pragma once

#include <caropig/net/stream.h>

#include <cstddef>
#include <memory>
#include <utility>

/// \file
/// Two connected streams without a kernel: what a test, or a part of a program that speaks a protocol to another part
/// of it, uses in place of a socket.
namespace caropig::net {

/// Makes a pair of streams: what is written to one is read from the other. Each direction holds up to `capacity`
/// bytes (at least 1); a write of more waits for the reader. When one end is closed or destroyed, the other reads what
/// is left and then the end of the stream, and its writes fail with EPIPE. Either end may be destroyed first, both
/// before the loop.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> memory_pipe(Loop& loop, std::size_t capacity = 65536);

}  // namespace caropig::net
