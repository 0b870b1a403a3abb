#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caropig::web {

/// The values called `name` in an urlencoded text (a query, or a form's body), in order, as Tornado's get_argument
/// gives them: control characters made spaces, stripped. Throws HttpError 400 where the text is not well formed.
std::vector<std::string> arguments_named(std::string_view name, std::string_view urlencoded);

/// The address in Stream::peer(): without the port and the brackets of IPv6; "unix" for a Unix-domain socket.
std::string ip_of_peer(std::string_view peer);

}  // namespace caropig::web
