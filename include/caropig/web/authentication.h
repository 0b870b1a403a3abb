#pragma once

#include <string>
#include <string_view>

/// \file
/// The way to the login page and back: where it leads must not be for another site to choose.
namespace caropig::web {

class Request;

/// Where to send somebody who has to log in first: `login_url` with the argument next, the path and query that were
/// asked for. A login URL that has a query already is left as it is, as in Tornado; unlike there, next is a path also
/// where the login is on another host.
[[nodiscard]] std::string login_location(const Request& request, std::string_view login_url);
/// `next` when it is a path of this site, else `fallback`: what the login page redirects to. Refused: anything that
/// does not begin with one "/" ("https://evil", "//evil", "/\evil", ""), and any backslash, space, control character or
/// byte beyond ASCII: browsers drop some of them and read the rest anew. Query and fragment are fine.
[[nodiscard]] std::string safe_next(std::string_view next, std::string_view fallback = "/");

}  // namespace caropig::web
