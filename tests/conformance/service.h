#pragma once

#include <caropig/async/waiter.h>
#include <caropig/server/options.h>
#include <caropig/server/service.h>

#include <string>
#include <string_view>

namespace caropig::conformance {

/// Answers so that one sees what of a client's bytes was taken for what:
///
///   /echo                 the body, and "|Name=value …" where it has trailers
///   /ignore               "ignored", without reading the body
///   /wait?x               "waited x", some rounds of the loop later
///   /stream               "onetwo", streamed
///   /hint                 103, then "hinted"
///   /fields               "Name=value …" of all fields but Host
///   /host                 the request's host
///   /none /reset /unmodified  204, 205, 304
///   anything else         "METHOD path?query"
class EchoService final : public server::Service {
public:
    void serve(server::Exchange& exchange) noexcept override;
};

/// Limits that short rows can reach.
server::ServerOptions conformance_options();

}  // namespace caropig::conformance
