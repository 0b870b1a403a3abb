#pragma once

#include <caropig/base/result.h>
#include <caropig/client/fetch_request.h>
#include <caropig/http/headers.h>

#include <string>

namespace caropig::client {

/// What an answer with that status and those fields makes of the request that it answers, after `followed` redirects:
/// true and the next request in its place; false where there is nothing to follow, or no more; or one line that says
/// why the redirect is refused. The request changes in the first case only. No I/O.
///
/// The rules are those of Tornado 6.5: of 301, 302, 303, 307 and 308 with a Location, `max_redirects` are followed. A
/// 303 to anything but HEAD, and a 301 or 302 to a POST, make a GET without body; the others repeat method and body.
/// Where that body
/// is not repeatable(), the answer is given instead. Authorization, Cookie, Proxy-Authorization and Host
/// stay behind where the origin changes. Beyond Tornado's: a Location that is no http or https URL, has a user, or
/// stands there twice with different values is an error, and so is one from https to http unless the request allows it.
/// A Location without fragment inherits the request's (RFC 9110 10.2.2).
Result<bool, std::string> follow_redirect(FetchRequest& request, int status, const http::Headers& fields, int followed);

}  // namespace caropig::client
