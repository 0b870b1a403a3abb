#include <caropig/net/networks.h>

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

Networks parsed(std::string_view list) {
    auto result = Networks::parse(list);
    EXPECT_TRUE(result.has_value()) << list << ": " << (result ? "" : result.error());
    return result.value_or(Networks());
}

TEST(Networks, ContainWhatTheirPrefixSays) {
    struct Row {
        std::string_view list;
        std::string_view peer;
        bool contained;
    };
    for (const Row& row : std::vector<Row>{{"10.0.0.0/8", "10.255.0.1:80", true},
                                           {"10.0.0.0/8", "11.0.0.1:80", false},
                                           {"10.0.0.0/9", "10.127.255.255:1", true},
                                           {"10.0.0.0/9", "10.128.0.0:1", false},
                                           {"192.0.2.1", "192.0.2.1:80", true},
                                           {"192.0.2.1", "192.0.2.2:80", false},
                                           {"192.0.2.1/32", "192.0.2.1:80", true},
                                           {"192.0.2.4/31", "192.0.2.5:80", true},
                                           {"192.0.2.4/31", "192.0.2.6:80", false},
                                           {"0.0.0.0/0", "203.0.113.9:1", true},
                                           {"0.0.0.0/0", "[2001:db8::1]:1", false},
                                           {"::/0", "[2001:db8::1]:1", true},
                                           {"::/0", "203.0.113.9:1", false},
                                           {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
                                           {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
                                           {"[2001:db8::1]", "[2001:db8::1]:1", true},
                                           {"::ffff:10.0.0.0/104", "10.1.2.3:1", true},
                                           {"10.0.0.0/8", "[::ffff:10.1.2.3]:1", true},
                                           {"192.0.2.1, 2001:db8::1 unix", "[2001:db8::1]:1", true},
                                           {"192.0.2.1,unix", "unix:", true},
                                           {"unix", "unix:/run/a.sock", true},
                                           {"0.0.0.0/0,::/0", "unix:", false},
                                           {"unix", "192.0.2.1:1", false},
                                           {"0.0.0.0/0,::/0,unix", "pipe", false},
                                           {"0.0.0.0/0,::/0,unix", "", false}}) {
        EXPECT_EQ(parsed(row.list).contains_peer(row.peer), row.contained) << row.list << " " << row.peer;
    }
}

TEST(Networks, AnEmptyListContainsNobody) {
    for (std::string_view list : {"", " ", ",", " , "}) {
        EXPECT_TRUE(parsed(list).empty());
        EXPECT_FALSE(parsed(list).contains_peer("127.0.0.1:1"));
    }
    EXPECT_FALSE(parsed("unix").empty());
}

TEST(Networks, ASlipIsAnErrorThatNamesTheEntry) {
    for (std::string_view entry : {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/a", "10.0.0.0/08", "10.0.0.0/-1",
                                   "10.0.0.0/8/8", "10.0.0", "localhost", "2001:db8::/129", "2001:db8::1/64",
                                   "fe80::1%lo", "::ffff:10.0.0.0/8", "Unix", "/8", "[::1"}) {
        auto result = Networks::parse("192.0.2.1, " + std::string(entry));
        ASSERT_FALSE(result.has_value()) << entry;
        EXPECT_TRUE(result.error().starts_with("\"" + std::string(entry) + "\" ")) << result.error();
    }
}

TEST(Networks, TheIpOfAPeer) {
    EXPECT_EQ(ip_of_peer("192.0.2.1:80"), "192.0.2.1");
    EXPECT_EQ(ip_of_peer("[2001:db8::1]:80"), "2001:db8::1");
    EXPECT_EQ(ip_of_peer("unix:/run/a:b"), "unix");
    EXPECT_EQ(ip_of_peer("pipe"), "pipe");
}

}  // namespace
}  // namespace caropig::net
