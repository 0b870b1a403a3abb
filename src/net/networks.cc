#include <caropig/net/networks.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <span>

#include <netinet/in.h>

namespace caropig::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kUnixWord = "unix";
constexpr unsigned kV4Bits = 32;
constexpr unsigned kV6Bits = 128;
constexpr unsigned kMappedBits = kV6Bits - kV4Bits;  // ::ffff:0:0/96

unsigned bit_of(std::span<const unsigned char> bytes, unsigned index) noexcept {
    return (bytes[index / 8] >> (7 - index % 8)) & 1U;
}

std::optional<unsigned> parse_prefix(std::string_view text) noexcept {
    unsigned value = 0;
    const char* const end = text.data() + text.size();
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

}  // namespace

/// The address' bytes, four for IPv4; whether it is IPv6.
bool Networks::read(const Address& address, Bytes& bytes) noexcept {
    if (!address.is_v6()) {
        sockaddr_in v4{};
        std::memcpy(&v4, address.data(), sizeof v4);
        std::memcpy(bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
        return false;
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, address.data(), sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        std::memcpy(bytes.data(), &v6.sin6_addr.s6_addr[kMappedBits / 8], kV4Bits / 8);
        return false;
    }
    std::memcpy(bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    return true;
}

Result<Networks, std::string> Networks::parse(std::string_view list) {
    Networks result;
    const auto is_separator = [](char c) { return c == ',' || c == ' '; };
    while (!list.empty()) {
        if (is_separator(list.front())) {
            list.remove_prefix(1);
            continue;
        }
        const std::string_view entry = list.substr(0, list.find_first_of(", "));
        list.remove_prefix(entry.size());
        if (entry == kUnixWord) {
            result.unix_ = true;
            continue;
        }
        const auto wrong = [&entry](std::string_view what) {
            return std::unexpected("\"" + std::string(entry) + "\" " + std::string(what));
        };
        const std::size_t slash = entry.find('/');
        const std::string_view literal = entry.substr(0, slash);
        const auto address = literal.find('%') == std::string_view::npos ? Address::parse(literal, 0) : std::nullopt;
        if (!address) return wrong("is no IP address, network or \"unix\"");
        Network network;
        network.v6 = read(*address, network.first);
        const unsigned most = network.v6 ? kV6Bits : kV4Bits;
        network.bits = most;
        if (slash != std::string_view::npos) {
            auto prefix = parse_prefix(entry.substr(slash + 1));
            // "::ffff:10.0.0.0/104" is 10.0.0.0/8.
            if (prefix && address->is_v6() && !network.v6) {
                prefix = *prefix >= kMappedBits ? std::optional(*prefix - kMappedBits) : std::nullopt;
            }
            if (!prefix || *prefix > most) return wrong("has no prefix that its address could have");
            network.bits = *prefix;
        }
        for (unsigned i = network.bits; i < most; ++i) {
            if (bit_of(network.first, i) != 0) return wrong("has bits behind its prefix");
        }
        result.networks_.push_back(network);
    }
    return result;
}

bool Networks::contains(const Address& address) const noexcept {
    Bytes bytes{};
    const bool v6 = read(address, bytes);
    return std::ranges::any_of(networks_, [&](const Network& network) {
        if (network.v6 != v6) return false;
        const unsigned whole = network.bits / 8;
        if (!std::equal(bytes.begin(), bytes.begin() + whole, network.first.begin())) return false;
        const unsigned rest = network.bits % 8;
        return rest == 0 || ((bytes[whole] ^ network.first[whole]) >> (8 - rest)) == 0;
    });
}

bool Networks::contains_peer(std::string_view peer) const {
    if (peer.starts_with(kUnixPrefix)) return unix_;
    if (networks_.empty()) return false;
    const auto address = Address::parse(ip_of_peer(peer), 0);
    return address && contains(*address);
}

std::string_view ip_of_peer(std::string_view peer) noexcept {
    if (peer.starts_with(kUnixPrefix)) return kUnixWord;
    if (peer.starts_with('[')) return peer.substr(1, peer.find(']') - 1);
    return peer.substr(0, peer.rfind(':'));
}

}  // namespace caropig::net
