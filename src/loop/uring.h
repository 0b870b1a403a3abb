#pragma once

#include "loop/backend.h"
#include "loop/uring_ring.h"

#include <memory>
#include <string>

namespace caropig {

/// io_uring. Nothing where the kernel does not let us have it; `why` says so then. Throws IoError when the kernel has
/// no descriptor left.
std::unique_ptr<Backend> make_uring_backend(Executor& executor, std::string& why, const UringSizes& sizes = {});

}  // namespace caropig
