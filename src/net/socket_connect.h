#pragma once

#include "loop/backend.h"
#include "net/socket.h"
#include "net/socket_stream.h"
#include <caropig/loop/loop.h>

#include <memory>
#include <string>
#include <utility>

namespace caropig::net {

/// A socket that the loop watches and that has still to connect; closed when it goes without having become a stream.
class AttachedSocket {
public:
    /// Throws IoError(`operation`).
    AttachedSocket(Loop& loop, Socket socket, const std::string& operation) : loop_(loop) {
        int error = loop.backend().attach(socket.fd());
        if (error != 0) throw IoError(errno_code(-error), operation);
        fd_ = socket.release();
    }
    AttachedSocket(const AttachedSocket&) = delete;
    AttachedSocket& operator=(const AttachedSocket&) = delete;
    ~AttachedSocket() {
        if (fd_ >= 0) loop_.backend().close(fd_);
    }

    bool submit(ConnectOperation& operation) noexcept {
        operation.fd = fd_;
        return loop_.backend().submit(operation);
    }
    void cancel(Operation& operation) noexcept { loop_.backend().cancel(operation); }

    std::unique_ptr<Stream> into_stream(std::string peer) {
        return std::make_unique<SocketStream>(loop_, Socket(std::exchange(fd_, -1)), std::move(peer));
    }

private:
    Loop& loop_;
    int fd_ = -1;
};

}  // namespace caropig::net
