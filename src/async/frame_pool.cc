#include "async/surplus.h"
#include <caropig/async/frame_pool.h>
#include <caropig/base/prefetch.h>

#include <array>
#include <new>

namespace caropig::detail {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAROPIG_FRAMES_FROM_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CAROPIG_FRAMES_FROM_HEAP 1
#endif
#endif

#ifdef CAROPIG_FRAMES_FROM_HEAP

void* allocate_frame(std::size_t size) { return ::operator new(size); }
void free_frame(void* frame, std::size_t size) noexcept { ::operator delete(frame, size); }

#else
namespace {

constexpr std::size_t kStep = 64;     // sizes are rounded up to a multiple of this: a frame fills whole cache lines
constexpr std::size_t kClasses = 32;  // frames of up to 2 KiB are kept; larger ones are rare

struct FreeFrame {
    FreeFrame* next;
};

struct FreeLists {
    std::array<FreeFrame*, kClasses> heads;
    std::array<std::size_t, kClasses> lengths;
    std::array<Surplus, kClasses> surplus;
    bool closed;
};

constinit thread_local FreeLists lists{};

void give_back(void* frame, std::size_t index) noexcept {
    ::operator delete(frame, (index + 1) * kStep, std::align_val_t(kStep));
}

void prefetch_frame(const void* frame, std::size_t index) noexcept {
    const auto* start = static_cast<const std::byte*>(frame);
    for (std::size_t line = 0; line <= index; ++line) prefetch<kCacheLine>(start + line * kStep);
}

void drop_one(std::size_t index) noexcept {
    FreeFrame* frame = lists.heads[index];
    lists.heads[index] = frame->next;
    --lists.lengths[index];
    give_back(frame, index);
}

// A thread-local object with a destructor is dear to touch, so the lists have none and this one cleans up after them.
struct Cleanup {
    ~Cleanup() {
        lists.closed = true;
        for (std::size_t i = 0; i < kClasses; ++i) {
            while (lists.heads[i] != nullptr) drop_one(i);
        }
    }
};

void clean_up_at_thread_end() { static thread_local Cleanup cleanup; }

constexpr std::size_t class_of(std::size_t size) { return (size - 1) / kStep; }

}  // namespace

void* allocate_frame(std::size_t size) {
    std::size_t index = class_of(size);
    if (index >= kClasses) return ::operator new(size);
    if (FreeFrame* frame = lists.heads[index]) {
        lists.heads[index] = frame->next;
        lists.surplus[index].taken(--lists.lengths[index]);
        // The next one will be wanted soon where many are taken one after the other.
        if (frame->next != nullptr) prefetch_frame(frame->next, index);
        return frame;
    }
    return ::operator new((index + 1) * kStep, std::align_val_t(kStep));
}

void free_frame(void* frame, std::size_t size) noexcept {
    std::size_t index = class_of(size);
    if (index >= kClasses) return ::operator delete(frame, size);
    if (lists.closed) return give_back(frame, index);
    if (lists.lengths[index] == 0) clean_up_at_thread_end();
    lists.heads[index] = new (frame) FreeFrame{lists.heads[index]};
    for (std::size_t rest = lists.surplus[index].came_back(++lists.lengths[index]); rest != 0; --rest) drop_one(index);
}

#endif

}  // namespace caropig::detail
