#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace caropig::http {

/// "host" or "host:port" (RFC 3986 3.2 without userinfo), as Host fields, request targets and URLs carry it.
/// The host of an IPv6 literal stands without its brackets. Views into the text that was split.
struct Authority {
    std::string_view host;
    bool is_ipv6 = false;
    std::optional<std::uint16_t> port;  ///< nothing where there is none, and for "host:" (an empty port is grammatical)
};

/// Nothing unless the host is not empty, well formed (a name, an IPv4 or a bracketed IPv6 address), and the port is at
/// most 65535 in at most five digits. Strict: what two parsers may read differently is refused.
std::optional<Authority> split_authority(std::string_view text) noexcept;

/// Whether both mean the same host and port, with `default_port` for one that names none.
bool same_authority(const Authority& a, const Authority& b, std::uint16_t default_port) noexcept;

}  // namespace caropig::http
