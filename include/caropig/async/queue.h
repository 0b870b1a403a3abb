#pragma once

#include <caropig/async/event.h>
#include <caropig/async/task.h>
#include <caropig/async/waiter.h>
#include <caropig/base/error.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

/// \file
/// Handing items from coroutines that produce them to coroutines that consume them, with a bound that makes producers
/// wait. Queue is first in, first out; PriorityQueue and LifoQueue differ in what comes out next. As tornado.queues.
///
/// All are used on one executor's thread, and must outlive every task and waiter on them.
namespace caropig {

/// put_nowait() found no room.
class QueueFull : public LimitError {
public:
    QueueFull() : LimitError("the queue is full") {}
};

/// get_nowait() found no item.
class QueueEmpty : public std::runtime_error {
public:
    QueueEmpty() : runtime_error("the queue is empty") {}
};

/// The queue was closed: nothing can be put, and get() has nothing left to wait for.
class QueueClosed : public std::runtime_error {
public:
    QueueClosed() : runtime_error("the queue is closed") {}
};

namespace detail {

/// What does not depend on the items: the account of those not yet done.
class QueueBase {
public:
    /// Says that an item that was got has been dealt with. Throws std::logic_error when called more often than items
    /// were put.
    void task_done();

    /// Waits until every item that was put has been got and task_done() called for it. Throws Cancelled.
    Task<void> join();

protected:
    QueueBase() noexcept { finished_.set(); }
    void item_put() noexcept;

private:
    Event finished_;
    std::size_t unfinished_ = 0;
};

/// `Items` holds what is queued: push(T), T pop(), size().
template <class T, class Items>
class BasicQueue : public QueueBase {
public:
    /// Puts an item; waits for room where the queue is full, first come, first served. Throws QueueClosed, and
    /// Cancelled: then the item was not put. With a limit: `co_await with_timeout(5s, queue.put(item))`.
    Task<void> put(T item) {
        PutAwaiter waiting(*this, item);
        co_await waiting;
    }

    /// Takes an item; waits for one where there is none, first come, first served. Throws QueueClosed once the queue is
    /// closed and empty, and Cancelled: then no item was taken. An item that was handed over before the cancellation is
    /// returned all the same.
    Task<T> get() {
        GetAwaiter waiting(*this);
        std::optional<T> item = co_await waiting;
        if (!item) throw QueueClosed();
        co_return *std::move(item);
    }

    /// As get(), but nothing once the queue is closed and empty: `while (auto item = co_await queue.next())`.
    /// What Tornado has `async for item in queue` for; Tornado's queues can't be closed.
    Task<std::optional<T>> next() {
        GetAwaiter waiting(*this);
        co_return co_await waiting;
    }

    /// Puts an item without waiting. Throws QueueFull, QueueClosed.
    void put_nowait(T item) {
        if (closed_) throw QueueClosed();
        if (!try_put(item)) throw QueueFull();
    }

    /// Takes an item without waiting. Throws QueueEmpty, or QueueClosed when it is closed besides.
    T get_nowait() {
        std::optional<T> item = try_get();
        if (item) return *std::move(item);
        if (closed_) throw QueueClosed();
        throw QueueEmpty();
    }

    /// Ends it: from now on put() throws QueueClosed, also where it waits already; items that are queued can still be
    /// got. Idempotent. As asyncio's Queue.shutdown().
    void close() noexcept {
        closed_ = true;
        putters_.grant_all();
        getters_.grant_all();
    }

    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] std::size_t qsize() const noexcept { return items_.size(); }
    [[nodiscard]] bool empty() const noexcept { return items_.size() == 0; }
    /// Whether put() would wait; never for an unbounded queue.
    [[nodiscard]] bool full() const noexcept { return maxsize_ != 0 && items_.size() >= maxsize_; }
    [[nodiscard]] std::size_t maxsize() const noexcept { return maxsize_; }

protected:
    BasicQueue(std::size_t maxsize, Items items) : items_(std::move(items)), maxsize_(maxsize) {}

private:
    // Getters wait only while there is no item, and putters only while there is no room.
    class GetAwaiter : public Waiter {
    public:
        explicit GetAwaiter(BasicQueue& queue) noexcept : queue_(queue) {}
        bool await_ready() const noexcept { return false; }
        template <TaskCoroutine Promise>
        bool await_suspend(std::coroutine_handle<Promise> handle) {
            CancellationToken token(handle.promise().context().cancellation);
            if (!token.requested()) {
                item = queue_.try_get();
                if (item || queue_.closed_) return false;
            }
            return suspend(handle, &queue_.getters_);
        }
        std::optional<T> await_resume() {
            throw_if_cancelled();
            return std::move(item);
        }

        std::optional<T> item;  // what a putter handed over; none after a grant means that the queue was closed

    private:
        BasicQueue& queue_;
    };

    class PutAwaiter : public Waiter {
    public:
        PutAwaiter(BasicQueue& queue, T& to_put) noexcept : item(to_put), queue_(queue) {}
        bool await_ready() const noexcept { return false; }
        template <TaskCoroutine Promise>
        bool await_suspend(std::coroutine_handle<Promise> handle) {
            CancellationToken token(handle.promise().context().cancellation);
            if (!token.requested()) {
                taken = !queue_.closed_ && queue_.try_put(item);
                if (taken || queue_.closed_) return false;
            }
            return suspend(handle, &queue_.putters_);
        }
        void await_resume() const {
            throw_if_cancelled();
            if (!taken) throw QueueClosed();
        }

        T& item;
        bool taken = false;  // not after a grant: the queue was closed

    private:
        BasicQueue& queue_;
    };

    bool try_put(T& item) {
        if (full()) return false;
        push(item);
        if (!getters_.empty()) {
            auto& getter = static_cast<GetAwaiter&>(*getters_.first());
            getter.item.emplace(items_.pop());
            getter.grant();
        }
        return true;
    }

    std::optional<T> try_get() {
        if (!putters_.empty()) {
            // As in Tornado: the waiting item comes in first, so the best of a priority queue may be that one.
            auto& putter = static_cast<PutAwaiter&>(*putters_.first());
            push(putter.item);
            putter.taken = true;
            putter.grant();
        }
        if (empty()) return std::nullopt;
        return items_.pop();
    }

    void push(T& item) {
        items_.push(std::move(item));
        item_put();
    }

    Items items_;
    std::size_t maxsize_;
    WaiterList getters_;
    WaiterList putters_;
    bool closed_ = false;
};

template <class T>
class FifoItems {
public:
    void push(T item) { items_.push_back(std::move(item)); }
    T pop() {
        T item = std::move(items_.front());
        items_.pop_front();
        return item;
    }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

private:
    std::deque<T> items_;
};

template <class T>
class LifoItems {
public:
    void push(T item) { items_.push_back(std::move(item)); }
    T pop() {
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

private:
    std::vector<T> items_;
};

template <class T, class Compare>
class HeapItems {
public:
    explicit HeapItems(Compare compare) : compare_(std::move(compare)) {}
    void push(T item) {
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), after());
    }
    T pop() {
        std::pop_heap(items_.begin(), items_.end(), after());
        T item = std::move(items_.back());
        items_.pop_back();
        return item;
    }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

private:
    auto after() {
        return [this](const T& left, const T& right) { return compare_(right, left); };
    }
    std::vector<T> items_;
    Compare compare_;
};

}  // namespace detail

/// First in, first out. T may be move-only.
template <class T>
class Queue : public detail::BasicQueue<T, detail::FifoItems<T>> {
public:
    /// Holds up to `maxsize` items; 0 means any number.
    explicit Queue(std::size_t maxsize = 0) : detail::BasicQueue<T, detail::FifoItems<T>>(maxsize, {}) {}
};

/// The least item by `Compare` comes out first; among equal ones the order is not defined.
template <class T, class Compare = std::less<T>>
class PriorityQueue : public detail::BasicQueue<T, detail::HeapItems<T, Compare>> {
public:
    /// Holds up to `maxsize` items; 0 means any number.
    explicit PriorityQueue(std::size_t maxsize = 0, Compare compare = Compare())
        : detail::BasicQueue<T, detail::HeapItems<T, Compare>>(maxsize,
                                                               detail::HeapItems<T, Compare>(std::move(compare))) {}
};

/// The item that was put last comes out first.
template <class T>
class LifoQueue : public detail::BasicQueue<T, detail::LifoItems<T>> {
public:
    /// Holds up to `maxsize` items; 0 means any number.
    explicit LifoQueue(std::size_t maxsize = 0) : detail::BasicQueue<T, detail::LifoItems<T>>(maxsize, {}) {}
};

}  // namespace caropig
