#include "base/read_file.h"

#include <caropig/base/error.h>

#include <cerrno>

#include <unistd.h>

namespace caropig {

std::size_t read_file(int file, std::uint64_t offset, MutableBytes buffer) {
    for (;;) {
        ssize_t size = ::pread(file, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (size >= 0) return static_cast<std::size_t>(size);
        if (errno != EINTR) throw IoError(errno_code(errno), "read a file");
    }
}

}  // namespace caropig
