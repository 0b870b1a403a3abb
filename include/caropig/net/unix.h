#pragma once

#include <caropig/net/listener.h>

#include <memory>
#include <string>
#include <string_view>

/// \file
/// Unix-domain sockets: for a proxy or another program on the same machine. A path that begins with '@' is an abstract
/// name of Linux, which has no file.
namespace caropig::net {

/// Binds and listens on `path`. A socket file that is left of a program that has gone is replaced; where somebody
/// listens, or where the path is no socket, it is an error. The file gets the permissions `mode` before anybody can
/// connect, and is removed when the listener closes, unless it was replaced meanwhile. Throws IoError that names the
/// path. Any thread. As Tornado's bind_unix_socket, which does not ask whether somebody listens.
std::unique_ptr<Listener> listen_unix(std::string_view path, unsigned mode = 0600);

/// Connects to `path`. While the listener's queue is full it tries again every 10 ms: give it a deadline. Throws
/// IoError that names the path, or Cancelled.
Task<std::unique_ptr<Stream>> connect_unix(std::string path);

}  // namespace caropig::net
