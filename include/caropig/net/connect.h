#pragma once

#include <caropig/net/resolver.h>
#include <caropig/net/stream.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// \file
/// Connecting to a TCP port of a named host. A host often has addresses of which some don't answer from here, most
/// often those of IPv6; trying one after the other would wait for each. So they race ("happy eyeballs", RFC 8305).
namespace caropig::net {

class ConnectOptions {
public:
    /// How long one address has the race to itself before the next one is tried too. 250 ms is what RFC 8305
    /// recommends (Tornado: 300 ms).
    ConnectOptions& attempt_delay(Duration delay) noexcept {
        attempt_delay_ = delay;
        return *this;
    }
    [[nodiscard]] Duration attempt_delay() const noexcept { return attempt_delay_; }

    /// The address of this machine to connect from; addresses of the other family are not tried. None unless set: the
    /// kernel chooses. Its port is not used.
    ConnectOptions& local_address(Address address) noexcept {
        local_address_ = address;
        return *this;
    }
    [[nodiscard]] const std::optional<Address>& local_address() const noexcept { return local_address_; }

private:
    std::optional<Address> local_address_;
    Duration attempt_delay_ = std::chrono::milliseconds(250);
};

/// Resolves `host` and connects to one of its addresses: IPv6 first, the families in turn, the next one as soon as
/// one fails or attempt_delay() has passed; the first that succeeds wins and the others are closed. Nagle's algorithm
/// is off. There is no deadline but the kernel's (two minutes and more for each address): use with_timeout().
/// `resolver` must outlive the task. Throws what Resolver::resolve() throws, IoError of the first address that failed
/// ("connect to example.com:80 (192.0.2.1:80): Connection refused"), or Cancelled, which closes all attempts.
Task<std::unique_ptr<Stream>> connect_tcp(Resolver& resolver, std::string host, std::uint16_t port,
                                          ConnectOptions options = {});

/// The same for addresses that are known already, at least one; `name` says in errors what they are of:
/// "example.com:80". For whoever wants to know when resolving ends and connecting begins.
Task<std::unique_ptr<Stream>> connect_tcp(std::vector<Address> addresses, std::string name,
                                          ConnectOptions options = {});

}  // namespace caropig::net
