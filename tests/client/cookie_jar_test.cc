#include <caropig/client/cookie_jar.h>

#include <initializer_list>
#include <string>

#include <gtest/gtest.h>

namespace caropig::client {
namespace {

class CookieJarTest : public testing::Test {
protected:
    static http::Url url(std::string_view text) { return http::parse_url(text).value(); }

    void set(std::string_view from, std::initializer_list<std::string_view> cookies) {
        http::Headers fields;
        fields.add("Content-Type", "text/plain");
        for (const std::string_view cookie : cookies) fields.add("set-cookie", cookie);
        jar.store(url(from), fields, now);
    }
    std::string get(std::string_view to) { return jar.cookies_for(url(to), now); }

    CookieJar jar;
    std::int64_t now = 1'000'000'000;
};

TEST_F(CookieJarTest, GivesACookieBackToItsHostAlone) {
    set("http://www.example.com/", {"a=1", "b=2"});
    EXPECT_EQ(get("http://www.example.com/x?y"), "a=1; b=2");
    EXPECT_EQ(get("https://www.example.com:8443/"), "a=1; b=2");
    EXPECT_EQ(get("http://example.com/"), "");
    EXPECT_EQ(get("http://a.www.example.com/"), "");
    EXPECT_EQ(get("http://evilwww.example.com/"), "");
}

TEST_F(CookieJarTest, GivesACookieToItsDomainAndBelow) {
    set("http://www.example.com/", {"a=1; Domain=.Example.com"});
    EXPECT_EQ(get("http://example.com/"), "a=1");
    EXPECT_EQ(get("http://b.www.example.com/"), "a=1");
    EXPECT_EQ(get("http://notexample.com/"), "");
    EXPECT_EQ(get("http://example.com.evil.org/"), "");
}

TEST_F(CookieJarTest, RefusesOtherPeoplesDomains) {
    set("http://www.example.com/", {"a=1; Domain=other.com", "b=1; Domain=b.www.example.com", "c=1; Domain=com",
                                    "d=1; Domain=ww.example.com", "e=1; Domain=example.com."});
    set("http://shop.co.uk/", {"a=1; Domain=co.uk"});
    set("http://me.github.io/", {"a=1; Domain=github.io"});
    set("http://10.0.0.1/", {"a=1; Domain=0.0.1", "b=1; Domain=0.1"});
    set("http://printer/", {"a=1; Domain=."});
    for (const char* host : {"http://other.com/", "http://b.www.example.com/", "http://www.example.com/",
                             "http://shop.co.uk/", "http://me.github.io/", "http://10.0.0.1/"}) {
        EXPECT_EQ(get(host), "") << host;
    }
    EXPECT_EQ(get("http://printer/"), "a=1");  // an empty domain is the host's own
    jar.clear();
    set("http://www.example.com/", {"c=1; Domain=com"});
    EXPECT_EQ(jar.size(), 0u);
}

TEST_F(CookieJarTest, KeepsToTheHostWhereTheDomainIsPublic) {
    set("http://localhost/", {"a=1; Domain=localhost"});
    set("http://github.io/", {"a=1; Domain=github.io"});
    set("http://127.0.0.1/", {"a=1; Domain=127.0.0.1"});
    set("http://[::1]/", {"a=1"});
    EXPECT_EQ(get("http://localhost/"), "a=1");
    EXPECT_EQ(get("http://x.localhost/"), "");
    EXPECT_EQ(get("http://github.io/"), "a=1");
    EXPECT_EQ(get("http://me.github.io/"), "");
    EXPECT_EQ(get("http://127.0.0.1/"), "a=1");
    EXPECT_EQ(get("http://[::1]/"), "a=1");
}

TEST_F(CookieJarTest, MatchesPaths) {
    set("http://a.com/shop/cart?x=/y/z", {"a=1", "b=2; Path=/shop/cart", "c=3; Path=/", "d=4; Path=relative"});
    EXPECT_EQ(get("http://a.com/"), "c=3");
    EXPECT_EQ(get("http://a.com/shop"), "a=1; d=4; c=3");
    EXPECT_EQ(get("http://a.com/shopping"), "c=3");
    EXPECT_EQ(get("http://a.com/shop/"), "a=1; d=4; c=3");
    EXPECT_EQ(get("http://a.com/shop/cart/1"), "b=2; a=1; d=4; c=3");
    EXPECT_EQ(get("http://a.com/shop/carts"), "a=1; d=4; c=3");
    set("http://a.com/x", {"e=5; Path=/x/"});
    EXPECT_EQ(get("http://a.com/x/y"), "e=5; c=3");
    EXPECT_EQ(get("http://a.com/x"), "c=3");
}

TEST_F(CookieJarTest, KeepsSecureCookiesOffPlainHttp) {
    set("http://a.com/", {"a=1; Secure"});
    EXPECT_EQ(jar.size(), 0u);
    set("https://a.com/", {"a=1; Secure"});
    EXPECT_EQ(get("https://a.com/"), "a=1");
    EXPECT_EQ(get("http://a.com/"), "");
    set("http://a.com/", {"a=2", "a=2; Path=/x", "a=2; Domain=a.com"});
    EXPECT_EQ(get("https://a.com/x"), "a=1");
    set("http://b.a.com/", {"a=2; Domain=a.com", "b=3; Domain=a.com"});
    EXPECT_EQ(get("https://a.com/"), "a=1; b=3");
    set("https://a.com/", {"a=4"});
    EXPECT_EQ(get("http://a.com/"), "a=4; b=3");
}

TEST_F(CookieJarTest, HoldsPrefixesToTheirPromise) {
    set("http://a.com/", {"__Secure-a=1", "__Secure-b=1; Secure"});
    set("https://a.com/", {"__Secure-c=1", "__Host-d=1; Secure", "__Host-e=1; Secure; Path=/; Domain=a.com",
                           "__host-f=1; Path=/", "__Host-g; Secure; Path=/", "=__Host-h=1; Secure; Path=/"});
    EXPECT_EQ(get("https://a.com/"), "");
    set("https://a.com/", {"__Secure-a=1; Secure", "__Host-b=1; Secure; Path=/"});
    EXPECT_EQ(get("https://a.com/"), "__Secure-a=1; __Host-b=1");
}

TEST_F(CookieJarTest, ExpiresByTheClock) {
    set("http://a.com/",
        {"a=1; Max-Age=10", "b=2; Expires=Sun, 09 Sep 2001 01:46:45 GMT",
         "c=3; Max-Age=20; Expires=Sun, 09 Sep 2001 01:46:41 GMT", "d=4", "e=5; Max-Age=99999999999999999999"});
    now += 4;
    EXPECT_EQ(get("http://a.com/"), "a=1; b=2; c=3; d=4; e=5");
    now += 1;  // 2001-09-09 01:46:45
    EXPECT_EQ(get("http://a.com/"), "a=1; c=3; d=4; e=5");
    now += 5;
    EXPECT_EQ(get("http://a.com/"), "c=3; d=4; e=5");
    now += 1'000'000'000;
    EXPECT_EQ(get("http://a.com/"), "d=4; e=5");
    EXPECT_EQ(jar.size(), 2u);
}

TEST_F(CookieJarTest, DeletesWhatIsSetAsExpired) {
    set("http://a.com/x/y", {"a=1", "a=2; Path=/"});
    set("http://a.com/x/y", {"a=; Max-Age=0"});
    EXPECT_EQ(get("http://a.com/x/y"), "a=2");
    set("http://a.com/", {"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"});
    EXPECT_EQ(jar.size(), 0u);
}

TEST_F(CookieJarTest, ReplacesInPlace) {
    set("http://a.com/", {"a=1", "b=2"});
    set("http://a.com/", {"a=3"});
    EXPECT_EQ(get("http://a.com/"), "a=3; b=2");
    set("http://a.com/", {"a=4; Domain=a.com"});
    EXPECT_EQ(get("http://a.com/"), "a=3; b=2; a=4");
}

TEST_F(CookieJarTest, SendsTheValueOfACookieWithoutName) {
    set("http://a.com/", {"nameless", "=x"});
    EXPECT_EQ(get("http://a.com/"), "x");
}

TEST_F(CookieJarTest, PushesOutTheLeastUsedOfASite) {
    jar = CookieJar(CookieJarOptions().max_cookies_per_site(2));
    set("http://a.com/", {"a=1", "b=2; Path=/b"});
    set("http://x.org/", {"x=1"});
    EXPECT_EQ(get("http://a.com/"), "a=1");
    set("http://sub.a.com/", {"c=3; Domain=a.com"});
    EXPECT_EQ(get("http://a.com/b"), "a=1; c=3");
    EXPECT_EQ(get("http://x.org/"), "x=1");
}

TEST_F(CookieJarTest, PushesOutTheLeastUsedOfAll) {
    jar = CookieJar(CookieJarOptions().max_cookies(2));
    set("http://a.com/", {"a=1"});
    set("http://b.com/", {"b=1; Max-Age=5"});
    now += 5;  // what has expired goes first
    set("http://c.com/", {"c=1"});
    EXPECT_EQ(get("http://a.com/"), "a=1");
    set("http://d.com/", {"d=1"});
    EXPECT_EQ(get("http://c.com/"), "");
    EXPECT_EQ(get("http://a.com/"), "a=1");
    EXPECT_EQ(jar.size(), 2u);
}

TEST_F(CookieJarTest, HoldsNoMoreBytesThanItMay) {
    jar = CookieJar(CookieJarOptions().max_bytes(100));
    const std::string large = "=" + std::string(40, 'x');  // with name, domain and path 47 bytes
    for (const char* name : {"a", "b", "c"}) set("http://a.com/", {name + large});
    EXPECT_EQ(get("http://a.com/"), "b" + large + "; c" + large);
    set("http://a.com/", {"d=" + std::string(200, 'x')});
    EXPECT_EQ(jar.size(), 0u);
}

TEST_F(CookieJarTest, SendsNoLongerFieldThanItMay) {
    jar = CookieJar(CookieJarOptions().max_field_bytes(12));
    set("http://a.com/", {"a=12", "b=1; Path=/x", "c=1"});
    EXPECT_EQ(get("http://a.com/x"), "b=1; a=12");
}

}  // namespace
}  // namespace caropig::client
