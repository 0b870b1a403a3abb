#include <caropig/async/executor.h>

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

std::vector<const ReadyNode*> ran;

struct Node : ReadyNode {
    Node() : ReadyNode([](ReadyNode& self) noexcept { ran.push_back(&self); }) {}
};

TEST(ReadyQueue, ABatchEndsWhenItsTimeIsUpAndTheRestComesFirstInTheNext) {
    ran.clear();
    ReadyQueue queue;
    std::array<Node, 100> nodes;
    for (Node& node : nodes) queue.push(node);
    queue.run_batch([] { return true; }, [](ReadyQueue::Next) {});
    const std::size_t first = ran.size();
    EXPECT_GT(first, 0u);
    EXPECT_LT(first, nodes.size());
    Node late;
    queue.push(late);
    queue.run_batch();
    ASSERT_EQ(ran.size(), nodes.size() + 1);
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(ran[i], &nodes[i]);
    EXPECT_EQ(ran.back(), &late);
    EXPECT_TRUE(queue.empty());
}

TEST(ReadyQueue, ShowsWhatRunsNextAndNothingThatWasAddedMeanwhile) {
    ran.clear();
    ReadyQueue queue;
    std::array<Node, ReadyQueue::kNodesBetweenLooks + 3> nodes;
    for (Node& node : nodes) queue.push(node);
    Node late;
    std::vector<std::vector<const ReadyNode*>> shown;
    std::vector<std::size_t> ran_before;
    queue.run_batch(
        [&] {
            queue.push(late);
            return false;
        },
        [&](ReadyQueue::Next next) {
            shown.emplace_back(next.begin(), next.end());
            ran_before.push_back(ran.size());
        });
    ASSERT_EQ(shown.size(), 2u);
    std::vector<const ReadyNode*> all = shown[0];
    all.insert(all.end(), shown[1].begin(), shown[1].end());
    EXPECT_EQ(all, ran);
    EXPECT_EQ(all.size(), nodes.size());
    EXPECT_EQ(ran_before, (std::vector<std::size_t>{0, ReadyQueue::kNodesBetweenLooks}));
    EXPECT_FALSE(queue.empty());
}

}  // namespace
}  // namespace caropig
