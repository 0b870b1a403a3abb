#include "server/systemd.h"

#include <caropig/base/error.h>
#include <caropig/base/log.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace caropig::server {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kMostDescriptors = 1024;

/// A variable of the environment, which is removed.
std::optional<std::string> take_variable(const char* name) {
    // NOLINTBEGIN(concurrency-mt-unsafe): no other thread runs yet
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    std::string text = value;
    ::unsetenv(name);
    // NOLINTEND(concurrency-mt-unsafe)
    return text;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

[[noreturn]] void malformed(const std::string& variable, const std::string& value, const char* why) {
    throw IoError(errno_code(EINVAL), "take over the sockets of " + variable + "=" + value + " (" + why + ")");
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t colon = text.find(':');
        parts.emplace_back(text.substr(0, colon));
        if (colon == std::string_view::npos) return parts;
        text.remove_prefix(colon + 1);
    }
}

}  // namespace

std::vector<PassedSocket> take_passed_sockets() {
    const auto process = take_variable("LISTEN_PID");
    const auto count_text = take_variable("LISTEN_FDS");
    const auto names_text = take_variable("LISTEN_FDNAMES");
    if (!process || !count_text) return {};
    const auto id = parse_number<pid_t>(*process);
    if (!id) malformed("LISTEN_PID", *process, "no number");
    if (*id != ::getpid()) return {};
    const auto count = parse_number<int>(*count_text);
    if (!count || *count < 0 || *count > kMostDescriptors) {
        malformed("LISTEN_FDS", *count_text, "a number up to 1024 is expected");
    }
    std::vector<std::string> names(static_cast<std::size_t>(*count), "unknown");
    if (names_text && *count > 0) names = split(*names_text);
    if (names.size() != static_cast<std::size_t>(*count)) {
        malformed("LISTEN_FDNAMES", *names_text, "not as many as LISTEN_FDS says");
    }
    std::vector<PassedSocket> sockets;
    for (int i = 0; i < *count; ++i) {
        const int descriptor = kFirstDescriptor + i;
        if (::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
            malformed("LISTEN_FDS", *count_text, "one of them is not open");
        }
        sockets.push_back({descriptor, std::move(names[static_cast<std::size_t>(i)])});
    }
    return sockets;
}

ServiceManager::ServiceManager() : socket_(take_variable("NOTIFY_SOCKET").value_or(std::string())) {}

void ServiceManager::notify(std::string_view state) const {
    if (socket_.empty()) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent = false;
    if (fd < 0) {
        // errno says why
    } else if (socket_.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
    } else {
        std::memcpy(address.sun_path, socket_.data(), socket_.size());
        if (socket_.front() == '@') address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
        // Not blocking: who does not listen must not stop the service.
        sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                        reinterpret_cast<const sockaddr*>(&address), size) >= 0;
    }
    if (!sent) {
        log::warning("telling systemd " + std::string(state) + " (NOTIFY_SOCKET=" + socket_ +
                     "): " + errno_code(errno).message());
    }
    if (fd >= 0) ::close(fd);
}

}  // namespace caropig::server
