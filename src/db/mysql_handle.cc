#include "db/mysql_handle.h"

#include "db/mysql_tls.h"
#include "loop/backend.h"
#include "net/io_awaiter.h"
#include <caropig/loop/loop.h>

#include <mutex>
#include <new>

#include <fcntl.h>
#include <sys/socket.h>

namespace caropig::db {
namespace {

/// What one row, or one value of it, may take: a server that says more is hung up on.
constexpr unsigned long kLargestPacket = 256ul * 1024 * 1024;

struct Poller {
    Loop& loop;

    bool submit(PollOperation& operation) const noexcept { return loop.backend().submit(operation); }
    void cancel(Operation& operation) const noexcept { loop.backend().cancel(operation); }
};

void initialize_library() {
    static std::once_flag once;
    std::call_once(once, [] { ::mysql_library_init(0, nullptr, nullptr); });
}

}  // namespace

MysqlHandle::MysqlHandle(Loop& loop) : loop_(loop) {
    initialize_library();
    mysql_ = ::mysql_init(nullptr);
    if (mysql_ == nullptr) throw std::bad_alloc();
    const unsigned off = 0;
    const my_bool no = 0;
    // Deadlines are the tasks' own. The option files are not read unless somebody asks for it.
    ::mysql_options(mysql_, MYSQL_OPT_CONNECT_TIMEOUT, &off);
    ::mysql_options(mysql_, MYSQL_OPT_LOCAL_INFILE, &off);
    ::mysql_options(mysql_, MYSQL_REPORT_DATA_TRUNCATION, &no);
    ::mysql_options(mysql_, MYSQL_OPT_MAX_ALLOWED_PACKET, &kLargestPacket);
    ::mysql_options(mysql_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    ::mysql_options(mysql_, MYSQL_INIT_COMMAND, "SET time_zone = '+00:00'");
    forbid_blocking_waits(mysql_);
}

MysqlHandle::~MysqlHandle() { close(); }

void MysqlHandle::enable_nonblocking() {
    if (::mysql_options(mysql_, MYSQL_OPT_NONBLOCK, nullptr) != 0) throw std::bad_alloc();
    socket_may_have_changed();
    // With TLS the library leaves it to the socket whether a read blocks.
    if (socket_ >= 0) ::fcntl(socket_, F_SETFL, ::fcntl(socket_, F_GETFL) | O_NONBLOCK);
}

Task<void> MysqlHandle::finish() {
    while (busy()) {
        // It waits for one of the two; its deadlines are off.
        const int ready = waits_for_ & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
        if (socket_ < 0) {
            break_off();
            co_return;
        }
        Poller poller{loop_};
        net::IoAwaiter<PollOperation, Poller> polling(poller);
        polling.operation.fd = socket_;
        polling.operation.write = (ready & MYSQL_WAIT_READ) == 0;
        const int error = co_await polling;
        if (error < 0) {  // the kernel can't watch it
            break_off();
        } else {
            step(ready);
        }
    }
}

void MysqlHandle::step(int ready) noexcept {
    waits_for_ = resume_(&result_, ready);
    socket_may_have_changed();
}

void MysqlHandle::socket_may_have_changed() noexcept {
    const int now = ::mysql_get_socket(mysql_);
    if (now == socket_) return;
    // It has been closed by now, which has taken it out of epoll; here its number is forgotten before it is used again.
    if (socket_ >= 0) loop_.backend().detach(socket_);
    socket_ = now;
    if (socket_ >= 0) ::fcntl(socket_, F_SETFD, FD_CLOEXEC);
}

void MysqlHandle::break_off() noexcept {
    if (mysql_ == nullptr) return;
    if (socket_ >= 0) ::shutdown(socket_, SHUT_RDWR);
    // From here on every read gives the end of the stream and every write fails: there is nothing left to wait for.
    while (busy()) step((waits_for_ & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE)) | MYSQL_WAIT_TIMEOUT);
}

void MysqlHandle::close() noexcept {
    if (mysql_ == nullptr) return;
    break_off();
    if (socket_ >= 0) loop_.backend().detach(std::exchange(socket_, -1));
    // The library says good-bye to the server; into a socket that is shut down that fails at once.
    ::mysql_close(std::exchange(mysql_, nullptr));
}

}  // namespace caropig::db
