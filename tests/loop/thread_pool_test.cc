#include "support/captured_log.h"
#include <caropig/async/when_all.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/thread_pool.h>

#include <atomic>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

ThreadPoolOptions one_thread() { return ThreadPoolOptions().threads(1); }

Task<std::unique_ptr<int>> make_in(ThreadPool& pool, std::thread::id& ran_on) {
    co_return co_await pool.run([&ran_on] {
        ran_on = std::this_thread::get_id();
        return std::make_unique<int>(5);
    });
}

TEST(ThreadPool, BringsAValueBack) {
    Loop loop;
    ThreadPool pool(one_thread().name("test"));
    std::thread::id ran_on;
    EXPECT_EQ(*loop.run_until(make_in(pool, ran_on)), 5);
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(ThreadPool, BringsAnExceptionBack) {
    Loop loop;
    ThreadPool pool(one_thread());
    EXPECT_THROW(loop.run_until(pool.run([] { throw std::invalid_argument("no"); })), std::invalid_argument);
}

TEST(ThreadPool, ManyCallablesOnSeveralThreads) {
    Loop loop;
    ThreadPool pool(ThreadPoolOptions().threads(4));
    std::vector<Task<int>> tasks;
    for (int i = 0; i < 1000; ++i) tasks.push_back(pool.run([i] { return i; }));
    auto values = loop.run_until(when_all(std::move(tasks)));
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(values[static_cast<std::size_t>(i)], i);
}

/// Keeps a pool's only thread busy until it is destroyed.
class Busy {
public:
    explicit Busy(ThreadPool& pool) {
        EXPECT_TRUE(pool.post([this] {
            began_.count_down();
            end_.wait();
            ended_.count_down();
        }));
        began_.wait();
    }
    ~Busy() {
        end_.count_down();
        ended_.wait();
    }

private:
    std::latch began_{1};
    std::latch end_{1};
    std::latch ended_{1};
};

TEST(ThreadPool, RefusesWhatItsQueueCannotHold) {
    Loop loop;
    ThreadPool pool(one_thread().queue_limit(1));
    {
        Busy busy(pool);
        EXPECT_TRUE(pool.post([] {}));
        EXPECT_EQ(pool.queued(), 1U);
        EXPECT_FALSE(pool.post([] {}));
        try {
            loop.run_until(pool.run([] {}));
            FAIL();
        } catch (const ThreadPoolFull& error) {
            EXPECT_STREQ(error.what(), "1 callables wait in the thread pool already");
        }
    }
}

Task<void> request(CancellationSource& source) {
    source.request();
    co_return;
}

Task<void> run_and_cancel(ThreadPool& pool, std::atomic<bool>& ran) {
    auto context = co_await current_context();
    (void)co_await when_all(pool.run([&ran] { ran = true; }), request(*context.cancellation));
}

TEST(ThreadPool, ACancelledCallableThatIsQueuedDoesNotRun) {
    Loop loop;
    ThreadPool pool(one_thread());
    std::atomic<bool> ran = false;
    {
        Busy busy(pool);
        EXPECT_THROW(loop.run_until(run_and_cancel(pool, ran)), Cancelled);
        EXPECT_EQ(pool.queued(), 0U);
    }
    EXPECT_FALSE(ran);
}

Task<void> cancelled_before(ThreadPool& pool, std::atomic<bool>& ran) {
    auto context = co_await current_context();
    context.cancellation->request();
    co_await pool.run([&ran] { ran = true; });
}

TEST(ThreadPool, ACoroutineThatIsCancelledAlreadyRunsNothing) {
    Loop loop;
    std::atomic<bool> ran = false;
    {
        ThreadPool pool(one_thread());
        EXPECT_THROW(loop.run_until(cancelled_before(pool, ran)), Cancelled);
    }
    EXPECT_FALSE(ran);
}

Task<void> cancel_what_runs(ThreadPool& pool, Loop& loop, std::atomic<bool>& ended) {
    auto context = co_await current_context();
    CancellationSource& source = *context.cancellation;
    co_await pool.run([&](std::stop_token stop) {
        loop.post([&source] { source.request(); });  // from here on the callable runs
        std::binary_semaphore stopped(0);
        std::stop_callback on_stop(stop, [&stopped] { stopped.release(); });
        stopped.acquire();
        ended = true;
    });
}

TEST(ThreadPool, ACancelledCallableThatRunsIsAskedToStopAndJoined) {
    Loop loop;
    ThreadPool pool(one_thread());
    std::atomic<bool> ended = false;
    EXPECT_THROW(loop.run_until(cancel_what_runs(pool, loop, ended)), Cancelled);
    EXPECT_TRUE(ended);
}

TEST(ThreadPool, AStoppedPoolRefusesAndDropsWhatIsQueued) {
    Loop loop;
    ThreadPool pool(one_thread());
    std::atomic<bool> ran = false;
    {
        Busy busy(pool);
        loop.post([&pool] { pool.stop(); });
        EXPECT_THROW(loop.run_until(pool.run([&ran] { ran = true; })), ThreadPoolStopped);
    }
    EXPECT_FALSE(pool.post([] {}));
    EXPECT_THROW(loop.run_until(pool.run([&ran] { ran = true; })), ThreadPoolStopped);
    EXPECT_FALSE(ran);
}

Task<void> outlive(std::unique_ptr<ThreadPool>& pool, Loop& loop) {
    auto context = co_await current_context();
    std::latch began(1);
    loop.post([&] {
        began.wait();
        pool.reset();                     // joins what runs
        context.cancellation->request();  // after the end of the pool, before word of the job arrives
    });
    co_await pool->run([&began](std::stop_token stop) {
        began.count_down();
        std::binary_semaphore stopped(0);
        std::stop_callback on_stop(stop, [&stopped] { stopped.release(); });
        stopped.acquire();
    });
}

TEST(ThreadPool, LeavesWhatRunsWhereItIsToldTo) {
    auto begun = std::make_shared<std::latch>(1);
    auto go_on = std::make_shared<std::latch>(1);
    auto ended = std::make_shared<std::latch>(1);
    {
        ThreadPool pool(ThreadPoolOptions().threads(1).leaves_running(true));
        auto work = [begun, go_on, ended] {
            begun->count_down();
            go_on->wait();
            ended->count_down();
        };
        ASSERT_TRUE(pool.post(std::move(work)));
        begun->wait();
    }  // it would wait here for ever
    go_on->count_down();
    ended->wait();
}

TEST(ThreadPool, AWaitMayOutliveThePool) {
    Loop loop;
    auto pool = std::make_unique<ThreadPool>(one_thread());
    EXPECT_THROW(loop.run_until(outlive(pool, loop)), Cancelled);
}

TEST(ThreadPool, LogsWhatAPostedCallableThrows) {
    support::CapturedLog log;
    {
        ThreadPool pool(one_thread());
        pool.post([] { throw std::runtime_error("oops"); });
        Busy after(pool);
    }
    ASSERT_EQ(log.lines().size(), 1U);
    EXPECT_EQ(log.lines()[0], "application: exception in a callable posted to a thread pool: oops");
}

}  // namespace
}  // namespace caropig
