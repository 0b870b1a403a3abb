#include <caropig/http/url.h>

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

std::string resolved(std::string_view base, std::string_view reference) {
    const Result<Url, std::string> url = resolve_url(parse_url(base).value(), reference);
    if (!url) return "refused";
    std::string text = url->origin() + url->target();
    if (!url->fragment.empty()) text += '#' + url->fragment;
    return text;
}

// RFC 3986 5.4, with a path segment's parameters and what both sections list that an http URL can say.
TEST(ResolveUrl, AgreesWithTheExamplesOfTheRfc) {
    const std::vector<std::pair<std::string, std::string>> kRows{
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
    };
    for (const auto& [reference, meaning] : kRows) {
        EXPECT_EQ(resolved("http://a/b/c/d;p?q", reference), meaning) << reference;
    }
}

TEST(ResolveUrl, KeepsSchemePortAndUser) {
    EXPECT_EQ(resolved("https://[::1]:8443/a", "b"), "https://[::1]:8443/b");
    EXPECT_EQ(resolved("https://a:1/", "//b:2/c"), "https://b:2/c");
    EXPECT_EQ(resolve_url(parse_url("http://u:p@a/x").value(), "y")->userinfo, "u:p");
}

TEST(ResolveUrl, TakesAbsoluteUrls) {
    EXPECT_EQ(resolved("http://a/b", "HTTPS://Example.COM/x/../y"), "https://example.com/y");
    EXPECT_EQ(resolved("http://a/b", "http://c?d"), "http://c/?d");
}

TEST(ResolveUrl, NeverLeavesTheHostByThePath) {
    EXPECT_EQ(resolved("http://a/b", "/..//evil/"), "http://a//evil/");
    EXPECT_EQ(resolved("http://a/b/c", "..//evil"), "http://a//evil");
    EXPECT_EQ(resolved("http://a/b", "@evil/"), "http://a/@evil/");
}

TEST(ResolveUrl, RefusesWhatIsNoHttpUrl) {
    for (const char* reference : {"ftp://a/", "javascript:alert(1)", "http:g", "mailto:a", "/a b", "/a\r\nb", "//",
                                  "//:80", "/%zz", "\\\\evil", "http://a:99999/"}) {
        EXPECT_EQ(resolved("http://a/b", reference), "refused") << reference;
    }
}

}  // namespace
}  // namespace caropig::http
