#include "loop/uring.h"

#include "loop/sending.h"
#include <caropig/async/executor.h>
#include <caropig/base/check.h>
#include <caropig/base/error.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace caropig {
namespace {

/// What the kernel was asked for. Its place in the table is the token of its completions, and is free again only after
/// the last of them: so no completion is taken for another's, whatever becomes of the descriptor's number meanwhile.
struct Request {
    enum class Kind : std::uint8_t { kFree, kWake, kReceive, kAccept, kReadable, kWritable, kHangup };

    Operation* operation = nullptr;  // null: nobody waits for it any more
    std::uint32_t position = 0;      // of its submission
    std::uint32_t next_free = 0;
    int fd = -1;
    Kind kind = Kind::kFree;
    bool cancelled = false;
    bool withdrawn = false;  // before the kernel saw it
    bool orphaned = false;   // its descriptor was closed or forgotten
};

/// What one descriptor waits for. The numbers are those of requests; 0 is none.
struct Descriptor {
    enum class Waits : std::uint8_t { kSend, kSendFile, kConnect, kPoll };

    Operation* reader = nullptr;
    Operation* writer = nullptr;
    Operation* hangup = nullptr;
    std::uint32_t read_request = 0;
    std::uint32_t write_request = 0;
    std::uint32_t hangup_request = 0;
    Waits writer_kind = Waits::kSend;
    bool writable = true;
    bool drained = true;  // the last receive left nothing, as far as the kernel knew
    bool gone = false;
};

/// Receiving, accepting and waiting are the kernel's; an answer is sent by a system call of our own, at once, so that
/// its buffer is free for the next one (docs/decisions/0006 says what that costs and saves).
class UringBackend final : public Backend {
public:
    UringBackend(Executor& executor, std::unique_ptr<UringRing> ring)
        : executor_(executor), ring_(std::move(ring)), requests_(1) {
        wake_ = ::eventfd(0, EFD_CLOEXEC);  // blocking: where it is not, io_uring does not wait either
        if (wake_ < 0) throw IoError(errno_code(errno), "eventfd");
        ask_to_be_woken();
    }
    ~UringBackend() override {
        ring_.reset();
        ::close(wake_);
    }
    UringBackend(const UringBackend&) = delete;
    UringBackend& operator=(const UringBackend&) = delete;

    [[nodiscard]] std::string_view name() const noexcept override { return "uring"; }

    bool submit(ReceiveOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        wait_to_read(descriptor, operation);
        descriptor.read_request = receive(descriptor, operation);
        if (descriptor.read_request == 0) fail_later(descriptor.reader);
        return false;
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
        wait_to_read(descriptor, operation);
        descriptor.read_request = accept(operation);
        if (descriptor.read_request == 0) fail_later(descriptor.reader);
        return false;
    }

    bool submit(ConnectOperation& operation) noexcept override {
        int outcome = ::connect(operation.fd, static_cast<const sockaddr*>(operation.address), operation.address_size);
        if (outcome == 0 || errno != EINPROGRESS) {
            operation.complete_inline(outcome == 0 ? 0 : -errno);
            return true;
        }
        Descriptor& descriptor = at(operation.fd);
        wait_to_write(descriptor, operation, Descriptor::Waits::kConnect);
        poll_for_writer(descriptor, operation);
        return false;
    }

    bool submit(PollOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (operation.write) {
            wait_to_write(descriptor, operation, Descriptor::Waits::kPoll);
            poll_for_writer(descriptor, operation);
            return false;
        }
        wait_to_read(descriptor, operation);
        descriptor.read_request = poll(Request::Kind::kReadable, operation.fd, &operation, POLLIN | POLLRDHUP);
        if (descriptor.read_request == 0) fail_later(descriptor.reader);
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
        look_for_hangup(operation.fd, descriptor);
        return false;
    }

    void cancel(Operation& operation) noexcept override {
        if (!operation.pending() || operation.state() == Operation::State::kCompleting) return;
        Descriptor& descriptor = at(operation.fd);
        if (descriptor.reader == &operation) {
            cancel_reader(descriptor);
        } else if (descriptor.writer == &operation) {
            abandon(descriptor.writer, descriptor.write_request);
        } else if (descriptor.hangup == &operation) {
            abandon(descriptor.hangup, descriptor.hangup_request);
        }
        // Otherwise its descriptor was closed, and it is on its way.
    }

    void drain(AcceptOperation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (descriptor.reader != &operation) return;
        const std::uint32_t number = descriptor.read_request;
        cancel_request(number);
        if (requests_[number].withdrawn) return;
        ring_->flush();
        ring_->take_early(number, [&](std::int32_t accepted) { operation.complete_one(accepted); });
    }

    void retry(Operation& operation) noexcept override {
        Descriptor& descriptor = at(operation.fd);
        if (descriptor.writer == &operation) write_ready(descriptor);
    }

    int attach(int fd) noexcept override {
        if (fd > Operation::kMaxFd) return -EMFILE;
        Descriptor& descriptor = at(fd);
        descriptor.writable = descriptor.drained = true;
        descriptor.gone = false;
        return 0;
    }

    void detach(int fd) noexcept override { release(fd); }

    void close(int fd) noexcept override {
        const Released released = release(fd);
        // The kernel holds on to the socket until it has heard of the cancelling: in a loop that runs that is now, and
        // in the same system call as whatever else is asked for. Nobody may come through a listener any more.
        if (released != Released::kNothing && (released == Released::kListener || Executor::current() == nullptr)) {
            if (ring_->flush() < 0) ::shutdown(fd, SHUT_RDWR);  // not on the loop's thread
        }
        ::close(fd);
    }

    void wait(std::optional<Duration> timeout) noexcept override {
        watching_.swap(unwatched_);
        for (int fd : watching_) watch_for_hangup(fd);
        watching_.clear();
        for (std::size_t left = uncancelled_.size(); left != 0; --left) {
            const std::uint32_t number = uncancelled_.back();
            uncancelled_.pop_back();
            send_cancel(number);
        }
        const int error = ring_->wait(timeout);
        CAROPIG_CHECK(error != -EEXIST, "a loop that uses io_uring was run by two threads");
    }

    void dispatch() noexcept override {
        for (unsigned left = ring_->ready(); left != 0; --left) dispatch(ring_->take());
    }

    void wake() noexcept override {
        std::uint64_t one = 1;
        [[maybe_unused]] auto size = ::write(wake_, &one, sizeof one);
    }

    void settle() noexcept override {
        constexpr int kMostWaits = 1000;
        constexpr Duration kWait = std::chrono::milliseconds(10);
        for (int i = 0; i < kMostWaits && cancelled_ != 0; ++i) {
            if (int error = ring_->wait(kWait); error < 0 && error != -EINTR && error != -ETIME) break;
            dispatch();
        }
        if (cancelled_ == 0) return;
        // On a thread that is not the loop's, the kernel does not talk to us; without a ring it leaves our memory
        // alone.
        ring_->close();
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            Request& request = requests_[i];
            if (!request.cancelled || request.operation == nullptr) continue;
            std::exchange(request.operation, nullptr)->complete_later(executor_, -ECANCELED);
        }
        cancelled_ = 0;
    }

private:
    static constexpr std::uint64_t kIgnored = ~std::uint64_t{0};
    static constexpr std::int32_t kNoPlace = -ENOMEM;  // in the queue of submissions, whatever we tried

    Descriptor& at(int fd) {
        auto index = static_cast<std::size_t>(fd);
        if (index >= descriptors_.size()) descriptors_.resize(std::max(index + 1, descriptors_.size() * 2));
        return descriptors_[index];
    }

    static void wait_to_read(Descriptor& descriptor, Operation& operation) noexcept {
        CAROPIG_CHECK(descriptor.reader == nullptr, "two reads are pending on one descriptor");
        descriptor.reader = &operation;
        operation.mark_waiting();
    }
    static void wait_to_write(Descriptor& descriptor, Operation& operation, Descriptor::Waits kind) noexcept {
        CAROPIG_CHECK(descriptor.writer == nullptr, "two writes are pending on one descriptor");
        descriptor.writer = &operation;
        descriptor.writer_kind = kind;
        operation.mark_waiting();
    }
    void fail_later(Operation*& waiting) noexcept {
        std::exchange(waiting, nullptr)->complete_later(executor_, kNoPlace);
    }

    // ---- asking the kernel

    /// A new request, whose submission is at `sqe`; 0: there is no place for it.
    std::uint32_t ask(Request::Kind kind, int fd, Operation* operation, io_uring_sqe*& sqe) {
        sqe = ring_->next();
        if (sqe == nullptr) return 0;
        std::uint32_t number = first_free_;
        if (number == 0) {
            number = static_cast<std::uint32_t>(requests_.size());
            requests_.emplace_back();
        } else {
            first_free_ = requests_[number].next_free;
        }
        Request& request = requests_[number];
        request = Request{};
        request.operation = operation;
        request.position = ring_->position();
        request.fd = fd;
        request.kind = kind;
        return number;
    }

    void free_request(std::uint32_t number) noexcept {
        Request& request = requests_[number];
        if (request.cancelled && request.operation != nullptr) --cancelled_;
        request.kind = Request::Kind::kFree;
        request.operation = nullptr;
        request.next_free = std::exchange(first_free_, number);
    }

    void ask_to_be_woken() {
        io_uring_sqe* sqe;
        const std::uint32_t number = ask(Request::Kind::kWake, wake_, nullptr, sqe);
        if (number == 0) return;
        io_uring_prep_read(sqe, wake_, &wakes_, sizeof wakes_, 0);
        io_uring_sqe_set_data64(sqe, number);
    }

    std::uint32_t receive(const Descriptor& descriptor, ReceiveOperation& operation) {
        io_uring_sqe* sqe;
        const bool drained = descriptor.drained;
        const std::uint32_t number = ask(Request::Kind::kReceive, operation.fd, &operation, sqe);
        if (number == 0) return 0;
        io_uring_prep_recv(sqe, operation.fd, operation.buffer.data(), operation.buffer.size(), 0);
        if (drained) sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
        if (operation.buffer.empty()) {
            sqe->flags |= IOSQE_BUFFER_SELECT;
            sqe->buf_group = UringRing::kBufferGroup;
        }
        io_uring_sqe_set_data64(sqe, number);
        return number;
    }

    std::uint32_t accept(AcceptOperation& operation) {
        io_uring_sqe* sqe;
        const std::uint32_t number = ask(Request::Kind::kAccept, operation.fd, &operation, sqe);
        if (number == 0) return 0;
        constexpr int kFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        if (operation.shared) {  // whoever has had a connection stands behind the others with its next accept
            io_uring_prep_accept(sqe, operation.fd, nullptr, nullptr, kFlags);
        } else {
            io_uring_prep_multishot_accept(sqe, operation.fd, nullptr, nullptr, kFlags);
        }
        io_uring_sqe_set_data64(sqe, number);
        return number;
    }

    std::uint32_t poll(Request::Kind kind, int fd, Operation* operation, unsigned events) {
        io_uring_sqe* sqe;
        const std::uint32_t number = ask(kind, fd, operation, sqe);
        if (number == 0) return 0;
        io_uring_prep_poll_add(sqe, fd, events);
        // A poll is told of the end of the peer's sending, asked or not, and a one-shot one would be again and again.
        if (kind == Request::Kind::kHangup) sqe->len = IORING_POLL_ADD_MULTI;
        io_uring_sqe_set_data64(sqe, number);
        return number;
    }

    void poll_for_writer(Descriptor& descriptor, Operation& operation) {
        descriptor.write_request = poll(Request::Kind::kWritable, operation.fd, &operation, POLLOUT);
        if (descriptor.write_request == 0) fail_later(descriptor.writer);
    }

    /// A receive that is pending notices a peer that goes, for nothing. Where there is none when the loop waits next, a
    /// poll does.
    void look_for_hangup(int fd, const Descriptor& descriptor) {
        if (descriptor.hangup == nullptr || descriptor.read_request != 0 || descriptor.hangup_request != 0) return;
        unwatched_.push_back(fd);
    }
    void watch_for_hangup(int fd) {
        Descriptor& descriptor = at(fd);
        if (descriptor.hangup == nullptr || descriptor.read_request != 0 || descriptor.hangup_request != 0) return;
        descriptor.hangup_request = poll(Request::Kind::kHangup, fd, descriptor.hangup, 0);
        if (descriptor.hangup_request == 0) unwatched_.push_back(fd);
    }

    // ---- cancelling

    /// What the kernel has not seen is taken back; it is still told as complete.
    void cancel_request(std::uint32_t number) {
        Request& request = requests_[number];
        if (request.cancelled) return;
        request.cancelled = true;
        if (request.operation != nullptr) ++cancelled_;
        if (io_uring_sqe* sqe = ring_->unseen(request.position)) {
            request.withdrawn = true;
            io_uring_prep_nop(sqe);
            io_uring_sqe_set_data64(sqe, number);
            return;
        }
        send_cancel(number);
    }

    void send_cancel(std::uint32_t number) {
        io_uring_sqe* sqe = ring_->next();
        if (sqe == nullptr) {
            uncancelled_.push_back(number);
            return;
        }
        io_uring_prep_cancel64(sqe, number, 0);
        io_uring_sqe_set_data64(sqe, kIgnored);
    }

    /// A receive or an accept ends when the kernel says so: it may have bytes, or a connection, by then.
    void cancel_reader(Descriptor& descriptor) {
        const Request& request = requests_[descriptor.read_request];
        if (request.kind == Request::Kind::kReadable) {
            abandon(descriptor.reader, descriptor.read_request);
        } else {
            cancel_request(descriptor.read_request);
        }
    }

    /// Ends a wait that lends the kernel nothing; what the kernel says of it later is nobody's.
    void abandon(Operation*& waiting, std::uint32_t& number) {
        if (number != 0) {
            requests_[number].operation = nullptr;
            cancel_request(std::exchange(number, 0));
        }
        std::exchange(waiting, nullptr)->complete_later(executor_, -ECANCELED);
    }

    enum class Released : std::uint8_t { kNothing, kSomething, kListener };

    /// Cuts a descriptor off from its operations; says whether the kernel still holds it.
    Released release(int fd) {
        Descriptor& descriptor = at(fd);
        Released released = Released::kNothing;
        auto note = [&](std::uint32_t number) {
            if (number == 0 || released == Released::kListener) return;
            if (ring_->unseen(requests_[number].position) != nullptr) return;
            bool accepts = requests_[number].kind == Request::Kind::kAccept;
            released = accepts ? Released::kListener : Released::kSomething;
        };
        note(descriptor.read_request);
        note(descriptor.write_request);
        note(descriptor.hangup_request);
        if (descriptor.reader != nullptr) {
            cancel_reader(descriptor);
            if (descriptor.reader != nullptr) requests_[descriptor.read_request].orphaned = true;
        }
        if (descriptor.writer != nullptr) abandon(descriptor.writer, descriptor.write_request);
        if (descriptor.hangup != nullptr) abandon(descriptor.hangup, descriptor.hangup_request);
        descriptor = Descriptor{};
        return released;
    }

    // ---- what the kernel says

    void dispatch(const UringRing::Completion& completion) {
        if (completion.token == kIgnored) return;
        const auto number = static_cast<std::uint32_t>(completion.token);
        switch (requests_[number].kind) {
            case Request::Kind::kWake:
                free_request(number);
                ask_to_be_woken();
                break;
            case Request::Kind::kReceive:
                received(number, completion);
                break;
            case Request::Kind::kAccept:
                accepted(number, completion);
                break;
            case Request::Kind::kReadable:
                readable(number, completion.result);
                break;
            case Request::Kind::kWritable:
                writable(number, completion.result);
                break;
            case Request::Kind::kHangup:
                hung_up(number, completion);
                break;
            case Request::Kind::kFree:
                break;
        }
    }

    /// Failures that say "not now" only.
    static bool passes(std::int32_t result) noexcept {
        return result == -EAGAIN || result == -EINTR || result == -ENOBUFS;
    }

    void received(std::uint32_t number, const UringRing::Completion& completion) {
        const Request request = requests_[number];
        free_request(number);
        auto& operation = static_cast<ReceiveOperation&>(*request.operation);
        const bool lent = (completion.flags & IORING_CQE_F_BUFFER) != 0;
        const auto id = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
        std::int32_t result = completion.result;
        if (request.withdrawn || request.orphaned || (request.cancelled && passes(result))) result = -ECANCELED;
        if (!request.orphaned) {
            Descriptor& descriptor = at(request.fd);
            descriptor.read_request = 0;
            descriptor.drained = (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
            if (passes(result)) {  // by now the buffers are back
                descriptor.read_request = receive(descriptor, operation);
                if (descriptor.read_request == 0) fail_later(descriptor.reader);
                return;
            }
            descriptor.reader = nullptr;
        }
        if (result > 0) operation.data = lent ? ring_->buffer(id).data() : operation.buffer.data();
        operation.complete(result);
        if (lent) ring_->give_back(id);
        // It may have been closed meanwhile, and another opened in its place: then this asks in vain.
        look_for_hangup(request.fd, at(request.fd));
    }

    void accepted(std::uint32_t number, const UringRing::Completion& completion) {
        if (completion.result >= 0 && !requests_[number].withdrawn) {
            requests_[number].operation->complete_one(completion.result);  // may cancel, close, submit
        }
        if ((completion.flags & IORING_CQE_F_MORE) != 0) return;
        const Request request = requests_[number];
        free_request(number);
        auto& operation = static_cast<AcceptOperation&>(*request.operation);
        const bool goes_on = completion.result >= 0 || completion.result == -ECONNABORTED || passes(completion.result);
        if (!request.orphaned) {
            Descriptor& descriptor = at(request.fd);
            descriptor.read_request = 0;
            if (!request.cancelled && goes_on) {
                descriptor.read_request = accept(operation);
                if (descriptor.read_request == 0) fail_later(descriptor.reader);
                return;
            }
            descriptor.reader = nullptr;
        }
        operation.complete(request.cancelled ? -ECANCELED : completion.result);
    }

    void readable(std::uint32_t number, std::int32_t result) {
        const Request request = requests_[number];
        free_request(number);
        if (request.operation == nullptr) return;
        Descriptor& descriptor = at(request.fd);
        descriptor.read_request = 0;
        std::exchange(descriptor.reader, nullptr)->complete(std::min(result, 0));
    }

    void writable(std::uint32_t number, std::int32_t result) {
        const Request request = requests_[number];
        free_request(number);
        if (request.operation == nullptr) return;
        Descriptor& descriptor = at(request.fd);
        descriptor.write_request = 0;
        descriptor.writable = true;
        if (result < 0) {
            std::exchange(descriptor.writer, nullptr)->complete(result);
        } else {
            write_ready(descriptor);
        }
    }

    void write_ready(Descriptor& descriptor) {
        Operation& operation = *descriptor.writer;
        std::int32_t outcome = 0;
        switch (descriptor.writer_kind) {
            case Descriptor::Waits::kConnect: {
                int error = 0;
                socklen_t size = sizeof error;
                if (::getsockopt(operation.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
                outcome = -error;
                break;
            }
            case Descriptor::Waits::kSend:
                outcome = send(descriptor, static_cast<SendOperation&>(operation));
                if (outcome == -EAGAIN) return poll_for_writer(descriptor, operation);
                if (outcome == kTurnOver) return operation.retry_later(executor_);
                break;
            case Descriptor::Waits::kSendFile: {
                auto& sending = static_cast<SendFileOperation&>(operation);
                outcome = send(descriptor, sending);
                if (outcome == -EAGAIN) return poll_for_writer(descriptor, operation);
                if (outcome == kTurnOver) return operation.retry_later(executor_);
                if (outcome == 0) outcome = static_cast<std::int32_t>(sending.sent);
                break;
            }
            case Descriptor::Waits::kPoll:
                break;
        }
        descriptor.writer = nullptr;
        operation.complete(outcome);
    }

    template <class Kind>
    bool submit_send(Kind& operation, Descriptor::Waits kind) noexcept {
        operation.sent = 0;
        Descriptor& descriptor = at(operation.fd);
        std::int32_t outcome = descriptor.writable ? send(descriptor, operation) : -EAGAIN;
        if (outcome != -EAGAIN && outcome != kTurnOver) {
            operation.complete_inline(outcome);
            return true;
        }
        wait_to_write(descriptor, operation, kind);
        if (outcome == kTurnOver) {
            operation.retry_later(executor_);
        } else {
            poll_for_writer(descriptor, operation);
        }
        return false;
    }

    template <class Kind>
    static std::int32_t send(Descriptor& descriptor, Kind& operation) noexcept {
        std::int32_t outcome = send_some(operation);
        if (outcome == -EAGAIN) descriptor.writable = false;
        return outcome;
    }

    void hung_up(std::uint32_t number, const UringRing::Completion& completion) {
        const bool over = (completion.flags & IORING_CQE_F_MORE) == 0;
        const Request request = requests_[number];
        if (over) free_request(number);
        if (request.operation == nullptr) return;
        Descriptor& descriptor = at(request.fd);
        if (completion.result >= 0 && (completion.result & (POLLHUP | POLLERR)) == 0) {
            if (!over) return;
            descriptor.hangup_request = 0;
            look_for_hangup(request.fd, descriptor);
            return;
        }
        descriptor.gone = completion.result >= 0;
        descriptor.hangup_request = 0;
        if (!over) {
            requests_[number].operation = nullptr;
            cancel_request(number);
        }
        std::exchange(descriptor.hangup, nullptr)->complete(std::min(completion.result, 0));
    }

    Executor& executor_;
    std::unique_ptr<UringRing> ring_;
    std::vector<Descriptor> descriptors_;
    std::vector<Request> requests_;           // [0] is none
    std::vector<int> unwatched_;              // descriptors whose hang-up is waited for, perhaps by nobody
    std::vector<int> watching_;               // the same, while they are looked at
    std::vector<std::uint32_t> uncancelled_;  // requests that there was no place to cancel
    std::uint32_t first_free_ = 0;
    std::uint32_t cancelled_ = 0;  // requests whose operations wait for their end
    std::uint64_t wakes_ = 0;
    int wake_ = -1;
};

}  // namespace

std::unique_ptr<Backend> make_uring_backend(Executor& executor, std::string& why, const UringSizes& sizes) {
    auto ring = UringRing::open(sizes, why);
    if (ring == nullptr) return nullptr;
    return std::make_unique<UringBackend>(executor, std::move(ring));
}

}  // namespace caropig
