#include "server/forwarding.h"

#include "http/authority.h"
#include "http/forwarded.h"
#include <caropig/http/chars.h>
#include <caropig/net/address.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ranges>
#include <span>

namespace caropig::server {
namespace {

/// Cuts the last element off a list; it is without whitespace at its ends.
std::string_view take_last(std::string_view& list) {
    const std::size_t comma = list.rfind(',');
    const std::string_view last = list.substr(comma + 1);  // npos + 1 is 0
    list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
    return http::trim_ows(last);
}

/// The last element of the list that all fields of that name make.
std::optional<std::string_view> last_of(http::HeadersView headers, std::string_view name) {
    for (const http::HeaderView& field : std::views::reverse(std::span(headers.begin(), headers.size()))) {
        if (!http::iequals(field.name, name)) continue;
        std::string_view list = field.value;
        return take_last(list);
    }
    return std::nullopt;
}

void set_scheme(ClientInfo& client, std::string_view text) {
    for (const std::string_view scheme : {"http", "https"}) {
        if (http::iequals(text, scheme)) client.scheme = scheme;
    }
}

void set_host(ClientInfo& client, std::string_view text) {
    if (http::split_authority(text)) client.host = text;
}

/// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80"; outside of Forwarded, "2001:db8::1" too.
std::optional<net::Address> parse_node(std::string_view text) {
    constexpr std::size_t kLongest = 64;
    if (text.size() > kLongest || text.find('%') != std::string_view::npos) return std::nullopt;
    if (std::ranges::count(text, ':') > 1 && !text.starts_with('[')) return net::Address::parse(text, 0);
    const auto node = http::split_authority(text);
    if (!node) return std::nullopt;
    auto address = net::Address::parse(node->host, 0);
    if (address && address->is_v6() != node->is_ipv6) return std::nullopt;
    return address;
}

/// Moves to the node before; whether the walk goes on from there.
bool step(const ProxyOptions& options, ClientInfo& client, std::string_view node) {
    const auto address = parse_node(node);
    if (!address) return false;
    client.ip = address->host();
    return options.trusted().contains(*address);
}

void follow_x_forwarded(const ProxyOptions& options, ClientInfo& client, http::HeadersView headers) {
    if (const auto proto = last_of(headers, "X-Forwarded-Proto")) set_scheme(client, *proto);
    if (const auto host = last_of(headers, "X-Forwarded-Host")) set_host(client, *host);
    for (const http::HeaderView& field : std::views::reverse(std::span(headers.begin(), headers.size()))) {
        if (!http::iequals(field.name, "X-Forwarded-For")) continue;
        for (std::string_view list = field.value; !list.empty();) {
            if (!step(options, client, take_last(list))) return;
        }
    }
}

void follow_forwarded(const ProxyOptions& options, ClientInfo& client, http::HeadersView headers) {
    for (const http::HeaderView& field : std::views::reverse(std::span(headers.begin(), headers.size()))) {
        if (!http::iequals(field.name, "Forwarded")) continue;
        const auto elements = http::parse_forwarded(field.value);
        if (!elements) return;
        for (const http::ForwardedElement& element : std::views::reverse(*elements)) {
            set_scheme(client, element.proto);
            set_host(client, element.host);
            if (!step(options, client, element.node)) return;
        }
    }
}

}  // namespace

ClientInfo follow_proxies(const ProxyOptions& options, std::string_view peer, ClientInfo direct,
                          http::HeadersView headers) {
    if (!options.trusted().contains_peer(peer)) return direct;
    if (options.fields() == ProxyOptions::Fields::kForwarded) {
        follow_forwarded(options, direct, headers);
    } else {
        follow_x_forwarded(options, direct, headers);
    }
    return direct;
}

}  // namespace caropig::server
