#pragma once

#include <caropig/http/headers.h>
#include <caropig/server/proxy_options.h>
#include <caropig/server/service.h>

#include <string_view>

namespace caropig::server {

/// Follows what trusted proxies say, from the connection towards the client. `direct` is what the connection itself
/// shows, and `peer` who is at its other end.
///
/// Each proxy appends whom it was asked by, so the lists are read from the right: as long as whoever is there is
/// trusted, so is what it says of the one before it. The first who is not trusted is the client; what stands to the
/// left of it, it may have invented. A value that is malformed ends the walk: the client is then the last proxy that is
/// known.
///
/// X-Forwarded-Proto and X-Forwarded-Host are mostly replaced, not appended to: of a list, its last element counts,
/// which the nearest proxy has written. In Forwarded each element has its own.
ClientInfo follow_proxies(const ProxyOptions& options, std::string_view peer, ClientInfo direct,
                          http::HeadersView headers);

}  // namespace caropig::server
