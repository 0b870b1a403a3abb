#include "net/dns_server.h"
#include "support/loop_until.h"
#include <caropig/async/when_all.h>
#include <caropig/base/error.h>
#include <caropig/loop/loop.h>
#include <caropig/net/resolver.h>

#include <algorithm>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using namespace std::chrono_literals;
using testing::UnorderedElementsAre;

std::vector<std::string> texts(const std::vector<Address>& addresses) {
    std::vector<std::string> result;
    for (const Address& address : addresses) result.push_back(address.to_string());
    return result;
}

TEST(Resolver, FindsBothFamilies) {
    DnsServer dns({{"both.test", {"192.0.2.7", "2001:db8::7", "192.0.2.8"}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("both.test", 80))),
                UnorderedElementsAre("192.0.2.7:80", "[2001:db8::7]:80", "192.0.2.8:80"));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("both.test", 81))), testing::SizeIs(3)) << "a second time";
}

TEST(Resolver, OneFamilyIsEnough) {
    DnsServer dns({{"four.test", {"192.0.2.7"}}, {"six.test", {"2001:db8::7"}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("four.test", 1))), UnorderedElementsAre("192.0.2.7:1"));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("six.test", 2))), UnorderedElementsAre("[2001:db8::7]:2"));
}

TEST(Resolver, UnknownNameIsAnErrorThatNamesIt) {
    DnsServer dns({});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    try {
        loop.run_until(resolver.resolve("nosuch.invalid", 80));
        FAIL() << "no error";
    } catch (const TimeoutError&) {
        FAIL() << "no time-out was expected";
    } catch (const IoError& error) {
        EXPECT_STREQ(error.what(), "resolve nosuch.invalid: Domain name not found");
    }
}

TEST(Resolver, SilentServerIsATimeout) {
    DnsServer dns({});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()).timeout(20ms).tries(2));
    EXPECT_THROW(loop.run_until(resolver.resolve("silent.test", 80)), TimeoutError);
    EXPECT_GE(dns.questions(), 2);
}

TEST(Resolver, LiteralsAndLocalhostNeedNoServer) {
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers("this is no server"));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("192.0.2.1", 80))), UnorderedElementsAre("192.0.2.1:80"));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("[2001:db8::1]", 80))), UnorderedElementsAre("[2001:db8::1]:80"));
    for (const char* name : {"localhost", "LocalHost.", "app.localhost"}) {
        EXPECT_THAT(texts(loop.run_until(resolver.resolve(name, 80))),
                    UnorderedElementsAre("[::1]:80", "127.0.0.1:80"));
    }
}

TEST(Resolver, NamesThatAreNoneAreRefused) {
    DnsServer dns({});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    EXPECT_THROW(loop.run_until(resolver.resolve("", 80)), IoError);
    EXPECT_THROW(loop.run_until(resolver.resolve(std::string("a\0b", 3), 80)), IoError);
    EXPECT_THROW(loop.run_until(resolver.resolve("notlocalhost", 80)), IoError);
    EXPECT_THROW(loop.run_until(resolver.resolve(std::string(300, 'a') + ".test", 80)), IoError);
}

TEST(Resolver, CancelledQueryIsFinishedWithoutItsWaiter) {
    DnsServer dns({{"later.test", {"192.0.2.9"}}, {"other.test", {}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()).timeout(20ms).tries(1));
    loop.call_later(0ms, [&] { loop.stop(); });
    EXPECT_THROW(loop.run_until(resolver.resolve("silent.test", 80)), Cancelled);
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("later.test", 80))), UnorderedElementsAre("192.0.2.9:80"));
}

TEST(Resolver, MayBeDestroyedWithAQueryInFlight) {
    DnsServer dns({});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    loop.call_later(0ms, [&] { loop.stop(); });
    EXPECT_THROW(loop.run_until(resolver.resolve("silent.test", 80)), Cancelled);
}

TEST(Resolver, SocketsMayBeReusedByOthersAfterwards) {
    DnsServer dns({{"a.test", {"192.0.2.1"}}, {"b.test", {}}});
    Loop loop;
    for (int i = 0; i < 20; ++i) {
        Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
        EXPECT_EQ(loop.run_until(resolver.resolve("a.test", 80)).size(), 1u);
    }
}

TEST(Resolver, RemembersForAsLongAsTheAnswerSays) {
    DnsServer dns({{"four.test", {"192.0.2.7"}}, {"brief.test", {"192.0.2.8"}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    loop.run_until(resolver.resolve("four.test", 1));
    const int asked = dns.questions();
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("FOUR.test", 2))), UnorderedElementsAre("192.0.2.7:2"));
    EXPECT_EQ(dns.questions(), asked);
    loop.run_until(resolver.resolve("brief.test", 1));
    const int asked_brief = dns.questions();
    loop.run_until(resolver.resolve("brief.test", 1));
    EXPECT_GT(dns.questions(), asked_brief);
}

TEST(Resolver, RemembersNothingUnlessItMay) {
    DnsServer dns({{"four.test", {"192.0.2.7"}}, {"six.test", {"2001:db8::7"}}});
    for (const bool by_ttl : {false, true}) {
        Loop loop;
        ResolverOptions options = ResolverOptions().servers(dns.servers());
        by_ttl ? options.max_ttl(0s) : options.cache_entries(0);
        Resolver resolver(loop, options);
        loop.run_until(resolver.resolve("four.test", 1));
        const int asked = dns.questions();
        loop.run_until(resolver.resolve("four.test", 1));
        EXPECT_GT(dns.questions(), asked);
    }
}

TEST(Resolver, ThatThereIsNoneIsNotRemembered) {
    DnsServer dns({});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()));
    EXPECT_THROW(loop.run_until(resolver.resolve("nosuch.test", 80)), IoError);
    const int asked = dns.questions();
    EXPECT_THROW(loop.run_until(resolver.resolve("nosuch.test", 80)), IoError);
    EXPECT_GT(dns.questions(), asked);
}

TEST(Resolver, AsksOnceForAllWhoWait) {
    DnsServer dns({{"four.test", {"192.0.2.7"}}, {"six.test", {"2001:db8::7"}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions().servers(dns.servers()).cache_entries(0));
    loop.run_until(resolver.resolve("four.test", 1));
    const int asked = dns.questions();
    std::vector<Task<std::vector<Address>>> tasks;
    for (std::uint16_t port = 1; port <= 20; ++port) tasks.push_back(resolver.resolve("four.test", port));
    const auto answers = loop.run_until(when_all(std::move(tasks)));
    EXPECT_EQ(answers.size(), 20u);
    EXPECT_THAT(texts(answers.back()), UnorderedElementsAre("192.0.2.7:20"));
    EXPECT_EQ(dns.questions(), 2 * asked);
}

TEST(Resolver, AnswersOfItsOwnGoFirst) {
    DnsServer dns({{"four.test", {"192.0.2.7"}}, {"six.test", {"2001:db8::7"}}});
    Loop loop;
    Resolver resolver(loop, ResolverOptions()
                                .servers(dns.servers())
                                .answer("Four.Test", {"198.51.100.1", "2001:db8::1"})
                                .answer("localhost", {"198.51.100.2"}));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("four.tesT", 80))),
                UnorderedElementsAre("198.51.100.1:80", "[2001:db8::1]:80"));
    EXPECT_THAT(texts(loop.run_until(resolver.resolve("localhost", 80))), UnorderedElementsAre("198.51.100.2:80"));
    EXPECT_EQ(dns.questions(), 0);
    EXPECT_THROW(ResolverOptions().answer("a.test", {}), std::invalid_argument);
    EXPECT_THROW(ResolverOptions().answer("a.test", {"b.test"}), std::invalid_argument);
}

}  // namespace
}  // namespace caropig::net
