#include "client/proxy.h"

#include <map>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

std::string shown(std::string_view url) {
    const Result<Proxy, std::string> proxy = parse_proxy(url);
    if (!proxy) return proxy.error();
    const std::array<std::string, 4> kinds{"http", "https", "socks5", "socks5h"};
    return kinds.at(static_cast<std::size_t>(proxy->kind)) + " " + proxy->name() + " " + proxy->user + ":" +
           proxy->password;
}

TEST(Proxy, Urls) {
    EXPECT_EQ(shown("http://proxy.example:3128"), "http proxy.example:3128 :");
    EXPECT_EQ(shown("proxy.example"), "http proxy.example:1080 :");
    EXPECT_EQ(shown("proxy.example:80/"), "http proxy.example:80 :");
    EXPECT_EQ(shown("HTTPS://proxy.example"), "https proxy.example:443 :");
    EXPECT_EQ(shown("socks5://[::1]"), "socks5 [::1]:1080 :");
    EXPECT_EQ(shown("socks5h://[::1]:9050"), "socks5h [::1]:9050 :");
    EXPECT_EQ(shown("http://me:p%40ss%3a@h:1"), "http h:1 me:p@ss:");
    EXPECT_EQ(shown("http://me@h:1"), "http h:1 me:");
    EXPECT_EQ(shown("http://me:a@b@h:1"), "http h:1 me:a@b");
}

TEST(Proxy, UrlsThatAreNone) {
    EXPECT_EQ(shown("ftp://h"), "proxy: its scheme is none of http, https, socks5 and socks5h");
    EXPECT_EQ(shown("http://h/path"), "proxy: there is more than a host and a port");
    EXPECT_EQ(shown("http://h?x"), "proxy: there is more than a host and a port");
    for (const char* url : {"", "http://", "h:0", "h:65536", "h:x", "[::1", "h h"}) {
        EXPECT_TRUE(shown(url).starts_with("proxy: ")) << url << " " << shown(url);
    }
    for (const char* url :
         {"http://a%0d%0aX:b@h", "http://a:%00@h", "http://a%3ab:c@h", "socks5://me@h", "http://%zz@h"}) {
        EXPECT_EQ(shown(url), "proxy: its user or password can't be sent") << url;
    }
    EXPECT_EQ(shown("socks5://me:" + std::string(256, 'x') + "@h"), "proxy: its user or password can't be sent");
    EXPECT_EQ(shown("socks5://me:" + std::string(255, 'x') + "@h"), "socks5 h:1080 me:" + std::string(255, 'x'));
}

TEST(Proxy, Authorization) {
    EXPECT_EQ(parse_proxy("http://Aladdin:open%20sesame@h")->authorization(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    EXPECT_EQ(parse_proxy("http://h")->authorization(), "");
}

TEST(DirectHosts, Names) {
    const DirectHosts direct("example.com, .Local ,intranet.");
    for (const char* host :
         {"example.com", "EXAMPLE.com", "www.example.com", "example.com.", "local", "a.local", "intranet"}) {
        EXPECT_TRUE(direct.contains(host)) << host;
    }
    for (const char* host : {"notexample.com", "example.com.evil", "example.org", "com", "127.0.0.1", ""}) {
        EXPECT_FALSE(direct.contains(host)) << host;
    }
}

TEST(DirectHosts, AddressesAndNetworks) {
    const DirectHosts direct("10.0.0.0/8,192.0.2.77 172.16.0.0/12,[::1],2001:db8::/33,1.2.3.4/33,5.6.7.8/x");
    for (const char* host : {"10.1.2.3", "192.0.2.77", "172.31.255.255", "::1", "2001:db8:7fff::1"}) {
        EXPECT_TRUE(direct.contains(host)) << host;
    }
    for (const char* host : {"11.0.0.1", "192.0.2.78", "172.32.0.0", "::2", "2001:db8:8000::1", "1.2.3.4", "5.6.7.8"}) {
        EXPECT_FALSE(direct.contains(host)) << host;
    }
}

TEST(DirectHosts, AllAndNone) {
    EXPECT_TRUE(DirectHosts("*").contains("any.example"));
    EXPECT_TRUE(DirectHosts("*").contains("1.2.3.4"));
    EXPECT_FALSE(DirectHosts("").contains("any.example"));
    EXPECT_FALSE(DirectHosts(" , ,.").contains("any.example"));
}

ProxyRules rules(const std::map<std::string, std::string>& environment) {
    return ProxyRules::from_environment([&environment](const char* name) -> const char* {
        const auto found = environment.find(name);
        return found == environment.end() ? nullptr : found->second.c_str();
    });
}

std::string chosen(const ProxyRules& rules, std::string_view scheme, std::string_view host = "example.com") {
    const Proxy* proxy = rules.choose(scheme, host);
    return proxy == nullptr ? "direct" : proxy->name();
}

TEST(ProxyRules, Environment) {
    const ProxyRules both = rules({{"http_proxy", "a:1"}, {"HTTPS_PROXY", "b:2"}, {"NO_PROXY", "local"}});
    EXPECT_EQ(chosen(both, "http"), "a:1");
    EXPECT_EQ(chosen(both, "https"), "b:2");
    EXPECT_EQ(chosen(both, "http", "x.local"), "direct");
    EXPECT_EQ(chosen(rules({{"HTTP_PROXY", "a:1"}}), "http"), "direct") << "a CGI program's client can set it";
    EXPECT_EQ(chosen(rules({{"ALL_PROXY", "c:3"}}), "http"), "c:3");
    const ProxyRules lower = rules({{"https_proxy", "a:1"}, {"HTTPS_PROXY", "b:2"}, {"all_proxy", "c:3"}});
    EXPECT_EQ(chosen(lower, "https"), "a:1");
    EXPECT_EQ(chosen(lower, "http"), "c:3");
    EXPECT_EQ(chosen(rules({{"https_proxy", ""}, {"HTTPS_PROXY", "b:2"}}), "https"), "b:2");
    EXPECT_EQ(chosen(rules({{"http_proxy", "a:1"}, {"no_proxy", "*"}}), "http"), "direct");
    EXPECT_EQ(chosen(rules({}), "http"), "direct");
    EXPECT_THROW(rules({{"http_proxy", "ftp://x"}}), std::invalid_argument);
}

}  // namespace
}  // namespace caropig::client
