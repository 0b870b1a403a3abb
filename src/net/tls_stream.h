#pragma once

#include "net/tls_engine.h"
#include <caropig/net/tls.h>

#include <memory>

namespace caropig::net {

/// The session of `engine`, whose handshake is done over `stream` but for output that the engine may still have: that
/// is sent at once.
std::unique_ptr<TlsStream> make_tls_stream(std::unique_ptr<Stream> stream, std::unique_ptr<TlsEngine> engine);

}  // namespace caropig::net
