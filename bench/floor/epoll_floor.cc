// The floor: what receiving a request and sending an answer costs on this machine when nothing is done in between.
//
// One thread, epoll, no HTTP beyond counting blank lines: every "\r\n\r\n" earns one fixed answer, as long as the one
// CaroPig gives to GET /index, with a Date rendered once a second. Requests that arrived together are answered in one
// send. It knows no bodies and no errors; it is a yardstick, not a server.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kAnswersAtOnce = 128;
constexpr std::size_t kReceiveBuffer = 64 * 1024;

[[noreturn]] void fail(const char* operation) {
    std::perror(operation);
    std::exit(1);
}

/// The fixed answer, repeated, so that any number of pipelined ones is one contiguous range.
class Answers {
public:
    Answers() { render(std::time(nullptr)); }

    void refresh() {
        if (const std::time_t now = std::time(nullptr); now != rendered_at_) render(now);
    }
    std::size_t length() const { return length_; }

    /// At most `wanted` bytes of an endless row of answers from `offset` into it; the Date has a fixed length, so a
    /// row stays intact when it is rendered anew between two sends.
    std::string_view row(std::size_t offset, std::size_t wanted) const {
        return std::string_view(text_).substr(offset % length_, wanted);
    }

private:
    void render(std::time_t now) {
        std::tm utc{};
        gmtime_r(&now, &utc);
        std::array<char, 32> date{};
        std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
        text_ = "HTTP/1.1 200 OK\r\nServer: CaroPig\r\nDate: ";
        text_ += date.data();
        text_ += "\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Length: 2\r\n\r\nok";
        length_ = text_.size();
        for (std::size_t i = 1; i < kAnswersAtOnce; ++i) text_.append(text_, 0, length_);
        rendered_at_ = now;
    }

    std::string text_;
    std::size_t length_ = 0;
    std::time_t rendered_at_ = 0;
};

struct Connection {
    unsigned matched = 0;      // how much of a blank line the bytes received so far end with
    std::size_t owed = 0;      // bytes of answers still to send
    std::size_t position = 0;  // where in an answer the next of them stands
};

/// How many heads end in `bytes`.
std::size_t count_requests(Connection& connection, std::string_view bytes) {
    constexpr std::string_view kBlankLine = "\r\n\r\n";
    std::size_t count = 0;
    const char* next = bytes.data();
    const char* const end = next + bytes.size();
    while (next != end) {
        if (connection.matched == 0) {
            next = static_cast<const char*>(std::memchr(next, '\r', static_cast<std::size_t>(end - next)));
            if (next == nullptr) break;
        }
        const char byte = *next++;
        if (byte == kBlankLine[connection.matched]) {
            ++connection.matched;
        } else {
            connection.matched = byte == '\r' ? 1 : 0;
        }
        if (connection.matched == kBlankLine.size()) {
            connection.matched = 0;
            ++count;
        }
    }
    return count;
}

class Floor {
public:
    explicit Floor(std::uint16_t port) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (listener_ < 0) fail("socket");
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) != 0) fail("bind");
        if (::listen(listener_, SOMAXCONN) != 0) fail("listen");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) fail("epoll_create1");
        watch(listener_, EPOLLIN);
        std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
        std::fflush(stdout);
    }

    [[noreturn]] void serve() {
        std::array<epoll_event, 512> events{};
        for (;;) {
            const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            if (ready < 0 && errno != EINTR) fail("epoll_wait");
            answers_.refresh();
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_) {
                    accept_all();
                } else if (!serve_connection(event.data.fd, event.events)) {
                    ::close(event.data.fd);
                }
            }
        }
    }

private:
    void watch(int fd, std::uint32_t interest) {
        epoll_event event{};
        event.events = interest;
        event.data.fd = fd;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    }

    void accept_all() {
        for (;;) {
            const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            if (connections_.size() <= static_cast<std::size_t>(fd)) {
                connections_.resize(static_cast<std::size_t>(fd) + 1);
            }
            connections_[static_cast<std::size_t>(fd)] = Connection{};
            // Edge-triggered: one registration for the life of the connection, and no second look at a drained socket.
            watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        }
    }

    /// False once the connection is to be closed.
    bool serve_connection(int fd, std::uint32_t events) {
        Connection& connection = connections_[static_cast<std::size_t>(fd)];
        // Short of a full buffer, the socket is drained, unless the end of the stream is waiting behind the bytes.
        const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        for (;;) {
            const ssize_t received = ::recv(fd, buffer_.data(), buffer_.size(), 0);
            if (received < 0) {
                if (errno != EAGAIN) return false;
                break;
            }
            if (received == 0) {
                send_owed(fd, connection);
                return false;
            }
            const auto size = static_cast<std::size_t>(received);
            connection.owed += answers_.length() * count_requests(connection, {buffer_.data(), size});
            if (size < buffer_.size() && !ending) break;
        }
        return send_owed(fd, connection);
    }

    bool send_owed(int fd, Connection& connection) {
        while (connection.owed > 0) {
            const std::string_view bytes = answers_.row(connection.position, connection.owed);
            const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0) return errno == EAGAIN;  // EPOLLOUT resumes
            connection.owed -= static_cast<std::size_t>(sent);
            connection.position = (connection.position + static_cast<std::size_t>(sent)) % answers_.length();
        }
        return true;
    }

    int listener_ = -1;
    int epoll_ = -1;
    Answers answers_;
    std::vector<Connection> connections_;
    std::array<char, kReceiveBuffer> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 || std::strcmp(argv[1], "--port") != 0) {
        std::fprintf(stderr, "usage: %s --port N   (0 picks a free port)\n", argv[0]);
        return 2;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    Floor(static_cast<std::uint16_t>(std::strtoul(argv[2], nullptr, 10))).serve();
}
