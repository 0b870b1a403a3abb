// Counts a server's heap allocations from outside: preload it (LD_PRELOAD) with ALLOC_COUNTER_FILE naming a file of at
// least 16 bytes, and the file holds, at any moment, two 64-bit numbers in the machine's byte order: allocations so far
// and the bytes asked for. Every process that inherits the environment adds to the same numbers. operator new calls
// malloc, so C++ needs nothing of its own. Frees are not counted.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

// glibc's own allocator under its second names: no dlsym, which would itself allocate.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct Counters {
    std::atomic<std::uint64_t> allocations;
    std::atomic<std::uint64_t> bytes;
};
static_assert(sizeof(Counters) == 16 && std::atomic<std::uint64_t>::is_always_lock_free);

constinit Counters before_mapping{};
constinit Counters* counters = &before_mapping;

[[gnu::constructor]] void map_counters() {
    const char* path = std::getenv("ALLOC_COUNTER_FILE");
    if (path == nullptr) return;
    const int file = ::open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void* mapped = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (mapped != MAP_FAILED) counters = static_cast<Counters*>(mapped);
}

void count(std::size_t bytes) noexcept {
    counters->allocations.fetch_add(1, std::memory_order_relaxed);
    counters->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) noexcept {
    count(size);
    return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) noexcept {
    count(number * size);
    return __libc_calloc(number, size);
}

void* realloc(void* memory, std::size_t size) noexcept {
    count(size);
    return __libc_realloc(memory, size);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
    count(size);
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }

int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
    if (alignment % sizeof(void*) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    void* const memory = memalign(alignment, size);
    if (memory == nullptr) return ENOMEM;
    *result = memory;
    return 0;
}
}
