#include "net/socket_listener.h"

#include "loop/backend.h"
#include "net/socket_stream.h"
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>

namespace caropig::net {
namespace {

constexpr Duration kPauseWhenExhausted = std::chrono::milliseconds(100);

/// Closed in a row while nothing else could be done; the loop goes on in between.
constexpr int kMostShed = 256;
constexpr Duration kShedLogInterval = std::chrono::seconds(1);

/// Any descriptor will do: it only keeps a number.
Socket reserve() noexcept { return Socket(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

/// What stop() takes at most: as much as the longest queue holds.
constexpr int kMostDrained = SOMAXCONN;

}  // namespace

SocketListener::SocketListener(Socket socket, std::string address, std::uint16_t port, Sharing sharing)
    : socket_(std::move(socket)),
      address_(std::move(address)),
      port_(port),
      accepting_(std::make_unique<Accepting>(*this)),
      pause_(*this) {
    accepting_->shared = sharing == Sharing::kShared;
}

SocketListener::~SocketListener() {
    close();
    accepting_->owner = nullptr;
    if (accepting_->pending()) static_cast<void>(accepting_.release());  // frees itself when it completes
}

void SocketListener::start(Loop& loop, OnAccept on_accept) {
    CAROPIG_CHECK(loop_ == nullptr, "a listener was started twice");
    if (socket_.fd() < 0) return;
    if (int error = loop.backend().attach(socket_.fd()); error != 0) {
        throw IoError(errno_code(-error), "listen on " + address_);
    }
    loop_ = &loop;
    reserve_ = reserve();
    on_accept_ = std::move(on_accept);
    accept_more();
}

void SocketListener::accept_more() noexcept {
    // An accept that was cancelled and has still to complete calls here when it has.
    if (loop_ == nullptr || socket_.fd() < 0 || paused_ || pause_.armed() || accepting_->pending()) return;
    accepting_->fd = socket_.fd();
    if (loop_->backend().submit(*accepting_)) accepted(accepting_->result);
}

void SocketListener::Accepting::complete(Operation& self) noexcept {
    auto& accepting = static_cast<Accepting&>(self);
    if (accepting.owner != nullptr) {
        accepting.owner->accepted(accepting.result);
        return;
    }
    if (accepting.result >= 0) Socket(accepting.result).close();
    if (!accepting.pending()) delete &accepting;
}

void SocketListener::accepted(std::int32_t result) noexcept {
    if (result >= 0) {
        exhausted_ = false;
        if (paused_) {
            accepted_while_paused_.emplace_back(result);
        } else {
            hand_over(result);
        }
        return;
    }
    if (result != -ECANCELED && socket_.fd() >= 0) exhausted(-result);
    accept_more();
}

/// A short want waits out in the kernel's queue. Where it lasts, whoever comes is turned away instead of left waiting,
/// and those who are served are served on.
void SocketListener::exhausted(int error) noexcept {
    if (std::exchange(exhausted_, true)) {
        shed();
    } else {
        log::warning("accept on " + address_ + ": " + errno_code(error).message() + "; trying again in 100 ms");
    }
    pause_.arm(*loop_, loop_->now() + kPauseWhenExhausted);
}

/// Accepts with the reserved descriptor, only to close.
void SocketListener::shed() noexcept {
    if (reserve_.fd() < 0) reserve_ = reserve();
    if (reserve_.fd() < 0) return;
    reserve_.close();
    int count = 0;
    while (count < kMostShed) {
        int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) break;
        Socket(fd).close();
        ++count;
    }
    reserve_ = reserve();
    if (count == 0 || loop_->now() < last_shed_logged_ + kShedLogInterval) return;
    last_shed_logged_ = loop_->now();
    log::warning("closing connections to " + address_ + ": out of descriptors or memory");
}

void SocketListener::hand_over(int fd) noexcept {
    try {
        on_accept_(adopt_socket(*loop_, Socket(fd)));
    } catch (const std::exception& error) {
        log::error("a connection accepted on " + address_ + " was lost: " + error.what());
    }
}

void SocketListener::pause() noexcept {
    paused_ = true;
    pause_.disarm();
    if (accepting_->pending()) loop_->backend().cancel(*accepting_);
}

void SocketListener::resume() noexcept {
    paused_ = false;
    while (!paused_ && !accepted_while_paused_.empty()) hand_over_first();
    accept_more();
}

void SocketListener::hand_over_first() noexcept {
    Socket socket = std::move(accepted_while_paused_.front());
    accepted_while_paused_.erase(accepted_while_paused_.begin());
    hand_over(socket.release());
}

void SocketListener::stop() noexcept {
    if (socket_.fd() >= 0 && loop_ != nullptr) drain();
    close();
}

void SocketListener::drain() noexcept {
    paused_ = false;
    while (!accepted_while_paused_.empty()) hand_over_first();
    if (accepting_->pending()) loop_->backend().drain(*accepting_);
    for (int i = 0; i < kMostDrained && socket_.fd() >= 0; ++i) {
        int fd = ::accept4(socket_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void SocketListener::close() noexcept {
    pause_.disarm();
    reserve_.close();
    if (socket_.fd() < 0) return;
    // An epoll forgets a descriptor by itself only where no other one has the same socket (listen_inherited).
    if (loop_ != nullptr) loop_->backend().detach(socket_.fd());
    socket_.close();
}

}  // namespace caropig::net
