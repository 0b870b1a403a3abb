#pragma once

#include <string>
#include <string_view>

namespace caropig::web {

/// An argument's value as Tornado's get_argument gives it: control characters made spaces, whitespace (Unicode's)
/// stripped at both ends. `value` is UTF-8.
std::string clean_argument(std::string_view value);

/// The address in Stream::peer(): without the port and the brackets of IPv6; "unix" for a Unix-domain socket.
std::string ip_of_peer(std::string_view peer);

}  // namespace caropig::web
