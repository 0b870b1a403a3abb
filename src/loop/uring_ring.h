#pragma once

#include <caropig/base/bytes.h>
#include <caropig/loop/clock.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <liburing.h>

namespace caropig {

/// How large a ring is. Tests make it small, so that each of them is full once.
struct UringSizes {
    unsigned submissions = 512;
    unsigned completions = 4096;
    unsigned buffers = 64;         ///< A power of two; of received bytes that nobody has looked at yet.
    unsigned buffer_size = 16384;  ///< Untouched pages of it cost nothing.
};

/// The two queues shared with the kernel and the buffers that it receives into. It belongs to the thread that waits
/// first (IORING_SETUP_SINGLE_ISSUER); until then it may be filled by another.
class UringRing {
public:
    /// Nothing where the kernel does not let us have one; `why` says so, in a line's end.
    static std::unique_ptr<UringRing> open(const UringSizes& sizes, std::string& why);

    ~UringRing();
    UringRing(const UringRing&) = delete;
    UringRing& operator=(const UringRing&) = delete;

    /// The kernel cancels what is left, and writes into no memory of ours any more. Nothing else may be called then.
    void close() noexcept;

    /// A place in the queue; submits what is there when it is full. Null only where the kernel takes nothing any more.
    [[nodiscard]] io_uring_sqe* next() noexcept;

    /// Where the submission that next() gave last stands.
    [[nodiscard]] std::uint32_t position() const noexcept { return ring_.sq.sqe_tail - 1; }
    /// The submission at `position`, as long as the kernel has not seen it; null afterwards.
    [[nodiscard]] io_uring_sqe* unseen(std::uint32_t position) noexcept {
        if (static_cast<std::int32_t>(position - *ring_.sq.khead) < 0) return nullptr;
        return &ring_.sq.sqes[position & ring_.sq.ring_mask];
    }

    /// Submits, and lets the kernel do what it can at once. 0 or a negated errno value.
    int flush() noexcept;

    /// Submits and waits for a completion, or for `timeout` (nothing: for ever). 0 or a negated errno value.
    int wait(std::optional<Duration> timeout) noexcept;

    /// How many completions are there.
    [[nodiscard]] unsigned ready() const noexcept { return io_uring_cq_ready(&ring_); }
    struct Completion {
        std::uint64_t token;
        std::int32_t result;
        std::uint32_t flags;
    };
    /// Takes the oldest of them; there must be one.
    Completion take() noexcept;

    /// Takes the results of `token` out of what is ready, but for its last completion: `found` gets each, oldest first.
    template <class Found>
    void take_early(std::uint64_t token, Found found) {
        const unsigned head = *ring_.cq.khead;
        for (unsigned i = 0, count = ready(); i < count; ++i) {
            io_uring_cqe& cqe = ring_.cq.cqes[(head + i) & ring_.cq.ring_mask];
            if (cqe.user_data != token || cqe.res < 0) continue;
            found(std::exchange(cqe.res, -ECANCELED));
        }
    }

    /// What the kernel has put into a buffer, until give_back().
    [[nodiscard]] MutableBytes buffer(std::uint16_t id) noexcept {
        return MutableBytes(memory_ + std::size_t{id} * sizes_.buffer_size, sizes_.buffer_size);
    }
    void give_back(std::uint16_t id) noexcept;

    static constexpr int kBufferGroup = 0;

private:
    explicit UringRing(const UringSizes& sizes) noexcept : sizes_(sizes) {}

    int set_up() noexcept;
    int set_up_buffers() noexcept;
    int enable() noexcept;

    UringSizes sizes_;
    io_uring ring_{};
    io_uring_buf_ring* buffers_ = nullptr;
    std::byte* memory_ = nullptr;
    std::size_t mapped_ = 0;
    bool open_ = false;
    bool enabled_ = false;
};

}  // namespace caropig
