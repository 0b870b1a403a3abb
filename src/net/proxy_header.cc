#include "net/proxy_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <netinet/in.h>

namespace caropig::net {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kTextStart = "PROXY ";
constexpr std::size_t kMaxTextBytes = 107;  // the longest line of version 1, with CR LF
constexpr std::string_view kSignature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t kFixedBytes = 16;  // signature, version and command, family, length

// Version 2: the halves of its 13th byte, and its 14th.
constexpr unsigned kVersion = 2;
constexpr unsigned kLocal = 0;
constexpr unsigned kProxy = 1;
constexpr unsigned kUnspecified = 0x00;
constexpr unsigned kTcpV4 = 0x11;
constexpr unsigned kTcpV6 = 0x21;
constexpr unsigned kUnixStream = 0x31;
// Two addresses and two ports; of Unix-domain sockets two paths.
constexpr std::size_t kV4Bytes = 12;
constexpr std::size_t kV6Bytes = 36;
constexpr std::size_t kUnixBytes = 216;
constexpr std::size_t kTlvHeadBytes = 3;

ProxyHeaderResult fail(std::string_view reason) {
    ProxyHeaderResult result;
    result.state = ProxyHeaderResult::kError;
    result.reason = reason;
    return result;
}

ProxyHeaderResult done(std::size_t consumed, ProxiedPeer peer) {
    ProxyHeaderResult result;
    result.state = ProxyHeaderResult::kDone;
    result.consumed = consumed;
    result.peer = peer;
    return result;
}

bool is_start_of(std::string_view text, std::string_view whole) {
    const std::size_t size = std::min(text.size(), whole.size());
    return text.substr(0, size) == whole.substr(0, size);
}

// ---- version 1

/// Cuts off what stands before the next space; nothing where none follows.
std::optional<std::string_view> next_word(std::string_view& line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(space + 1);
    return word;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

std::optional<Address> parse_address(std::string_view text, std::uint16_t port, bool v6) {
    if (text.find_first_of("[%") != std::string_view::npos) return std::nullopt;
    auto address = Address::parse(text, port);
    if (address && address->is_v6() != v6) return std::nullopt;
    return address;
}

/// "TCP4 SOURCE DESTINATION PORT PORT", without what precedes and ends it.
std::optional<Address> parse_text_addresses(std::string_view line) {
    const auto family = next_word(line);
    if (family != "TCP4" && family != "TCP6") return std::nullopt;
    const bool v6 = family == "TCP6";
    const auto source = next_word(line);
    const auto destination = next_word(line);
    const auto source_text = next_word(line);
    if (!source || !destination || !source_text) return std::nullopt;
    const auto source_port = parse_port(*source_text);
    const auto destination_port = parse_port(line);
    if (!source_port || !destination_port || !parse_address(*destination, *destination_port, v6)) return std::nullopt;
    return parse_address(*source, *source_port, v6);
}

ProxyHeaderResult parse_text(std::string_view text) {
    const std::size_t end = text.substr(0, kMaxTextBytes).find('\n');
    if (end == std::string_view::npos) {
        if (text.size() >= kMaxTextBytes) return fail("a PROXY line that is too long");
        return {};
    }
    if (text[end - 1] != '\r') return fail("a PROXY line that ends without CR LF");
    std::string_view line = text.substr(0, end - 1);
    if (std::ranges::any_of(line, [](char c) { return c < ' ' || c > '~'; })) {
        return fail("a control character in a PROXY line");
    }
    line.remove_prefix(kTextStart.size());
    // What follows UNKNOWN is to be ignored.
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return done(end + 1, {});
    auto source = parse_text_addresses(line);
    if (!source) return fail("a malformed PROXY line");
    return done(end + 1, {ProxiedPeer::Kind::kAddress, source});
}

// ---- version 2

unsigned byte_at(std::string_view text, std::size_t index) { return static_cast<unsigned char>(text[index]); }
std::size_t length_at(std::string_view text, std::size_t index) {
    return byte_at(text, index) << 8 | byte_at(text, index + 1);
}

/// Whether what stands behind the addresses is a row of TLVs: a type, two bytes of length, as many of value.
bool are_tlvs(std::string_view rest) {
    while (!rest.empty()) {
        if (rest.size() < kTlvHeadBytes) return false;
        const std::size_t size = kTlvHeadBytes + length_at(rest, 1);
        if (rest.size() < size) return false;
        rest.remove_prefix(size);
    }
    return true;
}

Address address_from(std::string_view block, bool v6) {
    if (!v6) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        std::memcpy(&v4.sin_addr, block.data(), sizeof v4.sin_addr);
        std::memcpy(&v4.sin_port, block.data() + 2 * sizeof v4.sin_addr, sizeof v4.sin_port);
        return *Address::from_sockaddr(&v4, sizeof v4);
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, block.data(), sizeof address.sin6_addr);
    std::memcpy(&address.sin6_port, block.data() + 2 * sizeof address.sin6_addr, sizeof address.sin6_port);
    return *Address::from_sockaddr(&address, sizeof address);
}

/// Bytes of the addresses of a family; nothing for one that a stream can't have.
std::optional<std::size_t> address_bytes(unsigned family) {
    switch (family) {
        case kUnspecified:
            return 0;
        case kTcpV4:
            return kV4Bytes;
        case kTcpV6:
            return kV6Bytes;
        case kUnixStream:
            return kUnixBytes;
        default:
            return std::nullopt;
    }
}

ProxyHeaderResult parse_binary(std::string_view text) {
    if (text.size() <= kSignature.size()) return {};
    const unsigned version = byte_at(text, 12) >> 4;
    const unsigned command = byte_at(text, 12) & 0xF;
    if (version != kVersion) return fail("a PROXY header of an unknown version");
    if (command != kLocal && command != kProxy) return fail("a PROXY header with an unknown command");
    if (text.size() < kFixedBytes - 2) return {};
    const unsigned family = byte_at(text, 13);
    // Of a connection of the proxy's own, family and addresses are to be ignored.
    const auto needed = command == kLocal ? std::optional<std::size_t>(0) : address_bytes(family);
    if (!needed) return fail("a PROXY header of an unknown family");
    if (text.size() < kFixedBytes) return {};
    const std::size_t length = length_at(text, 14);
    if (kFixedBytes + length > kMaxProxyHeaderBytes) return fail("a PROXY header that is too long");
    if (length < *needed) return fail("a PROXY header that is too short for its addresses");
    if (text.size() < kFixedBytes + length) return {};
    const std::string_view block = text.substr(kFixedBytes, length);
    if (command == kLocal || family == kUnspecified) return done(kFixedBytes + length, {});
    if (!are_tlvs(block.substr(*needed))) return fail("a malformed TLV in a PROXY header");
    if (family == kUnixStream) return done(kFixedBytes + length, {ProxiedPeer::Kind::kUnix, std::nullopt});
    return done(kFixedBytes + length, {ProxiedPeer::Kind::kAddress, address_from(block, family == kTcpV6)});
}

}  // namespace

ProxyHeaderResult parse_proxy_header(std::string_view text) {
    if (is_start_of(text, kSignature)) return parse_binary(text);
    if (!is_start_of(text, kTextStart)) return fail("no PROXY header");
    return text.size() < kTextStart.size() ? ProxyHeaderResult() : parse_text(text);
}

}  // namespace caropig::net
