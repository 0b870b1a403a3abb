#include <caropig/base/error.h>
#include <caropig/client/file_body.h>
#include <caropig/client/request_body.h>
#include <caropig/loop/thread_pool.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace caropig::client {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} * 1024;  // read at a time

}  // namespace

struct FileBody::File {
    File(std::string path, ThreadPool& pool) : name(path.substr(path.rfind('/') + 1)), threads(pool) {
        fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO would hold the thread up
        if (fd < 0) throw IoError(errno_code(errno), "open " + path);
        struct stat status{};
        const bool known = ::fstat(fd, &status) == 0;
        const int error = known ? EINVAL : errno;
        if (!known || !S_ISREG(status.st_mode)) {
            ::close(fd);
            throw IoError(errno_code(error), known ? "open " + path + ", which is no regular file" : "open " + path);
        }
        size = static_cast<std::uint64_t>(status.st_size);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { ::close(fd); }

    /// Fills `buffer` from `position` on.
    void read(std::string& buffer, std::uint64_t position) const {
        for (std::size_t filled = 0; filled < buffer.size();) {
            const ssize_t got =
                ::pread(fd, buffer.data() + filled, buffer.size() - filled, static_cast<off_t>(position + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) throw IoError(errno_code(errno), "read " + name);
            if (got == 0) throw IoError(errno_code(EIO), "read " + name + ", which has become shorter");
            filled += static_cast<std::size_t>(got);
        }
    }

    std::string name;
    ThreadPool& threads;
    int fd = -1;
    std::uint64_t size = 0;
};

FileBody::FileBody(std::shared_ptr<const File> file) noexcept : file_(std::move(file)) {}

Task<FileBody> FileBody::open(std::string path, ThreadPool& threads) {
    std::shared_ptr<const File> file;
    auto work = [&] { file = std::make_shared<const File>(path, threads); };
    co_await threads.run(std::ref(work));
    co_return FileBody(std::move(file));
}

std::uint64_t FileBody::size() const noexcept { return file_->size; }
const std::string& FileBody::name() const noexcept { return file_->name; }

Task<void> FileBody::write_to(RequestBody& body) const {
    const std::shared_ptr<const File> file = file_;
    std::string buffer;
    for (std::uint64_t position = 0; position < file->size; position += buffer.size()) {
        buffer.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kPieceBytes, file->size - position)));
        auto work = [&] { file->read(buffer, position); };
        co_await file->threads.run(std::ref(work));
        co_await body.write(buffer);
    }
}

}  // namespace caropig::client
