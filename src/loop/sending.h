#pragma once

#include "loop/pipe_signal.h"
#include <caropig/loop/operation.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace caropig {

/// Of one operation in one turn, however fast its reader is.
constexpr std::size_t kSentPerTurn = std::size_t{1024} * 1024;
/// As much more is sent in the same turn where nothing is left then: the head of an answer, most often.
constexpr std::size_t kGoesAlong = std::size_t{64} * 1024;
/// A result of send_some(): there is more, for the next turn.
constexpr std::int32_t kTurnOver = 1;

/// What an operation may send in a turn, of `left` bytes.
constexpr std::size_t share_of_turn(std::size_t left) noexcept {
    return left <= kSentPerTurn + kGoesAlong ? left : kSentPerTurn;
}

/// At most `most` bytes of a file, or what it has, or -1 with errno.
inline ssize_t send_file_once(int fd, int file, std::uint64_t offset, std::size_t most) noexcept {
    auto position = static_cast<off_t>(offset);
    ssize_t size;
    int error;  // what restores the signals may change errno
    {
        PipeSignalBlocked pipe_signal;
        size = ::sendfile(fd, file, &position, most);
        error = errno;
        pipe_signal.raised = size < 0 && error == EPIPE;
    }
    errno = error;
    return size;
}

/// At most `most` bytes of `pieces` behind the first `skip`, or -1 with errno.
inline ssize_t send_once(int fd, std::span<const ConstBytes> pieces, std::size_t skip, std::size_t most,
                         int flags) noexcept {
    if (pieces.size() == 1) return ::send(fd, pieces[0].data() + skip, std::min(pieces[0].size() - skip, most), flags);
    std::array<iovec, SendOperation::kMaxPieces> vectors;
    msghdr message{};
    message.msg_iov = vectors.data();
    for (ConstBytes piece : pieces) {
        if (skip >= piece.size()) {
            skip -= piece.size();
            continue;
        }
        const ConstBytes rest = piece.subspan(skip, std::min(piece.size() - skip, most));
        skip = 0;
        most -= rest.size();
        vectors[message.msg_iovlen++] = {const_cast<std::byte*>(rest.data()), rest.size()};
        if (most == 0) break;
    }
    return ::sendmsg(fd, &message, flags);
}

/// The same where the last piece lies in a file too.
inline ssize_t send_once_with_file(SendOperation& operation, std::size_t most) noexcept {
    const auto before = operation.pieces.first(operation.pieces.size() - 1);
    std::size_t skip = operation.sent;
    for (ConstBytes piece : before) {
        if (skip < piece.size()) {  // held back, so that the file's bytes fill up its packet
            const bool follows = !operation.pieces.back().empty();
            return send_once(operation.fd, before, operation.sent, most, MSG_NOSIGNAL | (follows ? MSG_MORE : 0));
        }
        skip -= piece.size();
    }
    const InFile& where = operation.last_in_file;
    const ssize_t size = send_file_once(operation.fd, where.file, where.offset + skip,
                                        std::min(operation.pieces.back().size() - skip, most));
    if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return size;
    operation.last_in_file = {};  // from memory it goes, or says why not
    return send_once(operation.fd, operation.pieces, operation.sent, most, MSG_NOSIGNAL);
}

/// Sends what is left of `operation` until the socket takes no more. 0: all is sent; kTurnOver; -EAGAIN: the socket is
/// full; or another negated errno value.
inline std::int32_t send_some(SendOperation& operation) noexcept {
    if (operation.pieces.size() == 1 && operation.last_in_file.file < 0) [[likely]] {  // nearly every answer
        const ConstBytes rest = operation.pieces[0].subspan(operation.sent);
        if (!rest.empty() && rest.size() <= kSentPerTurn) {
            const ssize_t size = ::send(operation.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (size < 0 && errno != EINTR) return -errno;
            if (size > 0) operation.sent += static_cast<std::size_t>(size);
            if (size == static_cast<ssize_t>(rest.size())) return 0;
        }
    }
    std::size_t left = 0;
    for (ConstBytes piece : operation.pieces) left += piece.size();
    left -= operation.sent;
    std::size_t budget = share_of_turn(left);
    left -= budget;
    while (budget > 0) {
        const ssize_t size = operation.last_in_file.file < 0
                                 ? send_once(operation.fd, operation.pieces, operation.sent, budget, MSG_NOSIGNAL)
                                 : send_once_with_file(operation, budget);
        if (size < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        operation.sent += static_cast<std::size_t>(size);
        budget -= static_cast<std::size_t>(size);
    }
    return left == 0 ? 0 : kTurnOver;
}

/// The same for a part of a file; 0: all is sent, or all that the file has.
inline std::int32_t send_some(SendFileOperation& operation) noexcept {
    std::size_t left = operation.count - operation.sent;
    std::size_t budget = share_of_turn(left);
    left -= budget;
    while (budget > 0) {
        const ssize_t size = send_file_once(operation.fd, operation.file, operation.offset + operation.sent, budget);
        if (size < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        if (size == 0) return 0;
        operation.sent += static_cast<std::size_t>(size);
        budget -= static_cast<std::size_t>(size);
    }
    return left == 0 ? 0 : kTurnOver;
}

}  // namespace caropig
