#include "net/proxied_stream.h"
#include "server/connection.h"
#include "server/server_state.h"

#include <utility>

namespace caropig::server {

/// Who is no trusted proxy is closed, whatever it sends: a server that took both kinds of connections would have to
/// guess, and would believe whoever guesses right. The header is read within the deadline of the first request's head.
void Server::State::accepted_proxied(std::unique_ptr<net::Stream> stream) {
    std::string proxy = stream->peer();
    if (!options.proxies().proxy_protocol_from().contains_peer(proxy)) {
        refuse_proxied(proxy, "not one of the proxies");
        return stream->close();
    }
    struct Link {
        Connection* connection = nullptr;
    };
    auto link = std::make_unique<Link>();
    Link& to = *link;
    auto on_header = [this, proxy = std::move(proxy), link = std::move(link)](std::string_view problem) {
        if (!problem.empty()) return refuse_proxied(proxy, problem);
        // Only now it is known whose connection it is. One that was refused is only read to its end.
        Connection& connection = *link->connection;
        if (!connection.refused_ && !admits(connection)) refuse_address(connection);
    };
    Connection& connection = add(std::make_unique<net::ProxiedStream>(std::move(stream), std::move(on_header)));
    to.connection = &connection;
    if (has_room(connection)) connection.start();
}

void Server::State::refuse_proxied(const std::string& peer, std::string_view problem) {
    ++limits.proxy_protocol;
    log_refusal("connections", "proxy_protocol_from, " + peer + ": " + std::string(problem));
}

}  // namespace caropig::server
