#pragma once

#include <caropig/loop/loop.h>
#include <caropig/server/options.h>

#include <cstdint>
#include <functional>
#include <string>

/// \file
/// A service on all cores: a thread per worker, each with its own loop, listener and connections.
namespace caropig::server {

class Service;

/// Where and how to serve.
struct ServeOptions {
    std::string address = "127.0.0.1";  ///< an address literal, "localhost", or "*" for all
    std::uint16_t port = 8080;          ///< 0: the kernel chooses
    std::string unix_socket;            ///< a path: listens there instead of on a port
    /// Serves the sockets that systemd has passed (LISTEN_FDS), instead of address, port and unix_socket: "*" all of
    /// them, a name those whose unit says FileDescriptorName=NAME. All workers accept from each. Empty: none.
    std::string systemd_socket;
    unsigned workers = 1;  ///< threads; 0: one per core
    BackendKind backend = BackendKind::kAuto;
    ServerOptions server;
    /// Called when clients can connect, and before any worker handles a request, with "127.0.0.1:8080" or "unix:/path";
    /// with several of them, separated by ", ", where systemd has passed several sockets.
    /// By default it prints "listening on ADDRESS:PORT" to standard output.
    std::function<void(const std::string& address)> on_listening;
};

/// Serves `service` until SIGTERM or SIGINT, then stops gracefully (Server::stop()) and returns; a second signal ends
/// the process at once, with 128 + its number. The soft limit of open descriptors is raised to the hard one. The first
/// worker runs on the calling thread; call it once, before the program starts threads that should not get these
/// signals. Where systemd wants to know (NOTIFY_SOCKET), it is told when the service is ready, and when it stops.
/// Throws IoError when it can't listen.
void serve(Service& service, const ServeOptions& options);

}  // namespace caropig::server
