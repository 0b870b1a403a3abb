#pragma once

#include <caropig/net/listener.h>

#include <memory>

/// \file
/// Sockets that somebody else has made listen, and that this process was started with: by systemd, for instance.
namespace caropig::net {

/// Takes over the descriptor of a listening TCP or Unix-domain stream socket: makes it non-blocking and closed on exec,
/// and closes it when the listener closes. Others may hold the same socket, a listener of another loop or the parent
/// process: it goes on listening for them, and the file of a Unix-domain socket stays. Throws IoError, and leaves the
/// descriptor alone, where it is no such socket. Any thread.
std::unique_ptr<Listener> listen_inherited(int descriptor);

}  // namespace caropig::net
