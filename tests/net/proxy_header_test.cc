#include "net/proxy_header.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string binary(char command, char family, const std::string& block) {
    std::string text = kSignature + command + family;
    text += static_cast<char>(block.size() >> 8);
    text += static_cast<char>(block.size() & 0xFF);
    return text + block;
}

const std::string kV4Block = "\xC0\x00\x02\x01\xC6\x33\x64\x02\x04\xD2\x00\x50"s;
const std::string kV6Block =
    "\x20\x01\x0D\xB8"s + std::string(11, '\0') + "\x01" + std::string(16, '\x02') + "\x04\xD2\x01\xBB"s;
const std::string kTlv = "\x03\x00\x04\x01\x02\x03\x04"s;

std::string text_of(const ProxyHeaderResult& result) {
    if (result.state == ProxyHeaderResult::kNeedMore) return "more";
    if (result.state == ProxyHeaderResult::kError) return "error: " + std::string(result.reason);
    std::string peer = "sender";
    if (result.peer.kind == ProxiedPeer::Kind::kUnix) peer = "unix";
    if (result.peer.kind == ProxiedPeer::Kind::kAddress) peer = result.peer.source->to_string();
    return peer + " +" + std::to_string(result.consumed);
}

/// The outcome with one byte more at a time, which must be that of all at once.
std::string outcome(const std::string& text) {
    const std::string whole = text_of(parse_proxy_header(text));
    std::string split = "more";
    for (std::size_t size = 0; size <= text.size() && split == "more"; ++size) {
        split = text_of(parse_proxy_header(std::string(text.data(), size)));
    }
    EXPECT_EQ(split, whole) << text;
    return whole;
}

TEST(ProxyHeader, Version1) {
    EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 198.51.100.2 1234 80\r\nGET /"), "192.0.2.1:1234 +43");
    EXPECT_EQ(outcome("PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n"), "[2001:db8::1]:1234 +45");
    EXPECT_EQ(outcome("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), "255.255.255.255:65535 +44");
    EXPECT_EQ(outcome("PROXY UNKNOWN\r\n"), "sender +15");
    EXPECT_EQ(outcome("PROXY UNKNOWN ffff::1 whatever 1\r\n"), "sender +34");
    // The longest that the specification knows.
    const std::string longest = "PROXY UNKNOWN " + std::string(91, 'f') + "\r\n";
    ASSERT_EQ(longest.size(), 107u);
    EXPECT_EQ(outcome(longest), "sender +107");
}

TEST(ProxyHeader, Version1Malformed) {
    for (const char* line : {"PROXY TCP4 192.0.2.1 198.51.100.2 1234\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 1234 80 \r\n",
                             "PROXY TCP4  192.0.2.1 198.51.100.2 1234 80\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 1234 80 1\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 01234 80\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 65536 80\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 -1 80\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 +1 80\r\n",
                             "PROXY TCP4 192.0.2.1 198.51.100.2 1234 \r\n",
                             "PROXY TCP4 192.0.2.01 198.51.100.2 1234 80\r\n",
                             "PROXY TCP4 192.0.2.256 198.51.100.2 1234 80\r\n",
                             "PROXY TCP4 192.0.2.1 host 1234 80\r\n",
                             "PROXY TCP4 2001:db8::1 2001:db8::2 1234 80\r\n",
                             "PROXY TCP6 192.0.2.1 198.51.100.2 1234 80\r\n",
                             "PROXY TCP6 [2001:db8::1] 2001:db8::2 1234 80\r\n",
                             "PROXY TCP6 fe80::1%lo 2001:db8::2 1234 80\r\n",
                             "PROXY tcp4 192.0.2.1 198.51.100.2 1234 80\r\n",
                             "PROXY UDP4 192.0.2.1 198.51.100.2 1234 80\r\n",
                             "PROXY UNKNOWNX\r\n",
                             "PROXY \r\n",
                             "PROXY TCP4\r\n"}) {
        EXPECT_EQ(outcome(line), "error: a malformed PROXY line") << line;
    }
    EXPECT_EQ(outcome("PROXY TCP4 192.0.2.1 198.51.100.2 1234 80\n"), "error: a PROXY line that ends without CR LF");
    EXPECT_EQ(outcome("PROXY \n"), "error: a PROXY line that ends without CR LF");
    EXPECT_EQ(outcome("PROXY UNKNOWN \r \r\n"), "error: a control character in a PROXY line");
    EXPECT_EQ(outcome("PROXY UNKNOWN \0\r\n"s), "error: a control character in a PROXY line");
    EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(92, 'f') + "\r\n"), "error: a PROXY line that is too long");
    EXPECT_EQ(outcome("PROXY UNKNOWN " + std::string(5000, 'f')), "error: a PROXY line that is too long");
}

TEST(ProxyHeader, SomethingElse) {
    for (const char* text :
         {"GET / HTTP/1.1\r\n", "P", "PROXX", "proxy TCP4", " PROXY", "\r\nGET", "\r\n\r\n\r", "\x16\x03\x01"}) {
        const bool begun = std::string_view("PROXY ").starts_with(text);
        EXPECT_EQ(outcome(text), begun ? "more" : "error: no PROXY header") << text;
    }
    EXPECT_EQ(outcome(""), "more");
    EXPECT_EQ(outcome("PROXY"), "more");
    EXPECT_EQ(outcome("PROXY "), "more");
}

TEST(ProxyHeader, Version2) {
    EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block) + "GET /"), "192.0.2.1:1234 +28");
    EXPECT_EQ(outcome(binary('\x21', '\x21', kV6Block)), "[2001:db8::1]:1234 +52");
    EXPECT_EQ(outcome(binary('\x21', '\x31', std::string(216, 'p'))), "unix +232");
    EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block + kTlv + kTlv)), "192.0.2.1:1234 +42") << "TLVs are skipped";
    EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block + "\x04\x00\x00"s)), "192.0.2.1:1234 +31") << "an empty one too";
    EXPECT_EQ(outcome(binary('\x20', '\x00', "")), "sender +16") << "LOCAL";
    EXPECT_EQ(outcome(binary('\x20', '\x11', kV4Block)), "sender +28") << "LOCAL, whose addresses are ignored";
    EXPECT_EQ(outcome(binary('\x20', '\x7F', "junk")), "sender +20") << "LOCAL, whose family is ignored";
    EXPECT_EQ(outcome(binary('\x21', '\x00', "junk")), "sender +20") << "UNSPEC";
    const std::string longest = binary('\x21', '\x00', std::string(kMaxProxyHeaderBytes - 16, 't'));
    EXPECT_EQ(outcome(longest), "sender +4096");
}

TEST(ProxyHeader, Version2Malformed) {
    EXPECT_EQ(outcome(binary('\x11', '\x11', kV4Block)), "error: a PROXY header of an unknown version");
    EXPECT_EQ(outcome(binary('\x31', '\x11', kV4Block)), "error: a PROXY header of an unknown version");
    EXPECT_EQ(outcome(binary('\x22', '\x11', kV4Block)), "error: a PROXY header with an unknown command");
    for (char family : {'\x01', '\x10', '\x12', '\x22', '\x32', '\x41', '\x13', '\xFF'}) {
        EXPECT_EQ(outcome(binary('\x21', family, std::string(216, '\0'))),
                  "error: a PROXY header of an unknown family");
    }
    const std::string too_short = "error: a PROXY header that is too short for its addresses";
    EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block.substr(1))), too_short);
    EXPECT_EQ(outcome(binary('\x21', '\x21', kV6Block.substr(1))), too_short);
    EXPECT_EQ(outcome(binary('\x21', '\x31', std::string(215, 'p'))), too_short);
    for (const std::string& tlv :
         {"\x03"s, "\x03\x00"s, "\x03\x00\x01"s, kTlv + "\x03\x00\x02\x01"s, "\x03\xFF\xFF"s}) {
        EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block + tlv)), "error: a malformed TLV in a PROXY header");
    }
    EXPECT_EQ(outcome(binary('\x20', '\x00', std::string(kMaxProxyHeaderBytes - 15, 't'))),
              "error: a PROXY header that is too long");
    EXPECT_EQ(outcome(kSignature + "\x21\x11\xFF\xFF"s), "error: a PROXY header that is too long") << "before it comes";
    EXPECT_EQ(outcome(binary('\x21', '\x11', kV4Block).substr(0, 27)), "more");
}

}  // namespace
}  // namespace caropig::net
