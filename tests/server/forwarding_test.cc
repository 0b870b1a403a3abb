#include "server/forwarding.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

/// Whom trusted proxies name: one row a rule.
namespace caropig::server {
namespace {

using Fields = ProxyOptions::Fields;

struct Row {
    std::string_view why;
    std::vector<http::HeaderView> fields;
    std::string_view expected;  // "ip scheme host"
    std::string_view peer = "10.0.0.1:999";
};

std::string followed(Fields kind, const Row& row) {
    ProxyOptions options;
    options.trusted(net::Networks::parse("10.0.0.0/8, 2001:db8::/32, unix").value()).fields(kind);
    ClientInfo direct;
    direct.ip = net::ip_of_peer(row.peer);
    direct.host = "inside";
    const ClientInfo client = follow_proxies(options, row.peer, direct, http::HeadersView(row.fields));
    return client.ip + " " + std::string(client.scheme) + " " + std::string(client.host);
}

constexpr std::string_view kFor = "X-Forwarded-For";
constexpr std::string_view kProto = "x-forwarded-PROTO";
constexpr std::string_view kHost = "X-Forwarded-Host";

TEST(ServerForwarding, XForwarded) {
    for (const Row& row : std::vector<Row>{
             {"no fields", {}, "10.0.0.1 http inside"},
             {"one proxy", {{kFor, "192.0.2.1"}, {kProto, "https"}, {kHost, "a.example"}}, "192.0.2.1 https a.example"},
             {"a stranger",
              {{kFor, "192.0.2.1"}, {kProto, "https"}, {kHost, "a"}},
              "192.0.2.9 http inside",
              "192.0.2.9:1"},
             {"a pipe is nobody", {{kFor, "192.0.2.1"}}, "pipe http inside", "pipe"},
             {"a Unix-domain socket", {{kFor, "192.0.2.1"}}, "192.0.2.1 http inside", "unix:"},
             {"what is left of the client is its own", {{kFor, "198.51.100.7, 192.0.2.1"}}, "192.0.2.1 http inside"},
             {"a row of proxies", {{kFor, "198.51.100.7, 192.0.2.1, 10.0.0.3 ,10.0.0.2"}}, "192.0.2.1 http inside"},
             {"over several lines", {{kFor, "192.0.2.1"}, {kFor, "10.0.0.2"}}, "192.0.2.1 http inside"},
             {"lines in the wrong order", {{kFor, "10.0.0.2"}, {kFor, "192.0.2.1"}}, "192.0.2.1 http inside"},
             {"all trusted", {{kFor, "10.0.0.3, 10.0.0.2"}}, "10.0.0.3 http inside"},
             {"IPv6", {{kFor, "2001:4860::1, 2001:db8::2"}}, "2001:4860::1 http inside"},
             {"IPv6 in brackets, ports", {{kFor, "[2001:4860::1]:80, 10.0.0.2:1"}}, "2001:4860::1 http inside"},
             {"a mapped address", {{kFor, "::ffff:192.0.2.1, ::ffff:10.0.0.2"}}, "192.0.2.1 http inside"},
             {"malformed at the end", {{kFor, "192.0.2.1, nonsense"}}, "10.0.0.1 http inside"},
             {"malformed before a proxy", {{kFor, "192.0.2.1, unknown, 10.0.0.2"}}, "10.0.0.2 http inside"},
             {"malformed before the client", {{kFor, "\"'<, 192.0.2.1"}}, "192.0.2.1 http inside"},
             {"an empty element", {{kFor, "192.0.2.1, , 10.0.0.2"}}, "10.0.0.2 http inside"},
             {"an empty end", {{kFor, "192.0.2.1,"}}, "10.0.0.1 http inside"},
             {"an empty field", {{kFor, ""}}, "10.0.0.1 http inside"},
             {"a bad port", {{kFor, "192.0.2.1:99999"}}, "10.0.0.1 http inside"},
             {"a name", {{kFor, "localhost"}}, "10.0.0.1 http inside"},
             {"zeros in front", {{kFor, "192.0.2.01"}}, "10.0.0.1 http inside"},
             {"an interface", {{kFor, "fe80::1%lo"}}, "10.0.0.1 http inside"},
             {"IPv4 in brackets", {{kFor, "[192.0.2.1]"}}, "10.0.0.1 http inside"},
             {"another scheme", {{kProto, "ftp"}}, "10.0.0.1 http inside"},
             {"in capitals", {{kProto, "HTTPS"}}, "10.0.0.1 https inside"},
             {"the nearest proxy's scheme", {{kProto, "https, http"}}, "10.0.0.1 http inside"},
             {"the nearest proxy's line", {{kProto, "http"}, {kProto, "https"}}, "10.0.0.1 https inside"},
             {"no host", {{kHost, "a b"}}, "10.0.0.1 http inside"},
             {"a host that would end a header", {{kHost, "a/b"}}, "10.0.0.1 http inside"},
             {"the nearest proxy's host", {{kHost, "evil.example, b.example:8443"}}, "10.0.0.1 http b.example:8443"},
             {"Forwarded is not asked", {{"Forwarded", "for=192.0.2.1;proto=https"}}, "10.0.0.1 http inside"}}) {
        EXPECT_EQ(followed(Fields::kXForwarded, row), row.expected) << row.why;
    }
}

TEST(ServerForwarding, Forwarded) {
    for (const Row& row : std::vector<Row>{
             {"no field", {}, "10.0.0.1 http inside"},
             {"one proxy", {{"forwarded", "for=192.0.2.1;proto=https;host=a.example"}}, "192.0.2.1 https a.example"},
             {"a stranger", {{"Forwarded", "for=192.0.2.1;proto=https"}}, "192.0.2.9 http inside", "192.0.2.9:1"},
             {"the client's own",
              {{"Forwarded", "for=10.9.9.9;proto=https;host=evil, for=192.0.2.1"}},
              "192.0.2.1 http inside"},
             {"a row of proxies",
              {{"Forwarded", "for=192.0.2.1;proto=https;host=a.example, for=10.0.0.2;proto=http;host=b"}},
              "192.0.2.1 https a.example"},
             {"over several lines",
              {{"Forwarded", "for=192.0.2.1;proto=https"}, {"Forwarded", "for=10.0.0.2"}},
              "192.0.2.1 https inside"},
             {"IPv6", {{"Forwarded", "for=\"[2001:4860::1]:80\""}}, "2001:4860::1 http inside"},
             {"a hidden client", {{"Forwarded", "for=192.0.2.1, for=_hidden;proto=https"}}, "10.0.0.1 https inside"},
             {"an unknown client", {{"Forwarded", "for=192.0.2.1, for=unknown"}}, "10.0.0.1 http inside"},
             {"no client", {{"Forwarded", "for=192.0.2.1, proto=https"}}, "10.0.0.1 https inside"},
             {"a malformed line", {{"Forwarded", "for=192.0.2.1;proto=https;for=192.0.2.2"}}, "10.0.0.1 http inside"},
             {"a malformed line before a proxy's own",
              {{"Forwarded", "for=\""}, {"Forwarded", "for=192.0.2.1"}},
              "192.0.2.1 http inside"},
             {"a malformed line behind trusted ones",
              {{"Forwarded", "for=\""}, {"Forwarded", "for=10.0.0.2"}},
              "10.0.0.2 http inside"},
             {"another scheme", {{"Forwarded", "for=192.0.2.1;proto=ftp;host=\"a b\""}}, "192.0.2.1 http inside"},
             {"X-Forwarded is not asked",
              {{kFor, "192.0.2.1"}, {kProto, "https"}, {kHost, "a"}},
              "10.0.0.1 http inside"}}) {
        EXPECT_EQ(followed(Fields::kForwarded, row), row.expected) << row.why;
    }
}

}  // namespace
}  // namespace caropig::server
