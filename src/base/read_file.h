#pragma once

#include <caropig/base/bytes.h>

#include <cstddef>
#include <cstdint>

namespace caropig {

/// Reads 1 to buffer.size() bytes of an open file from `offset` on; 0 where it ends before. Throws IoError. Blocks
/// where they must come from a disk.
std::size_t read_file(int file, std::uint64_t offset, MutableBytes buffer);

}  // namespace caropig
