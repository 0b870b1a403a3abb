#pragma once

#include <caropig/net/address.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// \file
/// The PROXY protocol, versions 1 and 2: the header by which a proxy that forwards a connection byte by byte says who
/// connected to it. As HAProxy's doc/proxy-protocol.txt has it; where that leaves a choice, the strict one.
namespace caropig::net {

/// Bytes of a header, with what version 2 may have behind the addresses. An ordinary one has less than 60; one with the
/// certificate of a TLS client some thousand.
inline constexpr std::size_t kMaxProxyHeaderBytes = 4096;

/// Whom a header names.
struct ProxiedPeer {
    enum class Kind : std::uint8_t {
        kSender,   ///< whoever has sent it: the proxy speaks for itself (LOCAL), or does not know (UNKNOWN, UNSPEC)
        kAddress,  ///< `source`
        kUnix,     ///< a client on a Unix-domain socket of the proxy
    };
    Kind kind = Kind::kSender;
    std::optional<Address> source;
};

/// What came of reading a header.
struct ProxyHeaderResult {
    enum State : std::uint8_t { kNeedMore, kDone, kError } state = kNeedMore;
    std::size_t consumed = 0;  ///< kDone: bytes of the header
    ProxiedPeer peer;          ///< kDone
    std::string_view reason;   ///< kError: one line, static
};

/// Reads the header at the start of `text`, all that has come so far; call it again with more while it needs more. The
/// outcome is the same for any split. Never asks for more than kMaxProxyHeaderBytes. TLVs of version 2 are checked for
/// their lengths and skipped, checksums (CRC32C) with them.
ProxyHeaderResult parse_proxy_header(std::string_view text);

}  // namespace caropig::net
