#include <caropig/async/waiter.h>
#include <caropig/loop/thread_pool.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

namespace caropig {
namespace detail {

using PoolJobs = std::list<std::shared_ptr<PoolJob>>;

/// The queue and what its threads do. Shared with the coroutines that wait: they may outlive the pool.
class PoolCore {
public:
    enum class Submitted { kQueued, kFull, kStopped };

    explicit PoolCore(std::size_t limit) : limit_(limit) {}

    Submitted submit(std::shared_ptr<PoolJob> job) {
        std::unique_lock lock(mutex_);
        if (stopped_) return Submitted::kStopped;
        if (queued_.size() >= limit_) return Submitted::kFull;
        PoolJob& added = *job;
        queued_.push_back(std::move(job));
        added.position = std::prev(queued_.end());
        added.queued = true;
        lock.unlock();
        changed_.notify_one();
        return Submitted::kQueued;
    }

    /// Takes a job that has not begun out of the queue; one that has is asked to stop. Whether it was taken out.
    bool withdraw(PoolJob& job) {
        PoolJobs withdrawn;  // destroyed after the lock is released
        {
            std::lock_guard lock(mutex_);
            if (std::exchange(job.queued, false)) withdrawn.splice(withdrawn.begin(), queued_, job.position);
        }
        if (withdrawn.empty()) job.stop.request_stop();
        return !withdrawn.empty();
    }

    void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return stopped_ || !queued_.empty(); });
            if (stopped_) return;
            running_.splice(running_.end(), queued_, queued_.begin());
            auto position = std::prev(running_.end());
            (*position)->queued = false;
            lock.unlock();
            (*position)->run();
            lock.lock();
            std::shared_ptr<PoolJob> job = std::move(*position);
            running_.erase(position);
            lock.unlock();
            PoolJob& ended = *job;
            ended.finish(std::move(job), true);
            lock.lock();
        }
    }

    void stop() noexcept {
        PoolJobs dropped;
        PoolJobs asked;
        {
            std::lock_guard lock(mutex_);
            stopped_ = true;
            dropped.swap(queued_);
            for (auto& job : dropped) job->queued = false;
            asked = running_;
        }
        changed_.notify_all();
        for (auto& job : asked) job->stop.request_stop();
        for (auto& job : dropped) {
            PoolJob& unrun = *job;
            unrun.finish(std::move(job), false);
        }
    }

    std::size_t queued() const {
        std::lock_guard lock(mutex_);
        return queued_.size();
    }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }

private:
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    PoolJobs queued_;
    PoolJobs running_;
    bool stopped_ = false;
};

void AwaitedPoolJob::finish(std::shared_ptr<PoolJob> self, bool did_run) noexcept {
    std::shared_ptr<RemoteExecutor> executor = home;
    executor->post([job = std::static_pointer_cast<AwaitedPoolJob>(std::move(self)), did_run] {
        job->ran = did_run;
        job->waiter->grant();
    });
}

namespace {

/// Waits for a job that the pool has taken. Cancellation withdraws it if it has not begun, else the wait goes on.
class PoolAwaiter : Waiter, CancellationCallback {
public:
    PoolAwaiter(PoolCore& core, AwaitedPoolJob& job) noexcept
        : CancellationCallback([](CancellationCallback& self) noexcept { static_cast<PoolAwaiter&>(self).cancel(); }),
          core_(core),
          job_(job) {}
    ~PoolAwaiter() { CAROPIG_CHECK(!waiting(), "a coroutine was destroyed while a thread pool worked for it"); }

    bool await_ready() const noexcept { return false; }
    template <TaskCoroutine Promise>
    bool await_suspend(std::coroutine_handle<Promise> handle) noexcept {
        const TaskContext& context = handle.promise().context();
        job_.waiter = this;
        register_with(context.cancellation);
        return suspend(handle, {context.executor, nullptr}, nullptr);
    }
    void await_resume() const {
        if (cancelled_) throw Cancelled();
        if (!job_.ran) throw ThreadPoolStopped();
    }

private:
    void cancel() noexcept {
        if (!waiting()) return;  // its result is there already
        cancelled_ = true;
        if (core_.withdraw(job_)) grant();
    }

    PoolCore& core_;
    AwaitedPoolJob& job_;
    bool cancelled_ = false;
};

}  // namespace

Task<void> run_in_pool(std::shared_ptr<PoolCore> core, std::shared_ptr<AwaitedPoolJob> job) {
    TaskContext context = co_await current_context();
    if (CancellationToken(context.cancellation).requested()) throw Cancelled();
    job->home = context.executor->remote();
    switch (core->submit(job)) {
        case PoolCore::Submitted::kFull:
            throw ThreadPoolFull(fmt::format("{} callables wait in the thread pool already", core->limit()));
        case PoolCore::Submitted::kStopped:
            throw ThreadPoolStopped();
        case PoolCore::Submitted::kQueued:
            break;
    }
    // The pool may be done with the job by now, but the word of it arrives in a later round of this loop.
    PoolAwaiter waiting(*core, *job);
    co_await waiting;
}

}  // namespace detail

ThreadPool::ThreadPool(const ThreadPoolOptions& options)
    : core_(std::make_shared<detail::PoolCore>(options.queue_limit())), leaves_running_(options.leaves_running()) {
    std::size_t count = options.threads();
    if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
    threads_.reserve(count);
    std::string name = options.name().substr(0, 15);
    // Signals are for the program's own threads: one that a pool's thread took would miss its SignalWatcher.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    auto restore = [](const sigset_t* mask) { pthread_sigmask(SIG_SETMASK, mask, nullptr); };
    std::unique_ptr<const sigset_t, decltype(restore)> restore_at_end(&before, restore);
    try {
        while (threads_.size() < count) {
            threads_.emplace_back([core = core_] { core->work(); });
            pthread_setname_np(threads_.back().native_handle(), name.c_str());
        }
    } catch (...) {
        core_->stop();
        for (auto& thread : threads_) thread.join();
        throw;
    }
}

ThreadPool::~ThreadPool() {
    core_->stop();
    for (auto& thread : threads_) leaves_running_ ? thread.detach() : thread.join();
}

void ThreadPool::stop() noexcept { core_->stop(); }

std::size_t ThreadPool::queued() const { return core_->queued(); }

bool ThreadPool::submit(std::shared_ptr<detail::PoolJob> job) {
    return core_->submit(std::move(job)) == detail::PoolCore::Submitted::kQueued;
}

}  // namespace caropig
