#include "db/mysql_tls.h"

#include <caropig/base/error.h>
#include <caropig/loop/thread_pool.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stop_token>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <mysql/plugin_auth.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace caropig::db {
namespace {

using Tls = MysqlSettings::Tls;

constexpr const char* kPluginName = "caropig_tls";
char kSettingsKey[] = "caropig_settings";

/// A client plugin for authentication, as <mysql/client_plugin.h> has it: Debian's package ships that header without
/// one that it includes.
struct AuthenticationPlugin {
    MYSQL_CLIENT_PLUGIN_HEADER
    int (*authenticate_user)(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql);
};
constexpr int kAuthenticationType = 2;
constexpr unsigned kAuthenticationVersion = 0x0100;

/// A descriptor that ends the waits of one thread.
class Wakeup {
public:
    Wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) throw IoError(errno_code(errno), "eventfd");
    }
    Wakeup(const Wakeup&) = delete;
    Wakeup& operator=(const Wakeup&) = delete;
    ~Wakeup() { ::close(fd_); }

    [[nodiscard]] int fd() const noexcept { return fd_; }
    void wake() const noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] auto size = ::write(fd_, &one, sizeof one);
    }

private:
    int fd_;
};

/// Of the connection that this thread makes; null on a loop's thread.
thread_local const Wakeup* thread_wakeup = nullptr;

/// The library's own wait within its blocking functions.
int wait_for_socket(my_socket fd, my_bool is_read, int /*timeout*/) {
    if (thread_wakeup == nullptr) {
        errno = EAGAIN;
        return -1;
    }
    // The handshake would wait in read() rather than here if the library has made the socket blocking.
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    std::array<pollfd, 2> waits{};
    waits[0] = {fd, static_cast<short>(is_read != 0 ? POLLIN : POLLOUT), 0};
    waits[1] = {thread_wakeup->fd(), POLLIN, 0};
    int count;
    do {
        count = ::poll(waits.data(), waits.size(), -1);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return -1;
    if (waits[1].revents == 0) return 1;
    errno = ECANCELED;
    return -1;
}

/// The plugin: called before the handshake, with everything known that the server says of itself. It answers without
/// a password, so that the server asks for the kind of authentication that the account has.
int authenticate(MYSQL_PLUGIN_VIO* vio, MYSQL* mysql) {
    void* found = nullptr;
    if (::mysql_get_optionv(mysql, MARIADB_OPT_USERDATA, kSettingsKey, &found) != 0 || found == nullptr)
        return CR_ERROR;
    const auto& settings = *static_cast<const MysqlSettings*>(found);
    // Without CLIENT_SSL the library refuses to go on, as long as it is to verify the host.
    if ((mysql->server_capabilities & CLIENT_SSL) != 0) {
        if (settings.tls == Tls::kVerifyIdentity) {
            char* name = ::strdup(settings.host.c_str());
            if (name == nullptr) return CR_ERROR;
            std::free(mysql->host);
            mysql->host = name;
        } else {
            const my_bool no = 0;
            ::mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &no);
        }
    }
    const int socket = ::mysql_get_socket(mysql);
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
    return vio->write_packet(vio, nullptr, 0) != 0 ? CR_ERROR : CR_OK;
}

void register_plugin(MYSQL* mysql) {
    static AuthenticationPlugin plugin = [] {
        AuthenticationPlugin made{};
        made.type = kAuthenticationType;
        made.interface_version = kAuthenticationVersion;
        made.name = kPluginName;
        made.author = "CaroPig";
        made.desc = "tells the library the host's name";
        made.version[0] = 1;
        made.license = "MIT";
        made.authenticate_user = &authenticate;
        return made;
    }();
    static std::once_flag once;
    std::call_once(
        once, [mysql] { ::mysql_client_register_plugin(mysql, reinterpret_cast<st_mysql_client_plugin*>(&plugin)); });
}

/// "0x7f000001", "::1%0": getaddrinfo() takes them, and neither the name nor the address of a certificate matches them.
std::string spelled_oddly(const net::Address& address) {
    if (address.is_v6()) {
        std::string host = address.host();
        if (host.find(':') != std::string::npos) return host.find('%') == std::string::npos ? host + "%0" : host;
        return fmt::format("::ffff:{}%0", host);
    }
    sockaddr_in v4{};
    std::memcpy(&v4, address.data(), sizeof v4);
    return fmt::format("{:#010x}", ntohl(v4.sin_addr.s_addr));
}

void set_options(MYSQL* mysql, const MysqlSettings& settings) {
    register_plugin(mysql);
    const my_bool yes = 1;
    ::mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    ::mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    if (!settings.ssl_ca.empty()) ::mysql_options(mysql, MYSQL_OPT_SSL_CA, settings.ssl_ca.c_str());
    if (!settings.ssl_cert.empty()) {
        ::mysql_options(mysql, MYSQL_OPT_SSL_CERT, settings.ssl_cert.c_str());
        ::mysql_options(mysql, MYSQL_OPT_SSL_KEY, settings.ssl_key.c_str());
    }
    ::mysql_options(mysql, MYSQL_DEFAULT_AUTH, kPluginName);
    ::mysql_optionsv(mysql, MARIADB_OPT_USERDATA, kSettingsKey, &settings);
}

bool connect_blocking(std::stop_token stop, MYSQL* mysql, const MysqlSettings& settings, const net::Address& address) {
    const Wakeup wakeup;
    std::stop_callback on_stop(stop, [&wakeup] { wakeup.wake(); });
    thread_wakeup = &wakeup;
    const std::string host = spelled_oddly(address);
    const MYSQL* connected = ::mysql_real_connect(mysql, host.c_str(), settings.user.c_str(), settings.password.c_str(),
                                                  settings.database.empty() ? nullptr : settings.database.c_str(),
                                                  address.port(), nullptr, CLIENT_REMEMBER_OPTIONS);
    thread_wakeup = nullptr;
    return connected != nullptr;
}

}  // namespace

void forbid_blocking_waits(MYSQL* mysql) {
    ::mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, reinterpret_cast<void*>(&wait_for_socket));
}

Task<bool> connect_with_tls(ThreadPool& threads, MYSQL* mysql, const MysqlSettings& settings,
                            const net::Address& address) {
    set_options(mysql, settings);
    auto connect = [&](std::stop_token stop) { return connect_blocking(std::move(stop), mysql, settings, address); };
    const bool connected = co_await threads.run(std::ref(connect));
    // That it is encrypted is nothing to take on trust.
    co_return connected&& ::mysql_get_ssl_cipher(mysql) != nullptr;
}

}  // namespace caropig::db
