#include "net/socket_stream.h"

#include "loop/backend.h"
#include <caropig/loop/loop.h>

#include <cerrno>

#include <sys/socket.h>

namespace caropig::net {

SocketStream::SocketStream(Loop& loop, Socket socket, std::string peer)
    : loop_(loop),
      peer_(peer.empty() ? nullptr : std::make_unique<std::string>(std::move(peer))),
      fd_(socket.release()) {}

SocketStream::~SocketStream() { close(); }

void SocketStream::shutdown_write() noexcept {
    if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void SocketStream::close() noexcept {
    if (fd_ >= 0) loop_.backend().close(std::exchange(fd_, -1));
}

void SocketStream::drop_unsent_at_close() noexcept {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::string SocketStream::peer() const {
    if (peer_ == nullptr) {
        std::string name = fd_ >= 0 ? peer_name(fd_) : std::string();
        if (name.empty()) return name;
        peer_ = std::make_unique<std::string>(std::move(name));
    }
    return *peer_;
}

bool SocketStream::submit(ReceiveOperation& operation) noexcept {
    operation.fd = fd_;
    if (fd_ >= 0) return loop_.backend().submit(operation);
    if (operation.buffer.empty()) {  // those never complete inline
        operation.complete_later(loop_, -ECANCELED);
        return false;
    }
    operation.complete_inline(-ECANCELED);
    return true;
}

bool SocketStream::submit(SendOperation& operation) noexcept {
    operation.fd = fd_;
    if (fd_ >= 0) return loop_.backend().submit(operation);
    operation.complete_inline(-ECANCELED);
    return true;
}

bool SocketStream::submit(HangupOperation& operation) noexcept {
    operation.fd = fd_;
    if (fd_ >= 0) return loop_.backend().submit(operation);
    operation.complete_inline(-ECANCELED);
    return true;
}

bool SocketStream::submit_file(SendFileOperation& operation) noexcept {
    operation.fd = fd_;
    if (fd_ >= 0) return loop_.backend().submit(operation);
    operation.complete_inline(-ECANCELED);
    return true;
}

void SocketStream::cancel(Operation& operation) noexcept { loop_.backend().cancel(operation); }

std::unique_ptr<Stream> adopt_socket(Loop& loop, Socket socket, std::string peer) {
    if (int error = loop.backend().attach(socket.fd()); error != 0) {
        throw IoError(errno_code(-error), "watch the connection with " + peer_name(socket.fd()));
    }
    return std::make_unique<SocketStream>(loop, std::move(socket), std::move(peer));
}

}  // namespace caropig::net
