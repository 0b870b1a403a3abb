#include "web/temporary_file.h"

#include <caropig/base/error.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace caropig::web {
namespace {

[[noreturn]] void fail(const std::string& operation) { throw IoError(errno_code(errno), operation); }

void write_all(int descriptor, std::string_view data, const std::string& what) {
    while (!data.empty()) {
        const ssize_t written = ::write(descriptor, data.data(), data.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write " + what);
        data.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace

TemporaryFile TemporaryFile::create(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0) return {descriptor, true};
    // EISDIR and ENOENT are what kernels say that do not know the flag (open(2)).
    if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT) return create_unlinked(folder);
    fail("create a temporary file in " + folder);
}

TemporaryFile TemporaryFile::create_unlinked(const std::string& folder) {
    std::string path = folder + "/caropig-XXXXXX";
    const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
    if (descriptor < 0) fail("create a temporary file in " + folder);
    TemporaryFile file(descriptor, false);
    if (::unlink(path.c_str()) != 0) fail("unlink " + path);
    return file;
}

TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), linkable_(other.linkable_), size_(other.size_) {}

TemporaryFile::~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void TemporaryFile::append(std::string_view data) {
    write_all(descriptor_, data, "a temporary file");
    size_ += data.size();
}

std::size_t TemporaryFile::read(std::uint64_t offset, MutableBytes buffer) const {
    for (;;) {
        const ssize_t got = ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) fail("read a temporary file");
    }
}

bool TemporaryFile::link(const std::string& path) {
    if (!linkable_) return false;
    // Linking the descriptor itself would need a capability (open(2), O_TMPFILE).
    const std::string self = "/proc/self/fd/" + std::to_string(descriptor_);
    if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        if (errno == EEXIST) fail("create " + path);
        return false;
    }
    linkable_ = false;  // a second name would be the same file, not a copy
    return true;
}

NewFile::NewFile(const std::string& path)
    : descriptor_(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) {
    if (descriptor_ < 0) fail("create " + path);
}

NewFile::~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void NewFile::append(std::string_view data) { write_all(descriptor_, data, "a new file"); }

void NewFile::close() {
    if (::close(std::exchange(descriptor_, -1)) != 0) fail("close a new file");
}

NewName::~NewName() {
    if (!kept_) ::unlink(path_.c_str());
}

}  // namespace caropig::web
