#include "loop/backend.h"
#include "loop/sending.h"
#include <caropig/base/error.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace caropig {
namespace {

/// What one descriptor waits for, and what is known of its readiness. Edges are remembered here: a system call is made
/// only where the last one did not say that there is nothing left.
struct Descriptor {
    enum class Waits : std::uint8_t { kNothing, kReceive, kSend, kSendFile, kAccept, kConnect, kPoll };

    Operation* reader = nullptr;
    Operation* writer = nullptr;
    Operation* hangup = nullptr;
    std::uint16_t generation = 0;  // told apart from an earlier descriptor of the same number
    std::uint8_t read_turn = 0;    // the turn in which it was last read; the same number again only costs it a round
    Waits reader_kind = Waits::kNothing;
    Waits writer_kind = Waits::kNothing;
    bool readable = false;
    bool writable = false;
    bool attached : 1 = false;
    bool one_shot : 1 = false;       // of a library: its readiness is asked for anew each time
    bool peer_finished : 1 = false;  // the peer sends no more
    bool gone : 1 = false;           // and does not listen any more either
};
static_assert(sizeof(Descriptor) == 32, "there is one for every idle connection");

constexpr std::size_t kDescriptorsPerPage = 128;
using DescriptorPage = std::array<Descriptor, kDescriptorsPerPage>;

constexpr std::size_t kReceiveBufferSize = std::size_t{64} * 1024;
constexpr int kEventsPerWait = 256;
constexpr int kAcceptsPerTurn = 64;

class EpollBackend final : public Backend {
public:
    explicit EpollBackend(Executor& executor) : executor_(executor), buffer_(kReceiveBufferSize) {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ < 0) throw IoError(errno_code(errno), "epoll_create1");
        wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (wake_ < 0) {
            int error = errno;
            ::close(epoll_);
            throw IoError(errno_code(error), "eventfd");
        }
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = kWakeToken;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    }
    ~EpollBackend() override {
        ::close(wake_);
        ::close(epoll_);
    }
    EpollBackend(const EpollBackend&) = delete;
    EpollBackend& operator=(const EpollBackend&) = delete;

    [[nodiscard]] std::string_view name() const noexcept override { return "epoll"; }

    bool submit(ReceiveOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        operation.mark_waiting();
        wait_to_read(descriptor, operation, Descriptor::Waits::kReceive);
        if (!descriptor.readable) return false;
        // Whoever had its turn lets the others read first; and the lent buffer may be in use by our caller.
        if (descriptor.read_turn == turn_ || operation.buffer.empty()) {
            operation.retry_later(executor_);
            return false;
        }
        std::int32_t outcome = receive(descriptor, operation);
        if (outcome == -EAGAIN) return false;
        clear_reader(descriptor);
        operation.complete_inline(outcome);
        return true;
    }

    bool submit(SendOperation& operation) noexcept override { return submit_send(operation, Descriptor::Waits::kSend); }

    bool submit(SendFileOperation& operation) noexcept override {
        CAROPIG_CHECK(operation.count <= SendFileOperation::kMostBytes, "more of a file than one operation sends");
        if (!submit_send(operation, Descriptor::Waits::kSendFile)) return false;
        if (operation.result == 0) operation.result = static_cast<std::int32_t>(operation.sent);
        return true;
    }

    bool submit(AcceptOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        operation.mark_waiting();
        wait_to_read(descriptor, operation, Descriptor::Waits::kAccept);
        if (descriptor.readable) operation.retry_later(executor_);
        return false;
    }

    bool submit(ConnectOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        int outcome = ::connect(operation.fd, static_cast<const sockaddr*>(operation.address), operation.address_size);
        if (outcome == 0 || errno != EINPROGRESS) {
            operation.complete_inline(outcome == 0 ? 0 : -errno);
            return true;
        }
        descriptor.writable = false;
        descriptor.gone = descriptor.peer_finished = false;  // an unconnected socket counts as hung up
        operation.mark_waiting();
        wait_to_write(descriptor, operation, Descriptor::Waits::kConnect);
        return false;
    }

    bool submit(PollOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (!descriptor.attached) {
            descriptor.attached = true;
            descriptor.one_shot = true;
            ++descriptor.generation;
        }
        operation.mark_waiting();
        if (operation.write) {
            wait_to_write(descriptor, operation, Descriptor::Waits::kPoll);
        } else {
            wait_to_read(descriptor, operation, Descriptor::Waits::kPoll);
        }
        if (int error = ask_once(operation.fd, descriptor); error != 0) {
            forget(descriptor, operation);
            operation.complete_inline(error);
            return true;
        }
        return false;
    }

    bool submit(HangupOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (descriptor.gone) {
            operation.complete_inline(0);
            return true;
        }
        CAROPIG_CHECK(descriptor.hangup == nullptr, "a hang-up is waited for twice on one descriptor");
        descriptor.hangup = &operation;
        operation.mark_waiting();
        return false;
    }

    void cancel(Operation& operation) noexcept override {
        if (!operation.pending() || operation.state() == Operation::State::kCompleting) return;
        forget(at(operation.fd), operation);
        operation.complete_later(executor_, -ECANCELED);
    }

    void retry(Operation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (descriptor.reader == &operation) {
            read_ready(operation.fd, descriptor);
        } else if (descriptor.writer == &operation) {
            write_ready(descriptor);
        }
    }

    int attach(int fd) noexcept override {
        if (fd > Operation::kMaxFd) return -EMFILE;
        Descriptor& descriptor = at(fd);
        ++descriptor.generation;
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
        event.data.u64 = token(fd, descriptor);
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
        descriptor.attached = true;
        descriptor.one_shot = false;
        descriptor.readable = false;
        descriptor.writable = true;  // most often so; if not, the first send says EAGAIN
        descriptor.peer_finished = descriptor.gone = false;
        descriptor.read_turn = static_cast<std::uint8_t>(turn_ - 1);
        return 0;
    }

    void detach(int fd) noexcept override {
        if (release(fd)) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    }

    void close(int fd) noexcept override {
        release(fd);
        ::close(fd);
    }

    void wait(std::optional<Duration> timeout) noexcept override {
        event_count_ = ::epoll_wait(epoll_, events_.data(), kEventsPerWait, milliseconds(timeout));
    }

    void dispatch() noexcept override {
        ++turn_;
        for (int i = 0; i < event_count_; ++i) {
            const epoll_event& event = events_[static_cast<std::size_t>(i)];
            if (event.data.u64 == kWakeToken) {
                std::uint64_t ignored;
                [[maybe_unused]] auto size = ::read(wake_, &ignored, sizeof ignored);
                continue;
            }
            dispatch(event);
        }
        event_count_ = 0;
    }

    void wake() noexcept override {
        std::uint64_t one = 1;
        [[maybe_unused]] auto size = ::write(wake_, &one, sizeof one);
    }

private:
    static constexpr std::uint64_t kWakeToken = ~std::uint64_t{0};

    static std::uint64_t token(int fd, const Descriptor& descriptor) noexcept {
        return std::uint64_t{descriptor.generation} << 32 | static_cast<std::uint32_t>(fd);
    }

    static int milliseconds(std::optional<Duration> timeout) noexcept {
        if (!timeout) return -1;
        if (*timeout <= Duration::zero()) return 0;
        constexpr Duration kTick = std::chrono::milliseconds(1);
        constexpr std::int64_t kLongest = 1 << 30;
        return static_cast<int>(std::min<std::int64_t>((*timeout + kTick - Duration(1)) / kTick, kLongest));
    }

    void add_pages(std::size_t index) {
        while (index / kDescriptorsPerPage >= descriptors_.size()) {
            descriptors_.push_back(std::make_unique<DescriptorPage>());
        }
    }

    Descriptor& at(int fd) {
        auto index = static_cast<std::size_t>(fd);
        if (index / kDescriptorsPerPage >= descriptors_.size()) [[unlikely]]
            add_pages(index);
        return (*descriptors_[index / kDescriptorsPerPage])[index % kDescriptorsPerPage];
    }

    static void wait_to_read(Descriptor& descriptor, Operation& operation, Descriptor::Waits kind) noexcept {
        CAROPIG_CHECK(descriptor.reader == nullptr, "two reads are pending on one descriptor");
        descriptor.reader = &operation;
        descriptor.reader_kind = kind;
    }
    static void wait_to_write(Descriptor& descriptor, Operation& operation, Descriptor::Waits kind) noexcept {
        CAROPIG_CHECK(descriptor.writer == nullptr, "two writes are pending on one descriptor");
        descriptor.writer = &operation;
        descriptor.writer_kind = kind;
    }
    static void clear_reader(Descriptor& descriptor) noexcept { descriptor.reader = nullptr; }
    static void clear_writer(Descriptor& descriptor) noexcept { descriptor.writer = nullptr; }

    static void forget(Descriptor& descriptor, const Operation& operation) noexcept {
        if (descriptor.reader == &operation) clear_reader(descriptor);
        if (descriptor.writer == &operation) clear_writer(descriptor);
        if (descriptor.hangup == &operation) descriptor.hangup = nullptr;
    }

    /// Cuts a descriptor off from its operations. False when it was not attached.
    bool release(int fd) noexcept {
        Descriptor& descriptor = at(fd);
        if (Operation* reader = descriptor.reader) cancel(*reader);
        if (Operation* writer = descriptor.writer) cancel(*writer);
        if (Operation* hangup = descriptor.hangup) cancel(*hangup);
        ++descriptor.generation;
        descriptor.readable = descriptor.writable = descriptor.peer_finished = descriptor.gone = false;
        bool was_attached = descriptor.attached;
        descriptor.attached = false;
        return was_attached;
    }

    int ask_once(int fd, Descriptor& descriptor) noexcept {
        epoll_event event{};
        event.events = EPOLLONESHOT | (descriptor.reader != nullptr ? EPOLLIN | EPOLLRDHUP : 0u) |
                       (descriptor.writer != nullptr ? std::uint32_t{EPOLLOUT} : 0u);
        event.data.u64 = token(fd, descriptor);
        if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
        if (errno == ENOENT && ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
        return -errno;
    }

    template <class Kind>
    bool submit_send(Kind& operation, Descriptor::Waits kind) noexcept {
        operation.sent = 0;
        Descriptor& descriptor = at(operation.fd);
        std::int32_t outcome = descriptor.writable ? send(descriptor, operation) : -EAGAIN;
        if (outcome == -EAGAIN || outcome == kTurnOver) {
            operation.mark_waiting();
            wait_to_write(descriptor, operation, kind);
            if (outcome == kTurnOver) operation.retry_later(executor_);
            return false;
        }
        operation.complete_inline(outcome);
        return true;
    }

    std::int32_t receive(Descriptor& descriptor, ReceiveOperation& operation) noexcept {
        MutableBytes into = operation.buffer.empty() ? MutableBytes(buffer_) : operation.buffer;
        descriptor.read_turn = turn_;
        ssize_t size;
        do {
            size = ::recv(operation.fd, into.data(), into.size(), 0);
        } while (size < 0 && errno == EINTR);
        if (size < 0) {
            if (errno == EAGAIN) descriptor.readable = false;
            return -errno;
        }
        // A short read has emptied the socket: the next edge will tell of more. An end of stream comes with its own.
        if (static_cast<std::size_t>(size) < into.size() && size > 0 && !descriptor.peer_finished)
            descriptor.readable = false;
        operation.data = into.data();
        return static_cast<std::int32_t>(size);
    }

    template <class Kind>
    static std::int32_t send(Descriptor& descriptor, Kind& operation) noexcept {
        std::int32_t outcome = send_some(operation);
        if (outcome == -EAGAIN) descriptor.writable = false;
        return outcome;
    }

    void dispatch(const epoll_event& event) noexcept {
        auto fd = static_cast<int>(static_cast<std::uint32_t>(event.data.u64));
        auto generation = static_cast<std::uint16_t>(event.data.u64 >> 32);
        Descriptor& descriptor = at(fd);
        if (!descriptor.attached || descriptor.generation != generation) return;
        bool failed = (event.events & (EPOLLHUP | EPOLLERR)) != 0;
        bool can_read = failed || (event.events & (EPOLLIN | EPOLLRDHUP)) != 0;
        bool can_write = failed || (event.events & EPOLLOUT) != 0;
        if (descriptor.one_shot) {
            dispatch_poll(fd, generation, can_read, can_write);
            return;
        }
        if (failed || (event.events & EPOLLRDHUP) != 0) descriptor.peer_finished = true;
        if (failed) descriptor.gone = true;
        descriptor.readable |= can_read;
        descriptor.writable |= can_write;
        if (can_read && descriptor.reader != nullptr && descriptor.reader->state() == Operation::State::kWaiting) {
            read_ready(fd, descriptor);
        }
        // Each callback may have closed the descriptor.
        const auto still_there = [&] { return descriptor.attached && descriptor.generation == generation; };
        if (can_write && descriptor.writer != nullptr && still_there() &&
            descriptor.writer->state() == Operation::State::kWaiting) {
            write_ready(descriptor);
        }
        if (failed && descriptor.hangup != nullptr && still_there()) {
            std::exchange(descriptor.hangup, nullptr)->complete(0);
        }
    }

    void dispatch_poll(int fd, std::uint16_t generation, bool can_read, bool can_write) noexcept {
        auto complete = [this, fd, generation](Operation* Descriptor::* which) {
            Descriptor& descriptor = at(fd);
            if (!descriptor.attached || descriptor.generation != generation || descriptor.*which == nullptr) return;
            Operation& operation = *std::exchange(descriptor.*which, nullptr);
            operation.complete(0);
        };
        if (can_read) complete(&Descriptor::reader);
        if (can_write) complete(&Descriptor::writer);
        Descriptor& descriptor = at(fd);
        bool still_waits = descriptor.reader != nullptr || descriptor.writer != nullptr;
        if (descriptor.attached && descriptor.generation == generation && still_waits) ask_once(fd, descriptor);
    }

    void read_ready(int fd, Descriptor& descriptor) noexcept {
        if (descriptor.reader_kind == Descriptor::Waits::kAccept) {
            accept_ready(fd, descriptor.generation);
            return;
        }
        auto& operation = static_cast<ReceiveOperation&>(*descriptor.reader);
        std::int32_t outcome = receive(descriptor, operation);
        if (outcome == -EAGAIN) return;
        clear_reader(descriptor);
        operation.complete(outcome);
    }

    void accept_ready(int fd, std::uint16_t generation) noexcept {
        for (int i = 0; i < kAcceptsPerTurn; ++i) {
            Descriptor& descriptor = at(fd);
            if (descriptor.generation != generation || descriptor.reader == nullptr) return;
            auto& operation = *descriptor.reader;
            int accepted = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted < 0) {
                if (errno == EINTR || errno == ECONNABORTED) continue;
                if (errno == EAGAIN) {
                    descriptor.readable = false;
                    return;
                }
                clear_reader(descriptor);
                operation.complete(-errno);
                return;
            }
            operation.complete_one(accepted);
        }
        Descriptor& descriptor = at(fd);
        if (descriptor.generation == generation && descriptor.reader != nullptr) {
            descriptor.reader->retry_later(executor_);
        }
    }

    void write_ready(Descriptor& descriptor) noexcept {
        Operation& operation = *descriptor.writer;
        std::int32_t outcome;
        if (descriptor.writer_kind == Descriptor::Waits::kConnect) {
            int error = 0;
            socklen_t size = sizeof error;
            if (::getsockopt(operation.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
            outcome = -error;
        } else if (descriptor.writer_kind == Descriptor::Waits::kSendFile) {
            auto& sending = static_cast<SendFileOperation&>(operation);
            outcome = send(descriptor, sending);
            if (outcome == -EAGAIN) return;
            if (outcome == kTurnOver) return operation.retry_later(executor_);
            if (outcome == 0) outcome = static_cast<std::int32_t>(sending.sent);
        } else {
            outcome = send(descriptor, static_cast<SendOperation&>(operation));
            if (outcome == -EAGAIN) return;
            if (outcome == kTurnOver) return operation.retry_later(executor_);
        }
        clear_writer(descriptor);
        operation.complete(outcome);
    }

    Executor& executor_;
    std::vector<std::unique_ptr<DescriptorPage>>
        descriptors_;  // by number; in pages, so that they stay in their places
    std::vector<std::byte> buffer_;
    std::array<epoll_event, kEventsPerWait> events_;
    int event_count_ = 0;
    int epoll_ = -1;
    int wake_ = -1;
    std::uint8_t turn_ = 1;
};

}  // namespace

std::unique_ptr<Backend> make_epoll_backend(Executor& executor) { return std::make_unique<EpollBackend>(executor); }

}  // namespace caropig
