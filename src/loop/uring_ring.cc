#include "loop/uring_ring.h"

#include <caropig/base/error.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/mman.h>

namespace caropig {
namespace {

__kernel_timespec to_timespec(Duration duration) noexcept {
    auto left = std::max(duration, Duration::zero());
    auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    return {seconds.count(), (left - seconds).count()};
}

/// Of the list of buffers, which stands before them.
std::size_t list_bytes(const UringSizes& sizes) noexcept {
    constexpr std::size_t kPage = 4096;
    return (sizes.buffers * sizeof(io_uring_buf) + kPage - 1) / kPage * kPage;
}

std::string reason(int error) {
    switch (error) {
        case ENOSYS:
            return "this kernel has no io_uring";
        case EPERM:
        case EACCES:
            return "io_uring is forbidden here (seccomp, or the sysctl kernel.io_uring_disabled)";
        case EINVAL:
            return "this kernel's io_uring is too old (5.19 or later is needed)";
        default:
            return "io_uring can't be set up (" + errno_code(error).message() + ")";
    }
}

}  // namespace

std::unique_ptr<UringRing> UringRing::open(const UringSizes& sizes, std::string& why) {
    std::unique_ptr<UringRing> ring(new UringRing(sizes));
    int error = ring->set_up();
    if (error == 0) error = ring->set_up_buffers();
    if (error != 0) {
        why = reason(-error);
        return nullptr;
    }
    return ring;
}

/// Completions are worked out while we wait and not in between (DEFER_TASKRUN, 6.1), or at least not by interrupting us
/// (COOP_TASKRUN, 5.19). The ring stays disabled until the loop's thread is known.
int UringRing::set_up() noexcept {
    constexpr unsigned kAlways =
        IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    constexpr std::array kChoices{unsigned{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN},
                                  unsigned{IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN},
                                  unsigned{IORING_SETUP_COOP_TASKRUN}};
    int error = -EINVAL;
    for (unsigned choice : kChoices) {
        io_uring_params params{};
        params.flags = kAlways | choice;
        params.cq_entries = sizes_.completions;
        error = io_uring_queue_init_params(sizes_.submissions, &ring_, &params);
        if (error != -EINVAL) break;
    }
    if (error != 0) return error;
    open_ = true;
    // A filter may let a ring be made and forbid its use: a disabled one that may be used says EBADFD.
    error = io_uring_enter(static_cast<unsigned>(ring_.ring_fd), 0, 0, 0, nullptr);
    return error == -EBADFD ? 0 : error == 0 ? -EINVAL : error;
}

int UringRing::set_up_buffers() noexcept {
    const std::size_t size = list_bytes(sizes_) + std::size_t{sizes_.buffers} * sizes_.buffer_size;
    void* pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return -errno;
    mapped_ = size;
    buffers_ = static_cast<io_uring_buf_ring*>(pages);
    memory_ = static_cast<std::byte*>(pages) + list_bytes(sizes_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(pages);
    registration.ring_entries = sizes_.buffers;
    registration.bgid = kBufferGroup;
    if (int error = io_uring_register_buf_ring(&ring_, &registration, 0); error != 0) return error;
    io_uring_buf_ring_init(buffers_);
    for (unsigned id = 0; id < sizes_.buffers; ++id) give_back(static_cast<std::uint16_t>(id));
    return 0;
}

void UringRing::close() noexcept {
    if (std::exchange(open_, false)) io_uring_queue_exit(&ring_);
}

UringRing::~UringRing() {
    close();
    if (mapped_ != 0) ::munmap(buffers_, mapped_);
}

int UringRing::enable() noexcept {
    if (!open_) return -EBADF;
    if (enabled_) return 0;
    // Debian's liburing 2.3 declares io_uring_enable_rings() but does not export it.
    int error = io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    enabled_ = error == 0;
    return error;
}

io_uring_sqe* UringRing::next() noexcept {
    if (!open_) return nullptr;
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    constexpr int kTries = 8;
    for (int i = 0; sqe == nullptr && i < kTries; ++i) {
        flush();
        sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
}

int UringRing::flush() noexcept {
    if (int error = enable(); error != 0) return error;
    int outcome = io_uring_submit_and_get_events(&ring_);
    return std::min(outcome, 0);
}

int UringRing::wait(std::optional<Duration> timeout) noexcept {
    if (ready() != 0 || (timeout && *timeout <= Duration::zero())) return flush();
    if (int error = enable(); error != 0) return error;
    int outcome;
    if (timeout) {
        __kernel_timespec limit = to_timespec(*timeout);
        io_uring_cqe* ignored = nullptr;
        outcome = io_uring_submit_and_wait_timeout(&ring_, &ignored, 1, &limit, nullptr);
    } else {
        outcome = io_uring_submit_and_wait(&ring_, 1);
    }
    return std::min(outcome, 0);
}

UringRing::Completion UringRing::take() noexcept {
    io_uring_cqe* cqe = nullptr;
    io_uring_peek_cqe(&ring_, &cqe);
    Completion copy{cqe->user_data, cqe->res, cqe->flags};
    io_uring_cqe_seen(&ring_, cqe);
    return copy;
}

void UringRing::give_back(std::uint16_t id) noexcept {
    io_uring_buf_ring_add(buffers_, buffer(id).data(), sizes_.buffer_size, id, io_uring_buf_ring_mask(sizes_.buffers),
                          0);
    io_uring_buf_ring_advance(buffers_, 1);
}

}  // namespace caropig
