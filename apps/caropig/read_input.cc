#include "caropig/read_input.h"

#include "caropig/fetch_failure.h"
#include <caropig/base/error.h>
#include <caropig/loop/thread_pool.h>

#include <array>
#include <cerrno>
#include <stop_token>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace fetch_command {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;
constexpr int kStopCheckMs = 100;  // how late a read that nothing comes for notices that nobody wants it any more

[[noreturn]] void fail(const std::string& what) {
    throw Failure(kRead, what + ": " + caropig::errno_code(errno).message());
}

/// The next piece; empty at the end.
std::string_view read_piece(int fd, std::array<char, kPieceBytes>& buffer, const std::string& name) {
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got >= 0) return {buffer.data(), static_cast<std::size_t>(got)};
        if (errno != EINTR) fail("read " + name);
    }
}

/// Whether there is something to read, or the end; false once it is to stop.
bool wait_for_stdin(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, kStopCheckMs) > 0) return true;
    }
    return false;
}

}  // namespace

std::string read_whole(const std::string& path) {
    const bool is_stdin = path == "-";
    const int fd = is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail("open " + path);
    std::string content;
    std::array<char, kPieceBytes> buffer;
    for (std::string_view piece = read_piece(fd, buffer, path); !piece.empty(); piece = read_piece(fd, buffer, path)) {
        content += piece;
    }
    if (!is_stdin) ::close(fd);
    return content;
}

caropig::Task<void> send_stdin(caropig::client::RequestBody& body, caropig::ThreadPool& threads) {
    std::array<char, kPieceBytes> buffer;
    std::string_view piece;
    auto work = [&](const std::stop_token& stop) {
        piece = wait_for_stdin(stop) ? read_piece(STDIN_FILENO, buffer, "stdin") : std::string_view();
    };
    for (;;) {
        co_await threads.run(std::ref(work));
        if (piece.empty()) co_return;
        co_await body.write(piece);
    }
}

}  // namespace fetch_command
