#include "async/look_ahead.h"

#include <caropig/async/task.h>
#include <caropig/async/waiter.h>
#include <caropig/base/prefetch.h>

#include <array>
#include <cstddef>

namespace caropig::detail {
namespace {

constexpr std::size_t kFrame = 256;           // bytes of a frame that are fetched
constexpr std::size_t kOutermostFrame = 512;  // it is the framework's own, and keeps a request
constexpr std::size_t kDeepest = 6;           // frames of a chain that are fetched

/// The first few of some things, without clearing memory for the rest.
template <class T, std::size_t Most>
class Few {
public:
    void push(T item) noexcept { items_[count_++] = item; }
    void shorten(std::size_t count) noexcept { count_ = count; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return items_[index]; }
    [[nodiscard]] const T* begin() const noexcept { return items_.data(); }
    [[nodiscard]] const T* end() const noexcept { return items_.data() + count_; }

private:
    std::array<T, Most> items_;
    std::size_t count_ = 0;
};

}  // namespace

void look_ahead(ReadyQueue::Next next) noexcept {
    constexpr std::size_t kChains = ReadyQueue::kNodesBetweenLooks;
    // First the way through the chains, a line for each step, since the steps wait for each other.
    Few<Waiter::Resumed, kChains> chains;  // where each has arrived
    for (const ReadyNode* node : next) {
        const Waiter::Resumed resumed = Waiter::resumed_by(*node);
        if (resumed.promise == nullptr) continue;
        prefetch<kCacheLine>(resumed.frame);
        chains.push(resumed);
    }
    Few<const void*, kChains * kDeepest> frames;
    Few<const void*, kChains> outermost_frames;
    Few<const TaskCompletion*, kChains> completions;
    for (std::size_t depth = 0; depth < kDeepest && chains.size() != 0; ++depth) {
        std::size_t going_on = 0;
        for (const Waiter::Resumed& at : chains) {
            if (const TaskPromiseBase* parent = at.promise->parent()) {
                frames.push(at.frame);
                prefetch<kCacheLine>(at.promise->parent_frame());
                chains[going_on++] = {at.promise->parent_frame(), parent};
            } else if (const TaskCompletion* completion = at.promise->completion()) {
                outermost_frames.push(at.frame);
                prefetch<kCacheLine>(completion);
                completions.push(completion);
            }
        }
        chains.shorten(going_on);
    }
    for (const TaskCompletion* completion : completions) completion->prefetch(0);
    // Then the rest of everything, which nothing here waits for.
    for (const void* frame : frames) prefetch<kFrame>(frame);
    for (const void* frame : outermost_frames) prefetch<kOutermostFrame>(frame);
    for (const TaskCompletion* completion : completions) completion->prefetch(1);
}

}  // namespace caropig::detail
