#pragma once

#include <caropig/async/task.h>
#include <caropig/base/bytes.h>

#include <cstddef>
#include <span>
#include <string>

/// \file
/// Flows of bytes, whatever carries them: sockets, sessions of TLS, pipes in memory, scripts of a test.
namespace caropig {

class Loop;
class Operation;
struct HangupOperation;
struct ReceiveOperation;
struct SendOperation;
struct SendFileOperation;

}  // namespace caropig

namespace caropig::net {

/// One end of a two-way flow of bytes: a TCP or Unix-domain socket, half of a memory_pipe().
/// Used only on its loop's thread. At most one read and one write may be pending. It must not be destroyed while an
/// operation is pending: close() it and let them end first.
class Stream {
public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    virtual ~Stream() = default;

    /// Reads 1 to buffer.size() bytes; 0 means that the peer has finished sending, which is no error.
    /// `buffer` must outlive the task. Throws IoError. Cancel-safe: Cancelled means that nothing was consumed.
    Task<std::size_t> read_some(MutableBytes buffer);

    /// Writes all of `data`, which must outlive the task. Throws IoError. Not cancel-safe: after Cancelled an unknown
    /// part was written, and only close() is useful.
    Task<void> write(ConstBytes data);

    /// Tells the peer that nothing more will be written; reading goes on. Idempotent.
    virtual void shutdown_write() noexcept = 0;

    /// Stops at once: pending operations end with Cancelled in a later round. Idempotent.
    virtual void close() noexcept = 0;

    /// Makes the close() to come throw away what the operating system has not sent yet: a socket's peer is told by a
    /// reset. Otherwise the system goes on offering it, with the memory that it takes, to a peer that may never read.
    virtual void drop_unsent_at_close() noexcept {}

    /// Who is at the other end, as "192.0.2.1:5000", "[2001:db8::1]:80", "unix:/path" or "pipe"; empty when unknown.
    [[nodiscard]] virtual std::string peer() const = 0;

    /// The loop that this stream belongs to.
    [[nodiscard]] virtual Loop& loop() const noexcept = 0;

    // The seam for those who want no coroutine per operation; see caropig/loop/operation.h. True: complete at once,
    // with operation.result set and no callback. After close() operations complete with -ECANCELED.
    virtual bool submit(ReceiveOperation& operation) noexcept = 0;
    virtual bool submit(SendOperation& operation) noexcept = 0;
    /// Part of a file; only sockets can, others complete it with -EOPNOTSUPP.
    bool submit(SendFileOperation& operation) noexcept { return submit_file(operation); }
    /// Waits for the peer to be gone for good (both directions); may be pending beside a receive and a send.
    virtual bool submit(HangupOperation& operation) noexcept = 0;
    /// Asks a pending operation of this stream to end; it completes in a later round.
    virtual void cancel(Operation& operation) noexcept = 0;

protected:
    /// What submit(SendFileOperation&) does.
    virtual bool submit_file(SendFileOperation& operation) noexcept;
};

}  // namespace caropig::net
