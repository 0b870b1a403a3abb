#include "loop/backend.h"
#include "loop/timer_wheel.h"
#include <caropig/testkit/test_loop.h>

#include <cerrno>

namespace caropig::testkit {
namespace {

/// Has no kernel behind it: descriptors are refused, and waiting returns at once.
class NullBackend final : public Backend {
public:
    [[nodiscard]] std::string_view name() const noexcept override { return "test"; }
    bool submit(ReceiveOperation& operation) noexcept override { return refuse(operation); }
    bool submit(SendOperation& operation) noexcept override { return refuse(operation); }
    bool submit(SendFileOperation& operation) noexcept override { return refuse(operation); }
    bool submit(AcceptOperation& operation) noexcept override { return refuse(operation); }
    bool submit(ConnectOperation& operation) noexcept override { return refuse(operation); }
    bool submit(PollOperation& operation) noexcept override { return refuse(operation); }
    bool submit(HangupOperation& operation) noexcept override { return refuse(operation); }
    void cancel(Operation&) noexcept override {}
    void retry(Operation&) noexcept override {}
    int attach(int) noexcept override { return -ENOSYS; }
    void detach(int) noexcept override {}
    void close(int) noexcept override {}
    void wait(std::optional<Duration>) noexcept override {}
    void dispatch() noexcept override {}
    void wake() noexcept override {}

private:
    static bool refuse(Operation& operation) noexcept {
        operation.complete_inline(-ENOSYS);
        return true;
    }
};

std::unique_ptr<Backend> make_null_backend(Executor&) { return std::make_unique<NullBackend>(); }

}  // namespace

std::int64_t ManualClock::unix_seconds() const noexcept {
    // 2026-01-01 00:00:00 UTC, and what has passed on this clock since.
    constexpr std::int64_t kStart = 1767225600;
    return kStart + std::chrono::duration_cast<std::chrono::seconds>(now_.time_since_epoch()).count();
}

TestLoop::TestLoop() : Loop(std::make_unique<ManualClock>(), &make_null_backend), running_(*this) {}

TestLoop::~TestLoop() = default;

void TestLoop::run_ready() {
    do {
        run_round(false);
    } while (!idle() || timers().next().value_or(TimePoint::max()) <= now());
}

void TestLoop::advance(Duration duration) {
    auto& manual = static_cast<ManualClock&>(clock());
    run_ready();
    TimePoint target = manual.now() + duration;
    for (auto next = timers().next(); next && *next <= target; next = timers().next()) {
        manual.move_to(*next);
        run_ready();
    }
    manual.move_to(target);
    run_ready();
}

}  // namespace caropig::testkit
