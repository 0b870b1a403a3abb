#include <caropig/async/executor.h>

#include <utility>

namespace caropig {
namespace {
constinit thread_local Executor* running = nullptr;
}

Executor* Executor::current() noexcept { return running; }

Executor::Running::Running(Executor& executor) noexcept : before_(std::exchange(running, &executor)) {}

Executor::Running::~Running() { running = before_; }

}  // namespace caropig
