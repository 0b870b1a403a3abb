#include <caropig/async/event.h>
#include <caropig/async/task.h>
#include <caropig/testkit/test_loop.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig {
namespace {

using testkit::TestLoop;

Task<void> nested(Event& event, int depth) {
    if (depth == 0) {
        co_await event.wait();
    } else {
        co_await nested(event, depth - 1);
    }
}

/// What a task belongs to, as the server's ActiveRequest: notes what it is asked for.
struct Owner : detail::TaskCompletion {
    Owner(std::string name_, std::vector<std::string>& notes_)
        : TaskCompletion(
              [](TaskCompletion& self) noexcept {
                  auto& owner = static_cast<Owner&>(self);
                  owner.notes.push_back(owner.name + " done");
              },
              [](const TaskCompletion& self, int step) noexcept {
                  const auto& owner = static_cast<const Owner&>(self);
                  owner.notes.push_back(owner.name + " step " + std::to_string(step));
              }),
          name(std::move(name_)),
          notes(notes_) {}

    std::string name;
    std::vector<std::string>& notes;
    std::optional<Task<void>> task;
};

using Notes = std::vector<std::string>;

struct LookAhead : testing::Test {
    /// Tasks of so many frames that wait for `event`.
    void start(int count, int depth) {
        for (int i = 0; i < count; ++i) {
            Owner& owner = *owners.emplace_back(std::make_unique<Owner>(std::to_string(i), notes));
            owner.task.emplace(nested(event, depth));
            EXPECT_FALSE(owner.task->start({&loop, nullptr}, owner));
        }
    }
    void wake_all() {
        event.set();
        loop.run_ready();
    }

    TestLoop loop;
    Event event;
    Notes notes;
    std::vector<std::unique_ptr<Owner>> owners;
};
using LookAheadTest = LookAhead;

TEST_F(LookAheadTest, AsksThroughAllFramesInStepsThatTheRequestsTakeSideBySide) {
    start(3, 3);
    wake_all();
    EXPECT_EQ(notes, (Notes{"0 step 0", "1 step 0", "2 step 0", "0 step 1", "1 step 1", "2 step 1", "0 done", "1 done",
                            "2 done"}));
}

TEST_F(LookAheadTest, SparesItselfTheTroubleForFew) {
    start(2, 1);
    wake_all();
    EXPECT_EQ(notes, (Notes{"0 done", "1 done"}));
}

TEST_F(LookAheadTest, AsksForSomeAtATimeSoThatTheCacheHoldsThemUntilTheyRun) {
    start(20, 1);
    wake_all();
    std::size_t ahead = 0;
    std::size_t most = 0;
    for (const std::string& note : notes) {
        if (note.ends_with("step 0")) most = std::max(most, ++ahead);
        if (note.ends_with("done")) --ahead;
    }
    EXPECT_EQ(ahead, 0u);
    EXPECT_EQ(most, ReadyQueue::kNodesBetweenLooks);
}

TEST_F(LookAheadTest, EndsWhereAChainIsTooLong) {
    start(3, 50);
    wake_all();
    EXPECT_EQ(notes, (Notes{"0 done", "1 done", "2 done"}));
}

TEST_F(LookAheadTest, TakesWhatIsNoCoroutineAndTasksOfDifferentDepths) {
    struct Node : ReadyNode {
        explicit Node(Notes& notes_)
            : ReadyNode([](ReadyNode& self) noexcept { static_cast<Node&>(self).notes.push_back("node"); }),
              notes(notes_) {}
        Notes& notes;
    };
    Node node(notes);
    start(1, 0);
    start(1, 4);
    loop.schedule(node);
    wake_all();
    EXPECT_EQ(notes, (Notes{"0 step 0", "0 step 0", "0 step 1", "0 step 1", "node", "0 done", "0 done"}));
}

}  // namespace
}  // namespace caropig
