#include "net/happy_eyeballs.h"
#include "net/io_awaiter.h"
#include "net/socket.h"
#include "net/socket_connect.h"
#include <caropig/net/connect.h>

#include <cerrno>
#include <optional>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace caropig::net {
namespace {

Task<std::unique_ptr<Stream>> connect_to(Loop& loop, std::string name, Address address, std::optional<Address> local) {
    const std::string operation =
        "connect to " + name + (name == address.to_string() ? "" : " (" + address.to_string() + ")");
    Socket made = Socket::make(address.is_v6() ? AF_INET6 : AF_INET, operation);
    made.set_option(IPPROTO_TCP, TCP_NODELAY, 1, operation);
    if (local) {
        // The kernel chooses the port once it knows the other end.
        made.set_option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1, operation);
        local->set_port(0);
        if (::bind(made.fd(), static_cast<const sockaddr*>(local->data()), local->size()) != 0) {
            throw_errno(operation + " from " + local->host());
        }
    }
    AttachedSocket socket(loop, std::move(made), operation);
    IoAwaiter<ConnectOperation, AttachedSocket> connecting(socket);
    connecting.operation.address = address.data();
    connecting.operation.address_size = address.size();
    std::int32_t outcome = co_await connecting;
    if (outcome < 0) throw IoError(errno_code(-outcome), operation);
    co_return socket.into_stream(address.to_string());
}

}  // namespace

Task<std::unique_ptr<Stream>> connect_tcp(Resolver& resolver, std::string host, std::uint16_t port,
                                          ConnectOptions options) {
    std::vector<Address> addresses = co_await resolver.resolve(host, port);
    bool literal_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
    std::string name = (literal_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    co_return co_await connect_tcp(std::move(addresses), std::move(name), options);
}

Task<std::unique_ptr<Stream>> connect_tcp(std::vector<Address> addresses, std::string name, ConnectOptions options) {
    const detail::TaskContext context = co_await current_context();
    Loop& loop = static_cast<Loop&>(*context.executor);
    const std::optional<Address> local = options.local_address();
    if (local) {
        std::erase_if(addresses, [&local](const Address& address) { return address.is_v6() != local->is_v6(); });
        if (addresses.empty()) {
            throw IoError(errno_code(EAFNOSUPPORT), "connect to " + name + " from " + local->host());
        }
    }
    if (addresses.size() == 1) co_return co_await connect_to(loop, std::move(name), addresses[0], local);
    ConnectAttempt attempt = [&loop, name, local](Address address) { return connect_to(loop, name, address, local); };
    co_return co_await race_to_connect(interleave_families(addresses), options.attempt_delay(), std::move(attempt));
}

}  // namespace caropig::net
