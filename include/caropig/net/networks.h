#pragma once

#include <caropig/base/result.h>
#include <caropig/net/address.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// Which peers to believe: a list of addresses and networks.
namespace caropig::net {

/// A set of networks, and perhaps of all peers on Unix-domain sockets. Empty unless parsed: nobody is in it.
class Networks {
public:
    /// Reads "10.0.0.0/8, 192.0.2.1, 2001:db8::/32, unix", separated by commas or spaces: CIDR notation (RFC 4632),
    /// addresses alone, and the word "unix". No name is looked up. The error is one line that names the entry: one that
    /// is no address, a prefix that is too long, an address with bits behind its prefix (a slip, most often).
    [[nodiscard]] static Result<Networks, std::string> parse(std::string_view list);

    [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !unix_; }
    /// An IPv4 address mapped into IPv6 is the IPv4 address.
    [[nodiscard]] bool contains(const Address& address) const noexcept;
    /// The same for the text of Stream::peer(). What is neither an address nor "unix:…" is in no set.
    [[nodiscard]] bool contains_peer(std::string_view peer) const;

private:
    using Bytes = std::array<unsigned char, 16>;
    struct Network {
        Bytes first{};
        unsigned bits = 0;
        bool v6 = false;
    };
    static bool read(const Address& address, Bytes& bytes) noexcept;

    std::vector<Network> networks_;
    bool unix_ = false;
};

/// The address in the text of Stream::peer(), without the port and the brackets of IPv6: "192.0.2.1", "2001:db8::1";
/// "unix" for a Unix-domain socket.
[[nodiscard]] std::string_view ip_of_peer(std::string_view peer) noexcept;

}  // namespace caropig::net
