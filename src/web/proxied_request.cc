#include "web/proxied_request.h"

#include "web/hop_by_hop.h"
#include <caropig/http/chars.h>
#include <caropig/net/networks.h>
#include <caropig/web/http_error.h>

#include <algorithm>
#include <array>
#include <utility>

namespace caropig::web {
namespace {

using Forwarding = ReverseProxyOptions::Forwarding;

/// What comes with proxied_fields() beside what was received, with room to spare.
constexpr std::size_t kAddedBytes = 256;

/// Whether a server may take the segment for "." or "..".
bool is_dots(std::string_view segment) {
    std::size_t dots = 0;
    while (!segment.empty() && dots < 3) {
        const bool encoded = http::iequals(segment.substr(0, 3), "%2e");
        if (!encoded && segment.front() != '.') return false;
        segment.remove_prefix(encoded ? 3 : 1);
        ++dots;
    }
    return dots == 1 || dots == 2;
}

/// The length of what some servers take for a slash at the front of the text; 0 where it is none.
std::size_t slash_at_front(std::string_view text) {
    if (text.front() == '/' || text.front() == '\\') return 1;
    const std::string_view escape = text.substr(0, 3);
    return http::iequals(escape, "%2f") || http::iequals(escape, "%5c") ? 3 : 0;
}

bool has_dot_segments(std::string_view path) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < path.size();) {
        const std::size_t slash = slash_at_front(path.substr(i));
        if (slash != 0 && is_dots(path.substr(begin, i - begin))) return true;
        i += std::max<std::size_t>(slash, 1);
        if (slash != 0) begin = i;
    }
    return is_dots(path.substr(begin));
}

/// Compared as CGI does, to which '_' and '-' are the same: such a server would take one for the other.
bool starts_with_name(std::string_view name, std::string_view start) {
    if (name.size() < start.size()) return false;
    for (std::size_t i = 0; i < start.size(); ++i) {
        const char c = name[i] == '_' ? '-' : http::to_lower(name[i]);
        if (c != start[i]) return false;
    }
    return true;
}

/// Whether the field says who asked.
bool tells_client(std::string_view name) {
    const auto is = [name](std::string_view other) {
        return name.size() == other.size() && starts_with_name(name, other);
    };
    return is("forwarded") || is("x-real-ip") || starts_with_name(name, "x-forwarded-");
}

/// Fields that the client side writes anew, or that were for this server.
bool is_rewritten(std::string_view name) {
    constexpr std::array<std::string_view, 5> kNames{"Host", "Content-Length", "Expect", "Trailer", "Via"};
    return std::ranges::any_of(kNames, [name](std::string_view other) { return http::iequals(name, other); });
}

/// "192.0.2.1" or "\"[2001:db8::1]\"" (RFC 7239 6).
std::string forwarded_node(std::string_view ip) {
    if (ip.find(':') != std::string_view::npos) return "\"[" + std::string(ip) + "]\"";
    return ip.find('.') != std::string_view::npos ? std::string(ip) : "_" + std::string(ip);
}

std::string forwarded_element(std::string_view ip, const server::ClientInfo& client) {
    std::string element = "for=" + forwarded_node(ip);
    // A Host has no quotes and no backslashes in it.
    if (!client.host.empty()) element.append(";host=\"").append(client.host).append("\"");
    return element.append(";proto=").append(client.scheme);
}

/// A list with one element more.
std::string appended(std::string list, std::string_view element) {
    if (!list.empty()) list += ", ";
    return list.append(element);
}

/// The list that all fields of that name make.
std::string joined(http::HeadersView fields, const HopByHop& stays, std::string_view name) {
    std::string list;
    if (stays(name)) return list;
    for (const http::HeaderView& field : fields) {
        if (http::iequals(field.name, name)) list = appended(std::move(list), field.value);
    }
    return list;
}

void add_forwarding(http::Headers& out, const server::Exchange& exchange, const HopByHop& stays,
                    const ReverseProxyOptions& options) {
    if (options.forwarding() == Forwarding::kPass) return;
    const bool appends = options.forwarding() == Forwarding::kAppend;
    const server::ClientInfo client = exchange.client();
    const std::string peer = exchange.peer();
    const std::string ip(appends ? net::ip_of_peer(peer) : client.ip);
    const bool standard = options.fields() == ReverseProxyOptions::Fields::kForwarded;
    const std::string_view name = standard ? "Forwarded" : "X-Forwarded-For";
    const std::string element = standard ? forwarded_element(ip, client) : ip;
    out.add(name, appends ? appended(joined(exchange.headers(), stays, name), element) : element);
    if (standard) return;
    out.add("X-Forwarded-Proto", client.scheme);
    if (!client.host.empty()) out.add("X-Forwarded-Host", client.host);
}

std::string via_element(std::string_view version, const ReverseProxyOptions& options) {
    return std::string(version) + " " + options.via();
}

}  // namespace

std::string proxied_path(std::string_view path, std::string_view prefix, std::string_view base) {
    std::string_view rest = path;
    if (!rest.starts_with(prefix)) throw HttpError(404, "the path does not begin with the proxy's prefix");
    rest.remove_prefix(prefix.size());
    if (!rest.empty() && rest.front() != '/') throw HttpError(404, "the path does not begin with the proxy's prefix");
    if (has_dot_segments(rest)) throw HttpError(400, "the path has dot segments");
    if (rest.empty() && base.empty()) return "/";
    return std::string(base).append(rest);
}

http::Headers proxied_fields(const server::Exchange& exchange, const ReverseProxyOptions& options) {
    const http::HeadersView received = exchange.headers();
    const HopByHop stays(received);
    const bool decoded = exchange.decodes_body() && exchange.has_body();
    const bool hides = options.forwarding() != Forwarding::kPass;
    http::Headers out;
    std::size_t size = kAddedBytes;
    for (const http::HeaderView& field : received) size += field.name.size() + field.value.size() + 4;
    out.reserve(size);
    for (const http::HeaderView& field : received) {
        if (stays(field.name) || is_rewritten(field.name)) continue;
        if (hides && tells_client(field.name)) continue;
        if (decoded && http::iequals(field.name, "Content-Encoding")) continue;
        out.add(field.name, field.value);
    }
    if (options.pass_host() && !exchange.host().empty()) out.add("Host", exchange.host());
    add_forwarding(out, exchange, stays, options);
    std::string via = joined(received, stays, "Via");
    if (!options.via().empty()) {
        via = appended(std::move(via), via_element(exchange.minor_version() == 0 ? "1.0" : "1.1", options));
    }
    if (!via.empty()) out.add("Via", via);
    return out;
}

http::Headers answered_fields(const http::Headers& received, const ReverseProxyOptions& options) {
    constexpr std::array<std::string_view, 3> kOwn{"Content-Length", "Date", "Server"};
    const HopByHop stays(received);
    http::Headers out;
    out.reserve(received.wire().size() + kAddedBytes);
    for (const http::HeaderView& field : received) {
        const bool own = std::ranges::any_of(kOwn, [&](std::string_view n) { return http::iequals(field.name, n); });
        if (!own && !stays(field.name)) out.add(field.name, field.value);
    }
    if (!options.via().empty()) out.add("Via", via_element("1.1", options));
    return out;
}

http::Headers informed_fields(http::HeadersView received) {
    const HopByHop stays(received);
    http::Headers out;
    for (const http::HeaderView& field : received) {
        if (!stays(field.name) && !http::iequals(field.name, "Content-Length")) out.add(field.name, field.value);
    }
    return out;
}

}  // namespace caropig::web
