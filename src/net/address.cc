#include <caropig/net/address.h>

#include <cstring>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace caropig::net {
namespace {

template <class Sockaddr>
Sockaddr load(const void* data) noexcept {
    Sockaddr result;
    std::memcpy(&result, data, sizeof result);
    return result;
}

sa_family_t family_of(const void* data) noexcept { return load<sockaddr>(data).sa_family; }

}  // namespace

std::optional<Address> Address::from_sockaddr(const void* address, std::size_t size) noexcept {
    static_assert(sizeof(sockaddr_in6) <= sizeof storage_);
    if (size < sizeof(sockaddr)) return std::nullopt;
    Address result;
    switch (family_of(address)) {
        case AF_INET:
            result.size_ = sizeof(sockaddr_in);
            break;
        case AF_INET6:
            result.size_ = sizeof(sockaddr_in6);
            break;
        default:
            return std::nullopt;
    }
    if (size < result.size_) return std::nullopt;
    std::memcpy(result.storage_.data(), address, result.size_);
    return result;
}

std::optional<Address> Address::parse(std::string_view literal, std::uint16_t port) {
    if (literal.size() >= 2 && literal.front() == '[' && literal.back() == ']') {
        literal = literal.substr(1, literal.size() - 2);
        if (literal.find(':') == std::string_view::npos) return std::nullopt;
    }
    if (literal.find('\0') != std::string_view::npos) return std::nullopt;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::string text(literal);
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) return from_sockaddr(&v4, sizeof v4);

    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (std::size_t percent = text.find('%'); percent != std::string::npos) {
        v6.sin6_scope_id = ::if_nametoindex(text.c_str() + percent + 1);
        if (v6.sin6_scope_id == 0) return std::nullopt;
        text.resize(percent);
    }
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) return from_sockaddr(&v6, sizeof v6);
    return std::nullopt;
}

bool Address::is_v6() const noexcept { return size_ == sizeof(sockaddr_in6); }

std::uint16_t Address::port() const noexcept {
    return ntohs(is_v6() ? load<sockaddr_in6>(data()).sin6_port : load<sockaddr_in>(data()).sin_port);
}

void Address::set_port(std::uint16_t port) noexcept {
    in_port_t value = htons(port);
    std::size_t offset = is_v6() ? offsetof(sockaddr_in6, sin6_port) : offsetof(sockaddr_in, sin_port);
    std::memcpy(storage_.data() + offset, &value, sizeof value);
}

ConstBytes Address::bytes() const noexcept {
    constexpr std::size_t kSize4 = 4;
    constexpr std::size_t kSize6 = 16;
    return is_v6() ? ConstBytes(storage_).subspan(offsetof(sockaddr_in6, sin6_addr), kSize6)
                   : ConstBytes(storage_).subspan(offsetof(sockaddr_in, sin_addr), kSize4);
}

std::string Address::host() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!is_v6()) {
        auto v4 = load<sockaddr_in>(data());
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return text.data();
    }
    auto v6 = load<sockaddr_in6>(data());
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
        return text.data();
    }
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    std::string result = text.data();
    if (v6.sin6_scope_id != 0) {
        std::array<char, IF_NAMESIZE> interface{};
        if (::if_indextoname(v6.sin6_scope_id, interface.data()) != nullptr)
            result.append("%").append(interface.data());
    }
    return result;
}

std::string Address::to_string() const {
    std::string name = host();
    bool bracketed = name.find(':') != std::string::npos;
    return (bracketed ? "[" + name + "]" : name) + ":" + std::to_string(port());
}

}  // namespace caropig::net
