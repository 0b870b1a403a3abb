#include <caropig/base/error.h>
#include <caropig/loop/with_timeout.h>

#include <chrono>

#include <fmt/format.h>

namespace caropig::detail {
namespace {

/// "5 s", "250 ms", "1.5 s".
std::string describe(Duration length) {
    using std::chrono::milliseconds;
    auto count = std::chrono::duration_cast<milliseconds>(length).count();
    if (count < 1000) return fmt::format("{} ms", count);
    return fmt::format("{} s", static_cast<double>(count) / 1000);
}

}  // namespace

GroupDeadline::GroupDeadline(TaskGroup& group) noexcept
    : Timer([](Timer& self) noexcept {
          auto& deadline = static_cast<GroupDeadline&>(self);
          deadline.passed_ = true;
          deadline.group_.cancel();
      }),
      group_(group) {}

void GroupDeadline::start(Loop& loop, TimePoint deadline) noexcept {
    length_ = deadline - loop.now();
    arm(loop, deadline);
}

void GroupDeadline::throw_reason(const CancellationSource* outer) const {
    if (!passed_ || (outer != nullptr && outer->requested())) throw Cancelled();
    throw TimeoutError("a wait of at most " + describe(length_));
}

}  // namespace caropig::detail
