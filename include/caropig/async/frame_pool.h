#pragma once

#include <cstddef>

/// \file
/// Memory for coroutine frames. A request that suspends makes and drops the same few frames each time; taking them
/// from free lists of the thread saves the allocator's work. Under AddressSanitizer every frame is a real allocation.
namespace caropig::detail {

void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace caropig::detail
