#pragma once

#include <caropig/base/bytes.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// \file
/// An IP address with a port: what a name resolves to and a socket connects to.
namespace caropig::net {

class Address {
public:
    /// Reads an IPv4 or IPv6 literal ("127.0.0.1", "::1", "[::1]"); nothing for anything else. No name is looked up.
    [[nodiscard]] static std::optional<Address> parse(std::string_view literal, std::uint16_t port);

    /// Copies a struct sockaddr_in or sockaddr_in6; nothing for other families.
    [[nodiscard]] static std::optional<Address> from_sockaddr(const void* address, std::size_t size) noexcept;

    [[nodiscard]] bool is_v6() const noexcept;
    [[nodiscard]] std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;

    /// "192.0.2.1" or "2001:db8::1"; an IPv4 address mapped into IPv6 is shown as IPv4.
    [[nodiscard]] std::string host() const;
    /// "192.0.2.1:80" or "[2001:db8::1]:80".
    [[nodiscard]] std::string to_string() const;

    /// The 4 or 16 bytes of the address alone, as long as this object.
    [[nodiscard]] ConstBytes bytes() const noexcept;

    /// The struct sockaddr_in or sockaddr_in6, for system calls.
    [[nodiscard]] const void* data() const noexcept { return storage_.data(); }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

    bool operator==(const Address&) const = default;

private:
    Address() = default;
    alignas(4) std::array<std::byte, 28> storage_{};
    std::uint32_t size_ = 0;
};

}  // namespace caropig::net
