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
    queue.run_batch([] { return true; });
    const std::size_t first = ran.size();
    EXPECT_GT(first, 0u);
    EXPECT_LT(first, nodes.size());
    Node late;
    queue.push(late);
    queue.run_batch([] { return false; });
    ASSERT_EQ(ran.size(), nodes.size() + 1);
    for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(ran[i], &nodes[i]);
    EXPECT_EQ(ran.back(), &late);
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace caropig
