#include "http/forwarded.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::http {
namespace {

std::string parsed(std::string_view line) {
    const auto elements = parse_forwarded(line);
    if (!elements) return "malformed";
    std::string text;
    for (const ForwardedElement& element : *elements) {
        text +=
            "<" + std::string(element.node) + "|" + std::string(element.proto) + "|" + std::string(element.host) + ">";
    }
    return text;
}

TEST(Forwarded, Elements) {
    EXPECT_EQ(parsed("for=192.0.2.43"), "<192.0.2.43||>");
    EXPECT_EQ(parsed("For=\"[2001:db8:cafe::17]:4711\""), "<[2001:db8:cafe::17]:4711||>");
    EXPECT_EQ(parsed("for=192.0.2.60;proto=http;by=203.0.113.43"), "<192.0.2.60|http|>");
    EXPECT_EQ(parsed("for=192.0.2.43, for=198.51.100.17"), "<192.0.2.43||><198.51.100.17||>");
    EXPECT_EQ(parsed("host=\"a.example:80\";PROTO=https,for=_hidden"), "<|https|a.example:80><_hidden||>");
    EXPECT_EQ(parsed("for=unknown;secret=\"a,b;c\" ,\tfor=1"), "<unknown||><1||>");
    EXPECT_EQ(parsed(" ,, for=1;,for=2;;proto=http, "), "<1||><2|http|>") << "empty elements and pairs";
    EXPECT_EQ(parsed(""), "");
}

TEST(Forwarded, Malformed) {
    for (const char* line : {"for", "for=", "=1", "for =1", "for= 1", "for=1; proto=http", "for=1 proto=http",
                             "for=1.2.3.4:80", "for=[::1]", "for=\"1", "for=\"1\\\"\"", "for=\"1\"2", "for=1;for=2",
                             "for=1;FOR=2", "for=1,for=\"", "for=1;proto=ht tp"}) {
        EXPECT_EQ(parsed(line), "malformed") << line;
    }
}

}  // namespace
}  // namespace caropig::http
