#pragma once

#include <caropig/client/fetch_request.h>
#include <caropig/server/service.h>
#include <caropig/web/reverse_proxy.h>

#include <optional>
#include <string>
#include <string_view>

namespace caropig::web {

/// The path to ask the upstream for: without `prefix`, and behind `base`. HttpError 404 where it does not begin with
/// the prefix; 400 where it has dot segments, also encoded ones: they could lead out of `base`.
std::string proxied_path(std::string_view path, std::string_view prefix, std::string_view base);

/// The fields to send to the upstream.
http::Headers proxied_fields(const server::Exchange& exchange, const ReverseProxyOptions& options);

/// The fields of the upstream's answer to give to the client.
http::Headers answered_fields(const http::Headers& received, const ReverseProxyOptions& options);
/// The same of an interim answer.
http::Headers informed_fields(http::HeadersView received);

}  // namespace caropig::web
