#include "async/look_ahead.h"
#include "loop/backend.h"
#include "loop/timer_wheel.h"
#include "loop/uring.h"
#include <caropig/async/task_group.h>
#include <caropig/base/check.h>
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/timer.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace caropig {
namespace {

/// A callback has nobody who could catch: what it throws is logged, and the loop goes on.
template <class Work>
void run_logged(Work& work) noexcept {
    try {
        work();
    } catch (...) {
        detail::log_exception("a callback", std::current_exception());
    }
}

/// For so long timers fire, and then what is ready runs, before I/O gets its turn: hundreds of handlers that each write
/// a large piece, or a thousand deadlines that pass together, would otherwise keep a request that has just come waiting
/// for all of them.
constexpr Duration kTurn = std::chrono::milliseconds(1);

/// What kAuto stands for: docs/decisions/0006.
BackendKind choose(BackendKind kind) {
    if (kind != BackendKind::kAuto) return kind;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here writes it
    const char* wish = std::getenv("CAROPIG_BACKEND");
    if (wish != nullptr) {
        if (auto parsed = parse_backend(wish); parsed && *parsed != BackendKind::kAuto) return *parsed;
    }
    return BackendKind::kEpoll;
}

std::unique_ptr<Backend> make_backend(BackendKind kind, Executor& executor) {
    if (choose(kind) == BackendKind::kUring) {
        std::string why;
        if (auto backend = make_uring_backend(executor, why)) return backend;
        log::warning(why + "; serving with epoll");
    }
    return make_epoll_backend(executor);
}

}  // namespace

std::optional<BackendKind> parse_backend(std::string_view name) noexcept {
    if (name == "auto") return BackendKind::kAuto;
    if (name == "epoll") return BackendKind::kEpoll;
    if (name == "uring") return BackendKind::kUring;
    return std::nullopt;
}

/// Where other threads put work for a loop.
class Loop::Mailbox final : public RemoteExecutor {
public:
    explicit Mailbox(Backend& backend) : backend_(&backend) {}

    bool post(Work work) override {
        std::lock_guard lock(mutex_);
        if (backend_ == nullptr) return false;
        work_.push_back(std::move(work));
        // One wake-up is enough until the loop has looked.
        if (!filled_.exchange(true, std::memory_order_acq_rel)) backend_->wake();
        return true;
    }

    void run_all() noexcept {
        if (!filled_.load(std::memory_order_acquire)) return;
        {
            std::lock_guard lock(mutex_);
            filled_.store(false, std::memory_order_release);
            running_.swap(work_);
        }
        for (Work& work : running_) {
            run_logged(work);
            work = nullptr;
        }
        running_.clear();
    }

    [[nodiscard]] bool filled() const noexcept { return filled_.load(std::memory_order_acquire); }

    void close() noexcept {
        std::vector<Work> dropped;
        std::lock_guard lock(mutex_);
        backend_ = nullptr;
        dropped.swap(work_);
    }

private:
    std::mutex mutex_;
    Backend* backend_;
    std::vector<Work> work_;
    std::vector<Work> running_;
    std::atomic<bool> filled_{false};
};

struct Loop::CallbackTable {
    struct Entry : Timer {
        Entry(CallbackTable& owner, std::uint64_t key, std::move_only_function<void()> work)
            : Timer(&Entry::fire), table(owner), id(key), callback(std::move(work)) {}

        static void fire(Timer& self) noexcept {
            auto& entry = static_cast<Entry&>(self);
            auto node = entry.table.entries.extract(entry.id);  // keeps the entry until its callback has run
            run_logged(node.mapped()->callback);
        }

        CallbackTable& table;
        std::uint64_t id;
        std::move_only_function<void()> callback;
    };

    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries;
    std::uint64_t last_id = 0;
};

Loop::Loop(BackendKind backend) : clock_(std::make_unique<SystemClock>()), now_(clock_->now()) {
    backend_ = make_backend(backend, *this);
    timers_ = std::make_unique<TimerWheel>(now_);
    callbacks_ = std::make_unique<CallbackTable>();
    mailbox_ = std::make_shared<Mailbox>(*backend_);
    remote_ = mailbox_;
}

Loop::Loop(std::unique_ptr<Clock> clock, std::unique_ptr<Backend> (*make)(Executor&))
    : clock_(std::move(clock)), now_(clock_->now()) {
    backend_ = make(*this);
    timers_ = std::make_unique<TimerWheel>(now_);
    callbacks_ = std::make_unique<CallbackTable>();
    mailbox_ = std::make_shared<Mailbox>(*backend_);
    remote_ = mailbox_;
}

Loop::~Loop() {
    Running running(*this);  // what ends here may still look for its loop
    while (!locals_.empty()) locals_.pop_back();
    mailbox_->close();
    // Whatever used the loop is gone; an operation that was cancelled last still has to complete, so that what owns
    // itself until then (a closed listener's accept) is freed.
    constexpr int kMostRounds = 100;
    backend_->settle();
    for (int i = 0; i < kMostRounds && !ready_.empty(); ++i) ready_.run_batch();
}

void Loop::run() {
    Running running(*this);
    do {
        run_round(true);
    } while (!stopping_);
    stopping_ = false;
}

void Loop::run_until_done(const bool& done, CancellationSource& cancellation) {
    while (!done) {
        if (std::exchange(stopping_, false)) cancellation.request();  // and sleep while the task takes its time to end
        run_what_is_ready();
        if (!done) wait(true);
    }
    stopping_ = false;
}

void Loop::stop() {
    remote_->post([this] { stopping_ = true; });
}

void* Loop::find_local(const void* key) const noexcept {
    for (const auto& [known, object] : locals_) {
        if (known == key) return object.get();
    }
    return nullptr;
}

void Loop::add_local(const void* key, std::shared_ptr<void> object) { locals_.emplace_back(key, std::move(object)); }

bool Loop::idle() const noexcept { return ready_.empty() && !mailbox_->filled(); }

bool Loop::turn_is_over() const noexcept { return clock_->now() - now_ >= kTurn; }

void Loop::run_round(bool may_wait) {
    run_what_is_ready();
    wait(may_wait);
}

void Loop::run_what_is_ready() {
    now_ = clock_->now();
    mailbox_->run_all();
    const auto over = [this] { return turn_is_over(); };
    if (!timers_->advance(now_, over)) now_ = clock_->now();
    ready_.run_batch(over, detail::look_ahead);
}

void Loop::wait(bool may_wait) {
    std::optional<Duration> timeout = Duration::zero();
    if (may_wait && idle() && !stopping_) {
        timeout.reset();
        if (auto next = timers_->next()) timeout = *next - clock_->now();
    }
    backend_->wait(timeout);
    now_ = clock_->now();  // time has passed: what completes now must not count from before
    backend_->dispatch();
}

TimerId Loop::add_callback_at(TimePoint moment, std::move_only_function<void()> callback) {
    std::uint64_t id = ++callbacks_->last_id;
    auto entry = std::make_unique<CallbackTable::Entry>(*callbacks_, id, std::move(callback));
    timers_->arm(*entry, moment);
    callbacks_->entries.emplace(id, std::move(entry));
    return TimerId{id};
}

bool Loop::cancel(TimerId id) noexcept { return callbacks_->entries.erase(static_cast<std::uint64_t>(id)) != 0; }

std::string_view Loop::backend_name() const noexcept { return backend_->name(); }

Loop& Loop::current() noexcept {
    Executor* executor = Executor::current();
    CAROPIG_CHECK(executor != nullptr, "no loop runs on this thread");
    return static_cast<Loop&>(*executor);
}

}  // namespace caropig
