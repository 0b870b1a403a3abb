#pragma once

#include "net/socket.h"
#include <caropig/net/stream.h>

#include <memory>
#include <string>

namespace caropig::net {

/// A connected TCP or Unix-domain socket. Kept small: there is one for every idle connection.
class SocketStream final : public Stream {
public:
    /// `socket` is attached to the loop's backend already; `peer` empty: the kernel is asked once it is needed.
    SocketStream(Loop& loop, Socket socket, std::string peer);
    ~SocketStream() override;

    void shutdown_write() noexcept override;
    void close() noexcept override;
    void drop_unsent_at_close() noexcept override;
    [[nodiscard]] std::string peer() const override;
    [[nodiscard]] Loop& loop() const noexcept override { return loop_; }
    bool submit(ReceiveOperation& operation) noexcept override;
    bool submit(SendOperation& operation) noexcept override;
    bool submit(HangupOperation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;
    bool submit_file(SendFileOperation& operation) noexcept override;

    /// -1 once it is closed.
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    Loop& loop_;
    mutable std::unique_ptr<std::string> peer_;
    int fd_;
};

/// Makes a stream of a connected, non-blocking socket. Throws IoError when the loop can't take another descriptor.
std::unique_ptr<Stream> adopt_socket(Loop& loop, Socket socket, std::string peer = {});

}  // namespace caropig::net
