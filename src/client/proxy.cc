#include "client/proxy.h"

#include "http/base64.h"
#include <caropig/http/url.h>
#include <caropig/net/address.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace caropig::client {
namespace {

constexpr std::uint16_t kDefaultPort = 1080;

struct Scheme {
    std::string_view name;
    Proxy::Kind kind;
};
constexpr std::array<Scheme, 4> kSchemes{{{"http", Proxy::Kind::kHttp},
                                          {"https", Proxy::Kind::kHttps},
                                          {"socks5", Proxy::Kind::kSocks5},
                                          {"socks5h", Proxy::Kind::kSocks5Remote}}};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

bool printable(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; });
}

/// Takes "user:password@" off the front of `rest`; false when it is not well formed.
bool take_credentials(std::string_view& rest, Proxy& proxy) {
    const std::size_t at = rest.rfind('@');
    if (at == std::string_view::npos) return true;
    const std::string_view info = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    const std::size_t colon = info.find(':');
    const auto user = http::percent_decode(info.substr(0, colon));
    const auto password =
        http::percent_decode(colon == std::string_view::npos ? std::string_view() : info.substr(colon + 1));
    if (!user || !password || !printable(*user) || !printable(*password)) return false;
    proxy.user = *user;
    proxy.password = *password;
    // RFC 7617: a colon ends the user. RFC 1929: one byte says the length.
    if (proxy.speaks_http()) return user->find(':') == std::string::npos;
    constexpr std::size_t kLongest = 255;
    return !user->empty() && user->size() <= kLongest && !password->empty() && password->size() <= kLongest;
}

std::string_view without_brackets(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
    return host;
}

/// Whether `network`, "192.0.2.0/24" or an address alone, contains `host`.
bool network_contains(std::string_view network, const net::Address& host) {
    const std::size_t slash = network.find('/');
    const auto base = net::Address::parse(without_brackets(network.substr(0, slash)), 0);
    if (!base || base->is_v6() != host.is_v6()) return false;
    const std::string_view one = as_text(base->bytes());
    const std::string_view two = as_text(host.bytes());
    std::size_t bits = one.size() * 8;
    if (slash != std::string_view::npos) {
        const std::string_view text = network.substr(slash + 1);
        const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size() || bits > one.size() * 8) return false;
    }
    if (one.substr(0, bits / 8) != two.substr(0, bits / 8)) return false;
    if (bits % 8 == 0) return true;
    const auto differing = static_cast<unsigned char>(one[bits / 8] ^ two[bits / 8]);
    return differing >> (8 - bits % 8) == 0;
}

std::string_view without_last_dot(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    return host;
}

}  // namespace

std::string Proxy::name() const {
    const bool is_v6 = host.find(':') != std::string::npos;
    return (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Proxy::authorization() const {
    if (user.empty() && password.empty()) return {};
    return "Basic " + http::to_base64(user + ":" + password);
}

Result<Proxy, std::string> parse_proxy(std::string_view url) {
    Proxy proxy;
    std::string_view rest = url;
    if (const std::size_t end = url.find("://"); end != std::string_view::npos) {
        const std::string name = lower(url.substr(0, end));
        const auto* const scheme = std::ranges::find(kSchemes, name, &Scheme::name);
        if (scheme == kSchemes.end()) {
            return std::unexpected("proxy: its scheme is none of http, https, socks5 and socks5h");
        }
        proxy.kind = scheme->kind;
        rest.remove_prefix(end + 3);
    }
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (!take_credentials(rest, proxy)) return std::unexpected("proxy: its user or password can't be sent");
    const std::size_t bracket = rest.rfind(']');
    const bool has_port = rest.find(':', bracket == std::string_view::npos ? 0 : bracket) != std::string_view::npos;
    Result<http::Url, std::string> parsed = http::parse_url(fmt::format("http://{}", rest));
    if (!parsed) return std::unexpected(fmt::format("proxy: {}", parsed.error()));
    if (parsed->path != "/" || !parsed->query.empty() || !parsed->fragment.empty() || !parsed->userinfo.empty()) {
        return std::unexpected("proxy: there is more than a host and a port");
    }
    proxy.host = parsed->host;
    proxy.port = has_port ? parsed->port : proxy.kind == Proxy::Kind::kHttps ? std::uint16_t{443} : kDefaultPort;
    return proxy;
}

DirectHosts::DirectHosts(std::string_view list) {
    constexpr std::string_view kSeparators = ", \t";
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(kSeparators), list.size());
        std::string_view entry = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        if (entry == "*") all_ = true;
        if (entry.starts_with('.')) entry.remove_prefix(1);
        entry = without_last_dot(entry);
        if (entry.empty() || entry == "*") continue;
        const bool is_network = net::Address::parse(without_brackets(entry.substr(0, entry.find('/'))), 0).has_value();
        (is_network ? networks_ : names_).push_back(lower(entry));
    }
}

bool DirectHosts::contains(std::string_view host) const {
    if (all_) return true;
    if (const auto address = net::Address::parse(host, 0)) {
        return std::ranges::any_of(networks_, [&](const std::string& one) { return network_contains(one, *address); });
    }
    const std::string name = lower(without_last_dot(host));
    return std::ranges::any_of(names_, [&name](const std::string& entry) {
        if (!name.ends_with(entry)) return false;
        return name.size() == entry.size() || name[name.size() - entry.size() - 1] == '.';
    });
}

const Proxy* ProxyRules::choose(std::string_view scheme, std::string_view host) const {
    const std::optional<Proxy>& proxy = scheme == "https" ? for_https : for_http;
    return proxy && !direct.contains(host) ? &*proxy : nullptr;
}

ProxyRules ProxyRules::from_environment(const std::function<const char*(const char* name)>& get) {
    const auto first_of = [&get](std::initializer_list<const char*> names) -> std::string_view {
        for (const char* name : names) {
            const char* value = get(name);
            if (value != nullptr && *value != '\0') return value;
        }
        return {};
    };
    const auto parse = [](std::string_view value) -> std::optional<Proxy> {
        if (value.empty()) return std::nullopt;
        Result<Proxy, std::string> proxy = parse_proxy(value);
        if (!proxy) throw std::invalid_argument(fmt::format("environment: {}", proxy.error()));
        return *std::move(proxy);
    };
    ProxyRules rules;
    rules.for_http = parse(first_of({"http_proxy", "all_proxy", "ALL_PROXY"}));
    rules.for_https = parse(first_of({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}));
    rules.direct = DirectHosts(first_of({"no_proxy", "NO_PROXY"}));
    return rules;
}

ProxyError::ProxyError(std::error_code code, const Proxy& proxy, std::string_view target, std::string_view detail)
    : IoError(code, fmt::format("proxy {}, asked for {}", proxy.name(), target)),
      line_(fmt::format("{}: {}", operation(), detail)) {}

}  // namespace caropig::client
