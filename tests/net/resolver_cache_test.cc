#include "net/resolver_cache.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace caropig::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1h};
const std::vector<Address> kOne{*Address::parse("192.0.2.1", 0)};

TEST(ResolverCache, KeepsForTheTimeItMay) {
    ResolverCache cache(10, 5min, "/nosuch");
    cache.put("brief", kOne, 30s, kNow);
    cache.put("long", kOne, 24h, kNow);
    cache.put("none", kOne, 0s, kNow);
    EXPECT_EQ(cache.find("none", kNow), nullptr);
    ASSERT_NE(cache.find("brief", kNow + 30s - 1ms), nullptr);
    EXPECT_EQ(*cache.find("brief", kNow), kOne);
    EXPECT_EQ(cache.find("brief", kNow + 30s), nullptr);
    EXPECT_NE(cache.find("long", kNow + 5min - 1ms), nullptr);
    EXPECT_EQ(cache.find("long", kNow + 5min), nullptr);
    EXPECT_EQ(cache.find("other", kNow), nullptr);
}

TEST(ResolverCache, HoldsSoManyNames) {
    ResolverCache cache(2, 5min, "/nosuch");
    cache.put("a", kOne, 60s, kNow);
    cache.put("b", kOne, 30s, kNow);
    cache.put("b", kOne, 31s, kNow);
    EXPECT_NE(cache.find("a", kNow), nullptr) << "the same name again takes no place";
    cache.put("c", kOne, 90s, kNow);
    EXPECT_EQ(cache.find("b", kNow), nullptr) << "it would expire first";
    EXPECT_NE(cache.find("a", kNow), nullptr);
    EXPECT_NE(cache.find("c", kNow), nullptr);
    ResolverCache off(0, 5min, "/nosuch");
    off.put("a", kOne, 60s, kNow);
    EXPECT_EQ(off.find("a", kNow), nullptr);
}

TEST(ResolverCache, NewVersionOfTheHostsFileEmptiesIt) {
    const std::string hosts = std::filesystem::temp_directory_path() / ("caropig-hosts-" + std::to_string(::getpid()));
    std::ofstream(hosts) << "192.0.2.1 a\n";
    ResolverCache cache(10, 5min, hosts);
    cache.put("a", kOne, 60s, kNow);
    EXPECT_NE(cache.find("a", kNow), nullptr);
    std::ofstream(hosts, std::ios::app) << "192.0.2.2 b\n";
    EXPECT_EQ(cache.find("a", kNow), nullptr);
    cache.put("a", kOne, 60s, kNow);
    std::filesystem::remove(hosts);
    EXPECT_EQ(cache.find("a", kNow), nullptr);
    cache.put("a", kOne, 60s, kNow);
    EXPECT_NE(cache.find("a", kNow), nullptr);
}

}  // namespace
}  // namespace caropig::net
