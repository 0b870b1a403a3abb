#include <caropig/base/error.h>
#include <caropig/http/date.h>
#include <caropig/web/http_error.h>
#include <caropig/web/static_files.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace caropig::web {
namespace {

constexpr std::size_t kPiece = std::size_t{128} * 1024;

class File {
public:
    explicit File(int descriptor) noexcept : descriptor_(descriptor) {}
    File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    File& operator=(File&&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    [[nodiscard]] int get() const noexcept { return descriptor_; }

private:
    int descriptor_;
};

/// Opens what is beneath `folder`, wherever links point; O_NONBLOCK so that no FIFO can hold the worker.
File open_beneath(const File& folder, const std::string& path) {
    open_how how{};
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return File(static_cast<int>(::syscall(SYS_openat2, folder.get(), path.c_str(), &how, sizeof how)));
}

std::string_view content_type_of(std::string_view path) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kTypes{{
        {".html", "text/html; charset=UTF-8"},
        {".css", "text/css; charset=UTF-8"},
        {".js", "text/javascript; charset=UTF-8"},
        {".mjs", "text/javascript; charset=UTF-8"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=UTF-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".pdf", "application/pdf"},
        {".wasm", "application/wasm"},
    }};
    for (const auto& [ending, type] : kTypes) {
        if (path.ends_with(ending)) return type;
    }
    return "application/octet-stream";
}

Task<void> copy_file(BodyWriter& writer, std::shared_ptr<File> file, std::uint64_t size) {
    std::string buffer(std::min<std::uint64_t>(kPiece, size), '\0');
    std::uint64_t position = 0;
    while (position < size) {
        std::size_t wanted = std::min<std::uint64_t>(buffer.size(), size - position);
        ssize_t got = ::pread(file->get(), buffer.data(), wanted, static_cast<off_t>(position));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw IoError(errno_code(errno), "read a static file");
        if (got == 0) throw std::runtime_error("a static file shrank while it was sent");
        co_await writer.write(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
        position += static_cast<std::uint64_t>(got);
    }
}

Response send_file(const File& folder, const Request& request) {
    std::string path(request.param(0));
    if (path.empty() || path.find('\0') != std::string::npos) throw HttpError(404);
    auto file = std::make_shared<File>(open_beneath(folder, path));
    if (file->get() < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) throw IoError(errno_code(errno), "open " + path);
        throw HttpError(404);
    }
    struct stat info{};
    if (::fstat(file->get(), &info) != 0 || !S_ISREG(info.st_mode)) throw HttpError(404);
    std::string modified = http::format_http_date(info.st_mtime);
    auto since = request.header("If-Modified-Since");
    // A client that names entity tags knows none of ours, and its date must then be ignored (RFC 9110 13.1.3).
    if (since && !request.header("If-None-Match")) {
        auto seconds = http::parse_http_date(*since);
        if (seconds && info.st_mtime <= *seconds) {
            Response unchanged(304, {});
            unchanged.content_type({}).header("Last-Modified", modified);
            return unchanged;
        }
    }
    auto size = static_cast<std::uint64_t>(info.st_size);
    Response response = Response::stream(
        size, [file, size](BodyWriter& writer) -> Task<void> { return copy_file(writer, file, size); });
    response.static_content_type(content_type_of(path)).header("Last-Modified", modified);
    return response;
}

}  // namespace

Handler static_files(const std::string& folder) {
    auto opened = std::make_shared<File>(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (opened->get() < 0) throw IoError(errno_code(errno), "open the folder " + folder);
    // Better an error now than 404 for every file, where a sandbox or an old kernel has no openat2().
    if (open_beneath(*opened, ".").get() < 0 && (errno == ENOSYS || errno == EPERM)) {
        throw IoError(errno_code(errno), "openat2 in " + folder);
    }
    return Handler([opened](Request& request) { return send_file(*opened, request); });
}

}  // namespace caropig::web
