#include "client/public_suffix.h"

#include <caropig/http/chars.h>

#include <algorithm>

#include <libpsl.h>

namespace caropig::client {

bool is_ip_address(std::string_view host) noexcept {
    if (host.find(':') != std::string_view::npos) return true;
    const std::string_view label = host.substr(host.rfind('.') + 1);
    return !label.empty() && std::ranges::all_of(label, http::is_digit);
}

bool is_public_suffix(const std::string& domain) noexcept {
    return ::psl_is_public_suffix(::psl_builtin(), domain.c_str()) != 0;
}

std::string site_of(const std::string& host) {
    if (is_ip_address(host)) return host;
    const char* registered = ::psl_registrable_domain(::psl_builtin(), host.c_str());
    return registered != nullptr ? registered : host;
}

}  // namespace caropig::client
