#include <caropig/async/queue.h>
#include <caropig/testkit/test_loop.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using testkit::TestLoop;

TEST(Queue, GivesItemsInTheOrderInWhichTheyWerePut) {
    TestLoop loop;
    Queue<int> queue;
    auto first = loop.start(queue.get());
    auto second = loop.start(queue.get());
    queue.put_nowait(1);
    queue.put_nowait(2);
    queue.put_nowait(3);
    EXPECT_EQ(queue.qsize(), 1U);
    loop.run_ready();
    EXPECT_EQ(first.result(), 1);
    EXPECT_EQ(second.result(), 2);
    EXPECT_EQ(queue.get_nowait(), 3);
    EXPECT_THROW(queue.get_nowait(), QueueEmpty);
}

TEST(Queue, MakesPutWaitWhereItIsFull) {
    TestLoop loop;
    Queue<int> queue(1);
    auto a = loop.start(queue.put(1));
    EXPECT_TRUE(a.done());
    EXPECT_TRUE(queue.full());
    EXPECT_THROW(queue.put_nowait(9), QueueFull);
    auto b = loop.start(queue.put(2));
    auto c = loop.start(queue.put(3));
    EXPECT_FALSE(b.done());
    EXPECT_EQ(queue.get_nowait(), 1);
    loop.run_ready();
    EXPECT_TRUE(b.done());
    EXPECT_FALSE(c.done());
    EXPECT_EQ(queue.get_nowait(), 2);
    EXPECT_EQ(queue.get_nowait(), 3);
    EXPECT_TRUE(queue.empty());
}

TEST(Queue, ACancelledGetTakesNoItem) {
    TestLoop loop;
    Queue<int> queue;
    auto first = loop.start(queue.get());
    auto second = loop.start(queue.get());
    first.cancel();
    queue.put_nowait(1);
    loop.run_ready();
    EXPECT_THROW(first.result(), Cancelled);
    EXPECT_EQ(second.result(), 1);
}

TEST(Queue, AnItemHandedOverBeforeTheCancellationIsReturned) {
    TestLoop loop;
    Queue<std::unique_ptr<int>> queue;
    auto getting = loop.start(queue.get());
    queue.put_nowait(std::make_unique<int>(7));
    getting.cancel();
    loop.run_ready();
    EXPECT_EQ(*getting.result(), 7);
}

TEST(Queue, ACancelledPutLeavesItsItemOutAndTheOthersInOrder) {
    TestLoop loop;
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto b = loop.start(queue.put(2));
    auto c = loop.start(queue.put(3));
    b.cancel();
    loop.run_ready();
    EXPECT_THROW(b.result(), Cancelled);
    EXPECT_EQ(queue.get_nowait(), 1);
    EXPECT_EQ(queue.get_nowait(), 3);
    loop.run_ready();
    EXPECT_TRUE(c.done());
    queue.task_done();
    queue.task_done();
    EXPECT_THROW(queue.task_done(), std::logic_error) << "the cancelled item was counted";
}

TEST(Queue, JoinWaitsForTheLastTaskDone) {
    TestLoop loop;
    Queue<int> queue;
    EXPECT_TRUE(loop.start(queue.join()).done());
    queue.put_nowait(1);
    queue.put_nowait(2);
    auto joining = loop.start(queue.join());
    (void)queue.get_nowait();
    (void)queue.get_nowait();
    queue.task_done();
    loop.run_ready();
    EXPECT_FALSE(joining.done());
    queue.task_done();
    loop.run_ready();
    EXPECT_TRUE(joining.done());
    EXPECT_THROW(queue.task_done(), std::logic_error);
}

Task<int> sum(Queue<int>& queue) {
    int total = 0;
    while (auto item = co_await queue.next()) total += *item;
    co_return total;
}

TEST(Queue, NextEndsOnceItIsClosedAndEmpty) {
    TestLoop loop;
    Queue<int> queue;
    queue.put_nowait(1);
    auto summing = loop.start(sum(queue));
    queue.put_nowait(2);
    queue.close();
    EXPECT_THROW(queue.put_nowait(3), QueueClosed);
    loop.run_ready();
    EXPECT_EQ(summing.result(), 3);
    EXPECT_THROW(loop.start(queue.get()).result(), QueueClosed);
    EXPECT_THROW(queue.get_nowait(), QueueClosed);
}

TEST(Queue, CloseEndsThePutsThatWait) {
    TestLoop loop;
    Queue<int> queue(1);
    queue.put_nowait(1);
    auto putting = loop.start(queue.put(2));
    queue.close();
    loop.run_ready();
    EXPECT_THROW(putting.result(), QueueClosed);
    EXPECT_EQ(queue.get_nowait(), 1);
    EXPECT_THROW(loop.start(queue.put(4)).result(), QueueClosed);
}

TEST(PriorityQueue, GivesTheLeastFirst) {
    PriorityQueue<std::pair<int, std::string>> queue;
    queue.put_nowait({1, "medium"});
    queue.put_nowait({0, "high"});
    queue.put_nowait({10, "low"});
    EXPECT_EQ(queue.get_nowait().second, "high");
    EXPECT_EQ(queue.get_nowait().second, "medium");
    EXPECT_EQ(queue.get_nowait().second, "low");
    PriorityQueue<int, std::greater<>> reversed;
    for (int i : {1, 3, 2}) reversed.put_nowait(i);
    EXPECT_EQ(reversed.get_nowait(), 3);
}

TEST(PriorityQueue, AWaitingItemMayComeOutFirst) {
    TestLoop loop;
    PriorityQueue<int> queue(1);
    queue.put_nowait(5);
    auto putting = loop.start(queue.put(1));
    EXPECT_EQ(queue.get_nowait(), 1);
    EXPECT_EQ(queue.get_nowait(), 5);
    loop.run_ready();
    EXPECT_TRUE(putting.done());
}

TEST(LifoQueue, GivesTheLastFirst) {
    LifoQueue<int> queue;
    for (int i : {3, 2, 1}) queue.put_nowait(i);
    EXPECT_EQ(queue.get_nowait(), 1);
    EXPECT_EQ(queue.get_nowait(), 2);
    EXPECT_EQ(queue.get_nowait(), 3);
}

Task<long> pass_many(Queue<int>& queue) {
    long total = 0;
    for (int i = 0; i < 500'000; ++i) {
        co_await queue.put(1);
        total += co_await queue.get();
    }
    co_return total;
}

TEST(Queue, AMillionReadyOperationsDoNotUseUpTheStack) {
    TestLoop loop;
    Queue<int> queue(1);
    EXPECT_EQ(loop.start(pass_many(queue)).result(), 500'000);
}

}  // namespace
}  // namespace caropig
