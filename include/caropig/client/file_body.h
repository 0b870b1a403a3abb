#pragma once

#include <caropig/async/task.h>

#include <cstdint>
#include <memory>
#include <string>

namespace caropig {
class ThreadPool;
}

/// \file
/// Files in requests: the disk is read on the threads of a pool, a piece at a time while the request is sent.
namespace caropig::client {

class RequestBody;

/// A file that is open for sending, whole or as a part of a form. Copies share it; it is closed with the last of them.
class FileBody {
public:
    /// Opens it and looks how long it is, on the threads of `threads`, which must outlive all copies. Throws IoError
    /// that names the file, also for what is no regular file.
    static Task<FileBody> open(std::string path, ThreadPool& threads);

    /// Bytes when it was opened: what is sent.
    [[nodiscard]] std::uint64_t size() const noexcept;
    /// The last part of its path.
    [[nodiscard]] const std::string& name() const noexcept;

    /// Writes the file to `body`, which must outlive the task; any number of times. Throws IoError when reading fails
    /// or the file has become shorter, and what the body throws.
    Task<void> write_to(RequestBody& body) const;

private:
    struct File;
    explicit FileBody(std::shared_ptr<const File> file) noexcept;

    std::shared_ptr<const File> file_;
};

}  // namespace caropig::client
