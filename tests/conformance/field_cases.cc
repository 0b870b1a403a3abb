#include "cases.h"

namespace caropig::conformance {
namespace {

using namespace std::string_literals;

std::string fields(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += "X: y\r\n";
    return text;
}

// "/fields" answers with the fields that came, but for Host.
const Case kCases[] = {
    {"NoWhitespace", "9112 5", get("/fields", "X:y\r\n"), "200 X=y"},
    {"SpaceAndTabAround", "9110 5.6.3", get("/fields", "X: \t y z\t \r\n"), "200 X=y z"},
    {"EmptyValue", "9110 5.5", get("/fields", "X:\r\nY: \t\r\n"), "200 X= Y="},
    {"TabInside", "9110 5.5", get("/fields", "X: a\tb\r\n"), "200 X=a\tb"},
    {"ObsText", "9110 5.5", get("/fields", "X: \xe6\x88\x90\xff\r\n"), "200 X=\xe6\x88\x90\xff"},
    {"ColonInValue", "9112 5", get("/fields", "X: a:b\r\n"), "200 X=a:b"},
    {"AllTokenCharacters", "9110 5.6.2", get("/fields", "!#$%&'*+-.^_`|~09azAZ: x\r\n"), "200 !#$%&'*+-.^_`|~09azAZ=x"},
    {"RepeatedInOrder", "9110 5.3", get("/fields", "X: 1\r\nY: 2\r\nX: 3\r\n"), "200 X=1 Y=2 X=3"},
    {"SpaceBeforeColon", "9112 5.1", get("/", "X : y\r\n"), "400", End::kClose},
    {"TabBeforeColon", "9112 5.1", get("/", "X\t: y\r\n"), "400", End::kClose},
    {"SpaceInName", "9112 5.1", get("/", "X Y: z\r\n"), "400", End::kClose},
    {"NoColon", "9112 5", get("/", "Xyz\r\n"), "400", End::kClose},
    {"EmptyName", "9112 5", get("/", ": x\r\n"), "400", End::kClose},
    {"NameNoToken", "9110 5.1", get("/", "X(y): z\r\n"), "400", End::kClose},
    {"NameWithAt", "9110 5.1", get("/", "X@y: z\r\n"), "400", End::kClose},
    {"NameQuoted", "9110 5.1", get("/", "\"X\": z\r\n"), "400", End::kClose},
    {"NameBeyondAscii", "9110 5.1", get("/", "X\xc3\xa9: z\r\n"), "400", End::kClose},
    {"NameWithNul", "9110 5.1", get("/", "X\0: z\r\n"s), "400", End::kClose},
    {"Folded", "9112 5.2", get("/", "X: y\r\n z\r\n"), "400", End::kClose},
    {"FoldedWithTab", "9112 5.2", get("/", "X: y\r\n\tz\r\n"), "400", End::kClose},
    {"FoldedEmpty", "9112 5.2", get("/", "X: y\r\n \r\n"), "400", End::kClose},
    {"SpaceBeforeFirstField", "9112 2.2", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400", End::kClose},
    {"NulInValue", "9110 5.5", get("/", "X: a\0b\r\n"s), "400", End::kClose},
    {"ControlInValue", "9110 5.5", get("/", "X: a\x02z\r\n"), "400", End::kClose},
    {"EscapeInValue", "9110 5.5", get("/", "X: a\x1bz\r\n"), "400", End::kClose},
    {"DeleteInValue", "9110 5.5", get("/", "X: a\x7f\r\n"), "400", End::kClose},
    {"VerticalTab", "9110 5.5", get("/", "X:\vy\r\n"), "400", End::kClose},
    {"BareCrInValue", "9112 2.2", get("/", "X: a\rb\r\n"), "400", End::kClose},
    {"BareLfEndsAField", "9112 2.2", get("/", "X: a\nY: b\r\n"), "400", End::kClose},
    {"BareLfEndsTheHead", "9112 2.2", "GET / HTTP/1.1\r\nHost: a\r\n\n", "400", End::kClose},
    {"CrEndsTheHead", "9112 2.2", "GET / HTTP/1.1\r\nHost: a\r\n\rX", "400", End::kClose},
    {"AtTheNumber", "9110 5.4", get("/", fields(19)), "200 GET /"},
    {"BeyondTheNumber", "6585 5", get("/", fields(20)), "431", End::kClose},
    {"BeyondTheSize", "6585 5", get("/", "X: " + std::string(1000, 'y') + "\r\n"), "431", End::kClose},
    {"BeyondTheSizeWithoutEnd", "6585 5", "GET / HTTP/1.1\r\nX: " + std::string(1000, 'y'), "431", End::kClose},
    {"NoEndYet", "9112 2.1", "GET / HTTP/1.1\r\nHost: a\r\n", "", End::kWait},
    {"HalfTheEnd", "9112 2.1", "GET / HTTP/1.1\r\nHost: a\r\n\r", "", End::kWait},
};

// A Host that comes with another is no Host.
const auto host = [](const std::string& value) { return "GET /host HTTP/1.1\r\nHost:" + value + "\r\n\r\n"; };

const Case kHostCases[] = {
    {"HostName", "9112 3.2", host(" example.org"), "200 example.org"},
    {"HostWithPort", "9112 3.2", host(" example.org:8080"), "200 example.org:8080"},
    {"HostEmptyPort", "3986 3.2.3", host(" example.org:"), "200 example.org:"},
    {"HostLeadingZeroPort", "3986 3.2.3", host(" example.org:00080"), "200 example.org:00080"},
    {"HostIpv4", "9112 3.2", host(" 127.0.0.1:80"), "200 127.0.0.1:80"},
    {"HostIpv6", "3986 3.2.2", host(" [::1]"), "200 [::1]"},
    {"HostIpv6WithPort", "3986 3.2.2", host(" [2001:db8::1]:80"), "200 [2001:db8::1]:80"},
    {"HostIpv6WithIpv4", "3986 3.2.2", host(" [::ffff:192.0.2.1]"), "200 [::ffff:192.0.2.1]"},
    {"HostEscape", "3986 3.2.2", host(" a%2db"), "200 a%2db"},
    {"HostUnderscore", "3986 3.2.2", host(" a_b"), "200 a_b"},
    {"HostWithTabs", "9110 5.6.3", host("\ta\t"), "200 a"},
    {"HostMissing", "9112 3.2", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "400", End::kClose},
    {"HostMissingInHttp10", "9112 3.2", "GET / HTTP/1.0\r\n\r\n", "200 GET /", End::kClose},
    {"HostTwice", "9112 3.2", get("/", "Host: a\r\n"), "400", End::kClose},
    {"HostTwiceOtherCase", "9112 3.2", get("/", "hOST: b\r\n"), "400", End::kClose},
    {"HostTwiceInHttp10", "9112 3.2", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "400", End::kClose},
    {"HostEmpty", "9110 4.2.1", host(""), "400", End::kClose},
    {"HostOnlyPort", "9110 4.2.1", host(" :80"), "400", End::kClose},
    {"HostList", "9112 3.2", host(" a, b"), "400", End::kClose},
    {"HostTwoWords", "9112 3.2", host(" a b"), "400", End::kClose},
    {"HostWithPath", "9112 3.2", host(" a/b"), "400", End::kClose},
    {"HostWithQuery", "9112 3.2", host(" a?b"), "400", End::kClose},
    {"HostWithScheme", "9112 3.2", host(" http://a"), "400", End::kClose},
    {"HostWithUserinfo", "9110 4.2.4", host(" u@a"), "400", End::kClose},
    {"HostWithBackslash", "9112 3.2", host(" a\\b"), "400", End::kClose},
    {"HostBeyondAscii", "9112 3.2", host(" \xc3\xa9"), "400", End::kClose},
    {"HostBadEscape", "3986 2.1", host(" a%2"), "400", End::kClose},
    {"HostPortLetters", "9112 3.2", host(" a:http"), "400", End::kClose},
    {"HostPortSign", "9112 3.2", host(" a:+80"), "400", End::kClose},
    {"HostPortTooLarge", "9112 3.2", host(" a:65536"), "400", End::kClose},
    {"HostPortTooLong", "9112 3.2", host(" a:000080"), "400", End::kClose},
    {"HostTwoPorts", "9112 3.2", host(" a:80:80"), "400", End::kClose},
    {"HostUnclosedBracket", "3986 3.2.2", host(" [::1"), "400", End::kClose},
    {"HostBadIpv6", "3986 3.2.2", host(" [::1::2]"), "400", End::kClose},
    {"HostIpv6Zone", "3986 3.2.2", host(" [fe80::1%25eth0]"), "400", End::kClose},
    {"HostAfterBracket", "3986 3.2.2", host(" [::1]a"), "400", End::kClose},
    {"HostIpv6WithoutBrackets", "3986 3.2.2", host(" ::1"), "400", End::kClose},
    {"HostOfAnAbsoluteTargetWins", "9112 3.2.2", "GET http://a:80/host HTTP/1.1\r\nHost: A\r\n\r\n", "200 a:80"},
    {"HostBadBesideAnAbsoluteTarget", "9112 3.2", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", "400", End::kClose},
    {"HostMissingBesideAnAbsoluteTarget", "9112 3.2", "GET http://a/ HTTP/1.1\r\n\r\n", "400", End::kClose},
    {"HostOtherOnTheSecondRequest", "9112 3.2", host(" a") + host(" b") + host(" a"), "200 a, 200 b, 200 a"},
    {"HostBadOnTheSecondRequest", "9112 3.2", host(" a") + host(" a/"), "200 a, 400", End::kClose},
};

}  // namespace

std::span<const Case> field_cases() { return kCases; }
std::span<const Case> host_cases() { return kHostCases; }

}  // namespace caropig::conformance
