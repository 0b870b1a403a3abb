#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define CAROPIG_SLAB_FROM_HEAP 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAROPIG_SLAB_FROM_HEAP 1
#endif
#endif

namespace caropig::server {

/// Memory for many objects of one type without the allocator's cost for each. What is freed is used again, and goes
/// back to the system with the slab. Under AddressSanitizer every object is a real allocation.
template <class T>
class Slab {
public:
    Slab() = default;
    Slab(const Slab&) = delete;
    Slab& operator=(const Slab&) = delete;
    ~Slab() = default;

    /// Room for a T, to be constructed there.
    void* allocate() {
#ifdef CAROPIG_SLAB_FROM_HEAP
        return ::operator new(sizeof(T));
#else
        if (free_ == nullptr) grow();
        return std::exchange(free_, free_->next);
#endif
    }

    /// Takes back what allocate() gave; the T has been destroyed.
    void free(void* room) noexcept {
#ifdef CAROPIG_SLAB_FROM_HEAP
        ::operator delete(room, sizeof(T));
#else
        free_ = new (room) Free{free_};
#endif
    }

private:
    struct Free {
        Free* next;
    };
    union Room {
        Free free;
        alignas(T) std::array<std::byte, sizeof(T)> bytes;
    };
    static constexpr std::size_t kRooms = 64;

    void grow() {
        auto& chunk = *chunks_.emplace_back(std::make_unique<std::array<Room, kRooms>>());
        for (Room& room : chunk) free(&room);
    }

    std::vector<std::unique_ptr<std::array<Room, kRooms>>> chunks_;
    Free* free_ = nullptr;
};

}  // namespace caropig::server

#undef CAROPIG_SLAB_FROM_HEAP
