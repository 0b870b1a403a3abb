#pragma once

#include <string>
#include <string_view>

namespace caropig::client {

/// Whether `host` is an IP address rather than a name: a name's last label is never a number.
bool is_ip_address(std::string_view host) noexcept;

/// Whether anybody may register names below this domain ("com", "co.uk", "github.io"), by the Public Suffix List that
/// libpsl was built with. A last label that it does not know is one.
bool is_public_suffix(const std::string& domain) noexcept;

/// The part of `host` that somebody has registered ("example.co.uk" of "www.example.co.uk"); `host` itself where there
/// is none, as for "localhost" and addresses.
std::string site_of(const std::string& host);

}  // namespace caropig::client
