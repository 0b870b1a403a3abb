#pragma once

#include <caropig/base/error.h>
#include <caropig/base/result.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caropig::client {

/// A proxy, as a URL names it.
struct Proxy {
    enum class Kind {
        kHttp,          ///< "http": absolute-form for http, CONNECT for https (RFC 9110 7.3.2, 9.3.6)
        kHttps,         ///< "https": the same within a session of TLS
        kSocks5,        ///< "socks5": names are resolved here (RFC 1928)
        kSocks5Remote,  ///< "socks5h": by the proxy
    };
    Kind kind = Kind::kHttp;
    std::string host;  ///< an IPv6 address stands without its brackets
    std::uint16_t port = 0;
    std::string user;  ///< decoded; both empty: none
    std::string password;

    /// "127.0.0.1:1080": what errors say. Never user and password.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] bool speaks_http() const noexcept { return kind == Kind::kHttp || kind == Kind::kHttps; }
    /// The value of Proxy-Authorization (RFC 7617); empty without a user.
    [[nodiscard]] std::string authorization() const;
};

/// Reads "[scheme://][user[:password]@]host[:port][/]". As curl has it: without a scheme it is http, without a port
/// 1080 (443 with https). The error is one line without the password.
Result<Proxy, std::string> parse_proxy(std::string_view url);

/// The hosts that are reached directly, as curl's NO_PROXY has them: names separated by commas or spaces, each for
/// itself and what is below it, with or without a dot before; addresses, and networks as "10.0.0.0/8"; "*" for all.
class DirectHosts {
public:
    DirectHosts() = default;
    explicit DirectHosts(std::string_view list);
    [[nodiscard]] bool contains(std::string_view host) const;

private:
    std::vector<std::string> names_;  // in lower case, without a dot at either end
    std::vector<std::string> networks_;
    bool all_ = false;
};

/// Which proxy to use for what.
struct ProxyRules {
    std::optional<Proxy> for_http;
    std::optional<Proxy> for_https;
    DirectHosts direct;

    /// Null: none.
    [[nodiscard]] const Proxy* choose(std::string_view scheme, std::string_view host) const;

    /// By http_proxy, https_proxy, all_proxy and no_proxy, each (but http_proxy, which a CGI program's client can set)
    /// also in upper case, the lower case first. `get` gives a variable's value or null. Throws std::invalid_argument.
    static ProxyRules from_environment(const std::function<const char*(const char* name)>& get);
};

/// What a proxy would not do. what() is one line: "proxy 127.0.0.1:3128, asked for example.com:443: it answered 407
/// Proxy Authentication Required".
class ProxyError : public IoError {
public:
    ProxyError(std::error_code code, const Proxy& proxy, std::string_view target, std::string_view detail);
    [[nodiscard]] const char* what() const noexcept override { return line_.c_str(); }

private:
    std::string line_;
};

}  // namespace caropig::client
