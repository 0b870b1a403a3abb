#include "loop/backend.h"
#include "net/io_awaiter.h"
#include "net/socket.h"
#include "net/socket_connect.h"
#include "net/socket_listener.h"
#include "net/socket_stream.h"
#include <caropig/loop/timer.h>
#include <caropig/net/unix.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace caropig::net {
namespace {

constexpr int kBacklog = 4096;
constexpr Duration kRetryWhenFull = std::chrono::milliseconds(10);

struct UnixAddress {
    sockaddr_un data{};
    socklen_t size = 0;

    UnixAddress(std::string_view path, const std::string& operation) {
        // Of a path, the terminating zero must fit too.
        bool abstract = path.starts_with('@');
        bool has_zero = path.find('\0') != std::string_view::npos;
        if (path.empty() || has_zero || path.size() + (abstract ? 0 : 1) > sizeof data.sun_path) {
            throw IoError(errno_code(path.empty() || has_zero ? EINVAL : ENAMETOOLONG), operation);
        }
        data.sun_family = AF_UNIX;
        std::memcpy(data.sun_path, path.data(), path.size());
        if (abstract) data.sun_path[0] = '\0';
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
    }
    [[nodiscard]] bool abstract() const noexcept { return data.sun_path[0] == '\0'; }
    [[nodiscard]] const char* path() const noexcept { return data.sun_path; }
    [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&data); }
};

/// Removes the socket file of a program that has gone.
void remove_stale_file(const UnixAddress& address, const std::string& operation) {
    struct stat status{};
    if (::lstat(address.path(), &status) != 0) return;  // bind() tells what is wrong, if anything
    if (!S_ISSOCK(status.st_mode)) {
        throw IoError(errno_code(EEXIST), operation + " (the path is not a socket)");
    }
    Socket probe = Socket::make(AF_UNIX, operation);
    int connected = ::connect(probe.fd(), address.get(), address.size);
    if (connected == 0 || errno == EAGAIN) {
        throw IoError(errno_code(EADDRINUSE), operation + " (somebody listens there)");
    }
    if (errno != ECONNREFUSED) throw_errno(operation);
    if (::unlink(address.path()) != 0 && errno != ENOENT) throw_errno(operation);
}

/// Removes its file when it closes.
class UnixListener final : public SocketListener {
public:
    UnixListener(Socket socket, const UnixAddress& address, std::string path)
        : SocketListener(std::move(socket), "unix:" + path, 0) {
        if (address.abstract() || ::lstat(address.path(), &file_) != 0) return;
        path_ = std::move(path);
    }
    ~UnixListener() override { remove_file(); }
    void stop() noexcept override {
        SocketListener::stop();
        remove_file();
    }

private:
    void remove_file() noexcept {
        struct stat now{};
        if (!path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_ino == file_.st_ino &&
            now.st_dev == file_.st_dev) {
            ::unlink(path_.c_str());
        }
        path_.clear();
    }

    std::string path_;  // empty: there is no file to remove
    struct stat file_{};
};

}  // namespace

std::unique_ptr<Listener> listen_unix(std::string_view path, unsigned mode) {
    const std::string operation = "listen on unix:" + std::string(path);
    UnixAddress address(path, operation);
    if (!address.abstract()) remove_stale_file(address, operation);
    Socket socket = Socket::make(AF_UNIX, operation);
    if (::bind(socket.fd(), address.get(), address.size) != 0) throw_errno(operation);
    bool failed = !address.abstract() && ::chmod(address.path(), static_cast<mode_t>(mode)) != 0;
    if (failed || ::listen(socket.fd(), kBacklog) != 0) {
        int error = errno;
        if (!address.abstract()) ::unlink(address.path());
        throw IoError(errno_code(error), operation);
    }
    return std::make_unique<UnixListener>(std::move(socket), address, std::string(path));
}

Task<std::unique_ptr<Stream>> connect_unix(std::string path) {
    const std::string operation = "connect to unix:" + path;
    UnixAddress address(path, operation);
    auto context = co_await current_context();
    Loop& loop = static_cast<Loop&>(*context.executor);
    for (;;) {
        AttachedSocket socket(loop, Socket::make(AF_UNIX, operation), operation);
        IoAwaiter<ConnectOperation, AttachedSocket> connecting(socket);
        connecting.operation.address = address.get();
        connecting.operation.address_size = address.size;
        std::int32_t outcome = co_await connecting;
        if (outcome == 0) co_return socket.into_stream("unix:" + path);
        if (outcome != -EAGAIN) throw IoError(errno_code(-outcome), operation);
        co_await sleep_for(kRetryWhenFull);
    }
}

}  // namespace caropig::net
