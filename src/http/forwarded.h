#pragma once

#include <optional>
#include <string_view>
#include <vector>

/// \file
/// The Forwarded field (RFC 7239), by which proxies tell a server what they have hidden from it. Only the grammar: who
/// may be believed is the server's business.
namespace caropig::http {

/// What one proxy has said. Views into the field's value, without quotes; empty where it did not say.
struct ForwardedElement {
    std::string_view node;   ///< "for": who asked it, as an address, "unknown" or a made-up name
    std::string_view proto;  ///< the scheme by which it was asked
    std::string_view host;   ///< the Host that it was asked for
};

/// The elements of one field line, in order. Nothing where it is malformed: by RFC 7239 section 4, a parameter twice in
/// one element, or a backslash in a quoted value (no address, scheme or host needs one). An empty element of the list
/// is skipped (RFC 9110 5.6.1).
std::optional<std::vector<ForwardedElement>> parse_forwarded(std::string_view line);

}  // namespace caropig::http
