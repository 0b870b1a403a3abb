// The floor with io_uring: what receiving a request and sending an answer costs on this machine when nothing is done in
// between. The twin of epoll_floor.cc, which says what the answer is.
//
// One multishot accept; a multishot receive for each connection, into buffers that all of them share; answers are sent
// by the ring too, so that a system call carries all that a round has to say. A receive is cancelled before its socket
// is closed. It needs a kernel of 6.1.

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
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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
    bool sending = false;
    bool receiving = false;
    bool ending = false;  // the client sends no more: closes once everything is sent
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
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
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
        set_up_ring();
        accept_all();
        std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
        std::fflush(stdout);
    }

    [[noreturn]] void serve() {
        for (;;) {
            const int outcome = io_uring_submit_and_wait(&ring_, 1);
            if (outcome < 0 && outcome != -EINTR) fail("io_uring_submit_and_wait");
            answers_.refresh();
            io_uring_cqe* completion;
            while (io_uring_peek_cqe(&ring_, &completion) == 0) {
                handle(*completion);
                io_uring_cqe_seen(&ring_, completion);
            }
        }
    }

private:
    enum class What : std::uint32_t { kAccept, kReceive, kSend, kCancel, kClose };

    static constexpr unsigned kBuffers = 256;
    static constexpr unsigned kBufferSize = 16 * 1024;

    void set_up_ring() {
        io_uring_params params{};
        params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
        params.cq_entries = 8192;
        if (io_uring_queue_init_params(1024, &ring_, &params) != 0) fail("io_uring_queue_init_params");
        if (::posix_memalign(reinterpret_cast<void**>(&buffers_), 4096, kBuffers * sizeof(io_uring_buf)) != 0) {
            fail("posix_memalign");
        }
        io_uring_buf_reg registration{};
        registration.ring_addr = reinterpret_cast<std::uint64_t>(buffers_);
        registration.ring_entries = kBuffers;
        if (io_uring_register_buf_ring(&ring_, &registration, 0) != 0) fail("io_uring_register_buf_ring");
        io_uring_buf_ring_init(buffers_);
        for (unsigned id = 0; id < kBuffers; ++id) give_back(id);
    }

    io_uring_sqe* next(What what, int fd) {
        io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
        if (sqe == nullptr) {
            io_uring_submit(&ring_);
            sqe = io_uring_get_sqe(&ring_);
            if (sqe == nullptr) fail("io_uring_get_sqe");
        }
        std::memset(sqe, 0, sizeof *sqe);
        sqe->user_data = std::uint64_t{static_cast<std::uint32_t>(what)} << 32 | static_cast<std::uint32_t>(fd);
        return sqe;
    }
    /// For the functions of liburing that fill a submission in, and its token with it.
    template <class Fill>
    void ask(What what, int fd, Fill fill) {
        io_uring_sqe* sqe = next(what, fd);
        const std::uint64_t token = sqe->user_data;
        fill(sqe);
        io_uring_sqe_set_data64(sqe, token);
    }

    void accept_all() {
        ask(What::kAccept, listener_, [this](io_uring_sqe* sqe) {
            io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        });
    }
    void receive(int fd, Connection& connection) {
        connection.receiving = true;
        ask(What::kReceive, fd, [fd](io_uring_sqe* sqe) {
            io_uring_prep_recv_multishot(sqe, fd, nullptr, 0, 0);
            sqe->flags |= IOSQE_BUFFER_SELECT;
            sqe->buf_group = 0;
        });
    }
    void give_back(unsigned id) {
        io_uring_buf_ring_add(buffers_, memory_.data() + std::size_t{id} * kBufferSize, kBufferSize,
                              static_cast<unsigned short>(id), io_uring_buf_ring_mask(kBuffers), 0);
        io_uring_buf_ring_advance(buffers_, 1);
    }

    void handle(const io_uring_cqe& completion) {
        const auto fd = static_cast<int>(static_cast<std::uint32_t>(completion.user_data));
        switch (static_cast<What>(completion.user_data >> 32)) {
            case What::kAccept:
                if (completion.res >= 0) accepted(completion.res);
                if ((completion.flags & IORING_CQE_F_MORE) == 0) accept_all();
                break;
            case What::kReceive:
                received(fd, completion);
                break;
            case What::kSend:
                sent(fd, completion.res);
                break;
            case What::kCancel:
            case What::kClose:
                break;
        }
    }

    void accepted(int fd) {
        if (connections_.size() <= static_cast<std::size_t>(fd)) connections_.resize(static_cast<std::size_t>(fd) + 1);
        connections_[static_cast<std::size_t>(fd)] = Connection{};
        receive(fd, connections_[static_cast<std::size_t>(fd)]);
    }

    void received(int fd, const io_uring_cqe& completion) {
        Connection& connection = connections_[static_cast<std::size_t>(fd)];
        connection.receiving = (completion.flags & IORING_CQE_F_MORE) != 0;
        if (completion.res > 0) {
            const unsigned id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
            const std::string_view bytes(memory_.data() + std::size_t{id} * kBufferSize,
                                         static_cast<std::size_t>(completion.res));
            connection.owed += answers_.length() * count_requests(connection, bytes);
            give_back(id);
        } else if (completion.res != -ENOBUFS) {
            connection.ending = true;
        }
        if (!connection.receiving && !connection.ending) receive(fd, connection);
        go_on(fd, connection);
    }

    void sent(int fd, int result) {
        Connection& connection = connections_[static_cast<std::size_t>(fd)];
        connection.sending = false;
        if (result < 0) {
            connection.owed = 0;
            connection.ending = true;
        } else {
            connection.owed -= static_cast<std::size_t>(result);
            connection.position = (connection.position + static_cast<std::size_t>(result)) % answers_.length();
        }
        go_on(fd, connection);
    }

    void go_on(int fd, Connection& connection) {
        if (connection.sending) return;
        if (connection.owed > 0) {
            connection.sending = true;
            const std::string_view bytes = answers_.row(connection.position, connection.owed);
            ask(What::kSend, fd, [fd, bytes](io_uring_sqe* sqe) {
                io_uring_prep_send(sqe, fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            });
        } else if (connection.ending) {
            if (connection.receiving) {  // its end closes
                ask(What::kCancel, fd, [fd](io_uring_sqe* sqe) {
                    io_uring_prep_cancel64(
                        sqe,
                        std::uint64_t{static_cast<std::uint32_t>(What::kReceive)} << 32 | static_cast<unsigned>(fd), 0);
                });
            } else {
                ask(What::kClose, fd, [fd](io_uring_sqe* sqe) { io_uring_prep_close(sqe, fd); });
            }
        }
    }

    int listener_ = -1;
    io_uring ring_{};
    io_uring_buf_ring* buffers_ = nullptr;
    std::vector<char> memory_ = std::vector<char>(std::size_t{kBuffers} * kBufferSize);
    Answers answers_;
    std::vector<Connection> connections_;
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
