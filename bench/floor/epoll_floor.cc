// The floor: what receiving a request and sending an answer costs on this machine when nothing is done in between.
//
// One thread, epoll, no HTTP beyond counting blank lines: every "\r\n\r\n" earns one fixed answer, as long as the one
// CaroPig gives under the same workload, with a Date rendered once a second. Requests that arrived together are
// answered in one send. It knows no request bodies and no errors; it is a yardstick, not a server.
//
// The workload (--work, by the names of bench/harness/load.py) decides which answer that is, whether the connection is
// closed after it, and whether it waits for 100 ms.

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kAnswersAtOnce = 128;
constexpr std::size_t kLongestRow = 4 * 1024 * 1024;  // of answers, unless one is longer
constexpr std::size_t kConnections = 32 * 1024;       // for which nothing is allocated later; more may come
constexpr std::size_t kReceiveBuffer = 64 * 1024;

[[noreturn]] void fail(const char* operation) {
    std::perror(operation);
    std::exit(1);
}

struct Work {
    std::string type = "text/html; charset=UTF-8";
    std::string body = "ok";
    bool closes = false;       // the connection, after one answer
    std::int64_t wait_ns = 0;  // before each answer
};

/// Unknown names get the answer to /index.
Work work_of(std::string_view name) {
    Work work;
    if (name == "json") {
        work.type = "application/json";
        work.body = R"({"message":"Hello, World!"})";
    } else if (name == "route") {
        work.type = "text/plain; charset=UTF-8";
        work.body = "caro 42";
    } else if (name == "close") {
        work.closes = true;
    } else if (name == "wait") {
        work.wait_ns = 100'000'000;
    } else if (name == "file-64k" || name == "file-1m") {
        work.type = "application/octet-stream";
        work.body.assign(name == "file-1m" ? 1024 * 1024 : 64 * 1024, 'x');
    }
    return work;
}

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// The fixed answer, repeated, so that any number of pipelined ones is one contiguous range.
class Answers {
public:
    explicit Answers(const Work& work) : work_(work) { render(std::time(nullptr)); }

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
        text_.append("\r\nContent-Type: ").append(work_.type);
        text_.append("\r\nContent-Length: ").append(std::to_string(work_.body.size()));
        if (work_.closes) text_ += "\r\nConnection: close";
        text_.append("\r\n\r\n").append(work_.body);
        length_ = text_.size();
        for (std::size_t i = 1; i < kAnswersAtOnce && text_.size() < kLongestRow; ++i) text_.append(text_, 0, length_);
        rendered_at_ = now;
    }

    const Work& work_;
    std::string text_;
    std::size_t length_ = 0;
    std::time_t rendered_at_ = 0;
};

struct Connection {
    unsigned matched = 0;      // how much of a blank line the bytes received so far end with
    std::size_t owed = 0;      // bytes of answers still to send
    std::size_t position = 0;  // where in an answer the next of them stands
    std::uint32_t number = 0;  // which of the connections that had this descriptor it is
};

/// An answer that waits. All wait equally long, so that they are due in the order in which they came.
struct Waiting {
    std::int64_t due;
    int fd;
    std::uint32_t number;
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
    Floor(std::uint16_t port, Work work) : work_(std::move(work)), answers_(work_) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (listener_ < 0) fail("socket");
        const int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
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
        connections_.reserve(kConnections);
        watch(listener_, EPOLLIN);
        std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
        std::fflush(stdout);
    }

    [[noreturn]] void serve() {
        std::array<epoll_event, 512> events{};
        for (;;) {
            const int ready =
                ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), milliseconds_to_next());
            if (ready < 0 && errno != EINTR) fail("epoll_wait");
            answers_.refresh();
            answer_waiting();
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                if (event.data.fd == listener_) {
                    accept_all();
                } else if (!serve_connection(event.data.fd, event.events)) {
                    close(event.data.fd);
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
            Connection& connection = connections_[static_cast<std::size_t>(fd)];
            connection = Connection{.number = connection.number + 1};
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
            const std::size_t requests = count_requests(connection, {buffer_.data(), size});
            if (work_.wait_ns == 0) {
                connection.owed += answers_.length() * requests;
            } else {
                for (std::size_t i = 0; i < requests; ++i) {
                    waiting_.push_back({now_ns() + work_.wait_ns, fd, connection.number});
                }
            }
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
            if (work_.closes && connection.owed == 0) return false;
        }
        return true;
    }

    void close(int fd) {
        ++connections_[static_cast<std::size_t>(fd)].number;  // what waits is not for the next one
        ::close(fd);
    }

    int milliseconds_to_next() const {
        if (waiting_.empty()) return -1;
        return static_cast<int>(std::max<std::int64_t>(waiting_.front().due - now_ns() + 999'999, 0) / 1'000'000);
    }

    void answer_waiting() {
        if (waiting_.empty()) return;
        const std::int64_t now = now_ns();
        while (!waiting_.empty() && waiting_.front().due <= now) {
            const Waiting next = waiting_.front();
            waiting_.pop_front();
            Connection& connection = connections_[static_cast<std::size_t>(next.fd)];
            if (connection.number != next.number) continue;
            connection.owed += answers_.length();
            if (!send_owed(next.fd, connection)) close(next.fd);
        }
    }

    Work work_;
    int listener_ = -1;
    int epoll_ = -1;
    Answers answers_;
    std::vector<Connection> connections_;
    std::deque<Waiting> waiting_;
    std::array<char, kReceiveBuffer> buffer_{};
};

}  // namespace

int main(int argc, char** argv) {
    std::uint16_t port = 0;
    Work work;
    int workers = 1;
    bool understood = argc > 1 && argc % 2 == 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view option = argv[i];
        if (option == "--port") {
            port = static_cast<std::uint16_t>(std::strtoul(argv[i + 1], nullptr, 10));
        } else if (option == "--work") {
            work = work_of(argv[i + 1]);
        } else if (option == "--workers") {
            workers = static_cast<int>(std::strtol(argv[i + 1], nullptr, 10));
        } else {
            understood = false;
        }
    }
    if (!understood) {
        std::fprintf(stderr,
                     "usage: %s --port N [--work NAME] [--workers N]\n"
                     "Port 0 picks a free one; workers are processes that share a port other than 0.\n",
                     argv[0]);
        return 2;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const pid_t parent = ::getpid();
    for (int i = 1; i < workers; ++i) {
        const pid_t child = ::fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGTERM);
            if (::getppid() != parent) return 1;
            break;
        }
    }
    Floor(port, std::move(work)).serve();
}
