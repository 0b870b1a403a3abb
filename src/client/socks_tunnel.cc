#include "client/tunnel.h"
#include <caropig/net/address.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

namespace caropig::client {
namespace {

// RFC 1928 and 1929: versions, methods, commands, kinds of addresses.
constexpr char kVersion = 5;
constexpr char kNoAuthentication = 0;
constexpr char kUserAndPassword = 2;
constexpr char kConnect = 1;
constexpr char kAddress4 = 1;
constexpr char kName = 3;
constexpr char kAddress6 = 4;
constexpr std::size_t kLongestName = 255;

struct Refusal {
    int error;
    std::string_view words;
};

/// What a reply code of RFC 1928, section 6, says.
Refusal refusal_of(unsigned char code) {
    switch (code) {
        case 1:
            return {EIO, "it failed"};
        case 2:
            return {EACCES, "it is not allowed"};
        case 3:
            return {ENETUNREACH, "the network is unreachable"};
        case 4:
            return {EHOSTUNREACH, "the host is unreachable"};
        case 5:
            return {ECONNREFUSED, "the connection was refused"};
        case 6:
            return {EHOSTUNREACH, "the way is too long (TTL expired)"};
        case 7:
            return {EOPNOTSUPP, "it does not know the command"};
        case 8:
            return {EAFNOSUPPORT, "it does not know the kind of address"};
        default:
            return {EPROTO, "it refused for a reason without a name"};
    }
}

/// One conversation with a proxy.
class Socks {
public:
    Socks(net::Stream& stream, const Proxy& proxy, const Target& target)
        : stream_(stream), proxy_(proxy), target_(target), name_(target.text()) {}

    Task<void> open() {
        const bool has_user = !proxy_.user.empty();
        std::string text{kVersion, static_cast<char>(has_user ? 2 : 1), kNoAuthentication};
        if (has_user) text += kUserAndPassword;
        co_await stream_.write(as_bytes(text));
        const std::string choice = co_await receive(2);
        if (choice[0] != kVersion) fail(EPROTO, "it speaks no SOCKS5");
        if (choice[1] == kUserAndPassword && has_user) {
            co_await authenticate();
        } else if (choice[1] != kNoAuthentication) {
            fail(EACCES, has_user ? "it takes no user and password" : "it wants to know who asks");
        }
        text = request();
        co_await stream_.write(as_bytes(text));
        co_await take_reply();
    }

private:
    [[noreturn]] void fail(int error, std::string_view detail) const {
        throw ProxyError(errno_code(error), proxy_, name_, detail);
    }

    /// Exactly `size` bytes: what follows is the target's.
    Task<std::string> receive(std::size_t size) {
        std::string text(size, '\0');
        std::size_t have = 0;
        while (have < size) {
            const MutableBytes rest(reinterpret_cast<std::byte*>(text.data()) + have, size - have);
            const std::size_t count = co_await stream_.read_some(rest);
            if (count == 0) fail(ECONNABORTED, "it closed the connection before its answer was whole");
            have += count;
        }
        co_return text;
    }

    Task<void> authenticate() {
        constexpr char kAuthenticationVersion = 1;
        std::string text{kAuthenticationVersion, static_cast<char>(proxy_.user.size())};
        text += proxy_.user;
        text += static_cast<char>(proxy_.password.size());
        text += proxy_.password;
        co_await stream_.write(as_bytes(text));
        const std::string answer = co_await receive(2);
        if (answer[1] != 0) fail(EACCES, "it did not accept user and password");
    }

    [[nodiscard]] std::string request() const {
        std::string text{kVersion, kConnect, 0};
        if (const auto address = net::Address::parse(target_.host, 0)) {
            text += address->is_v6() ? kAddress6 : kAddress4;
            text += as_text(address->bytes());
        } else {
            if (target_.host.empty() || target_.host.size() > kLongestName) fail(EINVAL, "the name is too long for it");
            text += kName;
            text += static_cast<char>(target_.host.size());
            text += target_.host;
        }
        text += static_cast<char>(target_.port >> 8);
        text += static_cast<char>(target_.port & 0xff);
        return text;
    }

    Task<void> take_reply() {
        const std::string head = co_await receive(4);
        if (head[0] != kVersion) fail(EPROTO, "it speaks no SOCKS5");
        if (head[1] != 0) {
            const Refusal refusal = refusal_of(static_cast<unsigned char>(head[1]));
            fail(refusal.error, refusal.words);
        }
        constexpr std::size_t kPort = 2;
        std::size_t rest = 0;  // the address that it is bound to, which nobody needs
        if (head[3] == kAddress4) {
            rest = 4;
        } else if (head[3] == kAddress6) {
            rest = 16;
        } else if (head[3] == kName) {
            const std::string length = co_await receive(1);
            rest = static_cast<unsigned char>(length[0]);
        } else {
            fail(EPROTO, "its answer has an address of no known kind");
        }
        co_await receive(rest + kPort);
    }

    net::Stream& stream_;
    const Proxy& proxy_;
    const Target& target_;
    std::string name_;
};

}  // namespace

Task<void> open_socks_tunnel(net::Stream& stream, const Proxy& proxy, Target target) {
    Socks socks(stream, proxy, target);
    co_await socks.open();
}

}  // namespace caropig::client
