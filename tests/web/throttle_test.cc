#include <caropig/web/throttle.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::web {
namespace {

using namespace std::chrono_literals;

constexpr Duration kNone = Duration::zero();
const TimePoint kStart{std::chrono::hours(1)};

TEST(Throttle, AllowsSoManyAndThenOneAfterTheOther) {
    Throttle throttle(ThrottleOptions(5, 1min));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(throttle.take("alice", kStart), kNone) << i;
    EXPECT_EQ(throttle.take("alice", kStart), 12s);
    EXPECT_EQ(throttle.take("alice", kStart), 12s) << "what was refused does not count";
    EXPECT_EQ(throttle.take("alice", kStart + 12s - 1ns), 1ns);
    EXPECT_EQ(throttle.take("alice", kStart + 12s), kNone);
    EXPECT_EQ(throttle.take("alice", kStart + 12s), 12s);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(throttle.take("alice", kStart + 2min), kNone) << "all is gained again";
    EXPECT_EQ(throttle.take("alice", kStart + 2min), 12s) << "and no more than that";
}

TEST(Throttle, CountsEachKeyForItself) {
    Throttle throttle(ThrottleOptions(1, 1min));
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    EXPECT_EQ(throttle.take("bob", kStart), kNone);
    EXPECT_EQ(throttle.take("alice", kStart), 1min);
    EXPECT_EQ(throttle.size(), 2u);
}

TEST(Throttle, SuccessIsGivenBack) {
    Throttle throttle(ThrottleOptions(2, 1min));
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(throttle.take("alice", kStart), kNone);
        throttle.give_back("alice");
    }
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    EXPECT_EQ(throttle.take("alice", kStart), 30s);
    throttle.forget("alice");
    EXPECT_EQ(throttle.size(), 0u);
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    throttle.give_back("nobody");
    throttle.forget("nobody");
    EXPECT_EQ(throttle.size(), 1u);
}

TEST(Throttle, GivingBackTooMuchGainsNothing) {
    Throttle throttle(ThrottleOptions(1, 1min));
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    for (int i = 0; i < 5; ++i) throttle.give_back("alice");
    EXPECT_EQ(throttle.take("alice", kStart), kNone);
    EXPECT_EQ(throttle.take("alice", kStart), 1min);
}

TEST(Throttle, ForgetsTheKeyThatWasNotUsedForLongest) {
    Throttle throttle(ThrottleOptions(1, 1min).max_keys(3));
    for (const char* key : {"a", "b", "c"}) EXPECT_EQ(throttle.take(key, kStart), kNone);
    EXPECT_EQ(throttle.take("a", kStart), 1min) << "three are remembered, and a is the last used now";
    EXPECT_EQ(throttle.take("d", kStart), kNone);
    EXPECT_EQ(throttle.size(), 3u);
    EXPECT_EQ(throttle.take("a", kStart), 1min);
    EXPECT_EQ(throttle.take("c", kStart), 1min);
    EXPECT_EQ(throttle.take("b", kStart), kNone) << "b was forgotten";
}

TEST(Throttle, LongKeysAreToldApart) {
    Throttle throttle(ThrottleOptions(1, 1min));
    std::string key(100'000, 'a');
    EXPECT_EQ(throttle.take(key + "1", kStart), kNone);
    EXPECT_EQ(throttle.take(key + "2", kStart), kNone);
    EXPECT_EQ(throttle.take(key + "1", kStart), 1min);
    throttle.give_back(key + "1");
    EXPECT_EQ(throttle.take(key + "1", kStart), kNone);
    throttle.forget(key + "1");
    EXPECT_EQ(throttle.size(), 1u);
}

TEST(Throttle, IsSharedByThreads) {
    Throttle throttle(ThrottleOptions(1000, 1h));
    std::atomic<int> allowed = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int attempt = 0; attempt < 500; ++attempt) {
                if (throttle.take("alice", kStart) == kNone) ++allowed;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(allowed, 1000);
}

TEST(Throttle, NeedsAnAttemptAndAPeriod) {
    EXPECT_THROW(ThrottleOptions(0, 1min), std::invalid_argument);
    EXPECT_THROW(ThrottleOptions(1, 0s), std::invalid_argument);
    EXPECT_THROW(ThrottleOptions(1, -1s), std::invalid_argument);
    EXPECT_THROW(ThrottleOptions(11, 10ns), std::invalid_argument);
    EXPECT_NO_THROW(ThrottleOptions(10, 10ns));
}

TEST(Throttle, RetryAfterIsRoundedUp) {
    EXPECT_EQ(retry_after_seconds(kNone), 0);
    EXPECT_EQ(retry_after_seconds(1ns), 1);
    EXPECT_EQ(retry_after_seconds(12s), 12);
    EXPECT_EQ(retry_after_seconds(12s + 1ns), 13);
}

TEST(Throttle, ClientsAreToldApartByTheirNetwork) {
    EXPECT_EQ(client_network("192.0.2.1"), "192.0.2.1");
    EXPECT_EQ(client_network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
    EXPECT_EQ(client_network("2001:db8:1:2::9"), "2001:db8:1:2::/64");
    EXPECT_EQ(client_network("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
    EXPECT_EQ(client_network("unix"), "unix");
}

}  // namespace
}  // namespace caropig::web
