#pragma once

#include <caropig/base/check.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

/// \file
/// What runs coroutines: the part of a Loop that tasks, futures and locks need to know. One executor is one thread.
namespace caropig {

/// Work that is ready to run, linked into its executor's queue without an allocation. Derive from it, or hold one in
/// a coroutine's frame. Destroying a scheduled node takes it out of the queue. Used only on the executor's thread.
class ReadyNode {
public:
    using Run = void (*)(ReadyNode& node) noexcept;

    explicit ReadyNode(Run run) noexcept : run_(run) {}
    ReadyNode(const ReadyNode&) = delete;
    ReadyNode& operator=(const ReadyNode&) = delete;
    ~ReadyNode() { unlink(); }

    [[nodiscard]] bool scheduled() const noexcept { return next_ != nullptr; }
    [[nodiscard]] bool runs(Run run) const noexcept { return run_ == run; }
    void unlink() noexcept {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
    }

private:
    friend class ReadyQueue;
    Run run_;
    ReadyNode* next_ = nullptr;
    ReadyNode* previous_ = nullptr;
};

/// First in, first out, of ready nodes; an executor holds one.
class ReadyQueue {
public:
    ReadyQueue() noexcept : end_(nullptr) { end_.next_ = end_.previous_ = &end_; }
    ReadyQueue(const ReadyQueue&) = delete;
    ReadyQueue& operator=(const ReadyQueue&) = delete;
    ~ReadyQueue() {
        while (!empty()) end_.next_->unlink();
        end_.next_ = end_.previous_ = nullptr;
    }

    [[nodiscard]] bool empty() const noexcept { return end_.next_ == &end_; }

    /// Adds `node` at the end; a node that is scheduled already keeps its place.
    void push(ReadyNode& node) noexcept {
        if (node.scheduled()) return;
        node.previous_ = end_.previous_;
        node.next_ = &end_;
        end_.previous_->next_ = &node;
        end_.previous_ = &node;
    }

    /// Runs what is queued now; what is added meanwhile waits for the next call, so that I/O gets its turn. So does the
    /// rest once `over`, which is asked now and then, says that the turn has lasted long enough. Before some of them
    /// run, `ahead` is shown these, a span, so that the cache can fetch what they are going to touch; it leaves the
    /// queue alone.
    template <class Over, class Ahead>
    void run_batch(Over&& over, Ahead&& ahead) {
        if (empty()) return;
        ReadyNode mark(nullptr);
        push(mark);
        show_next(mark, ahead);
        for (std::size_t left = kNodesBetweenLooks; end_.next_ != &mark; --left) {
            if (left == 0) {
                if (over()) return;
                show_next(mark, ahead);
                left = kNodesBetweenLooks;
            }
            ReadyNode& node = *end_.next_;
            node.unlink();
            node.run_(node);
        }
    }
    void run_batch() noexcept {
        run_batch([] { return false; }, [](Next) {});
    }

    /// What is shown to `ahead`.
    using Next = std::span<const ReadyNode* const>;
    /// How many it is shown at most.
    static constexpr std::size_t kNodesBetweenLooks = 8;  // looking at a clock costs as much as a short node

private:
    static constexpr std::size_t kFewestShown = 3;  // what few will touch may still be in the cache

    template <class Ahead>
    void show_next(const ReadyNode& mark, Ahead&& ahead) {
        std::array<const ReadyNode*, kNodesBetweenLooks> next;
        std::size_t count = 0;
        for (const ReadyNode* node = end_.next_; node != &mark && count < next.size(); node = node->next_) {
            next[count++] = node;
        }
        if (count >= kFewestShown) ahead(Next(next).first(count));
    }

    ReadyNode end_;
};

/// The way into an executor for other threads. It outlives the executor: what arrives too late is refused.
class RemoteExecutor {
public:
    using Work = std::move_only_function<void()>;

    virtual ~RemoteExecutor() = default;

    /// Runs `work` on the executor's thread and wakes it up. Any thread. False, and `work` is destroyed unrun, once
    /// the executor is gone.
    virtual bool post(Work work) = 0;
};

/// One thread's queue of ready work.
class Executor {
public:
    Executor() = default;
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    virtual ~Executor() = default;

    /// Runs `node` in the executor's next round. Only on the executor's own thread.
    void schedule(ReadyNode& node) noexcept { ready_.push(node); }

    /// The way in for other threads; keep the pointer as long as work may arrive.
    [[nodiscard]] virtual const std::shared_ptr<RemoteExecutor>& remote() const noexcept = 0;

    /// The executor that runs on this thread now, or null.
    [[nodiscard]] static Executor* current() noexcept;

protected:
    /// Marks this thread as running `executor` for the lifetime of the guard.
    class Running {
    public:
        explicit Running(Executor& executor) noexcept;
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running();

    private:
        Executor* before_;
    };

    ReadyQueue ready_;
};

}  // namespace caropig
