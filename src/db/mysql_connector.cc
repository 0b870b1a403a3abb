#include "db/mysql_connector.h"

#include "db/mysql_error.h"
#include "db/mysql_tls.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/net/resolver.h>

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace caropig::db {
namespace {

using Tls = MysqlSettings::Tls;

/// How long an address may be silent before the next one of the host is tried: one lost SYN, and below connect_timeout.
constexpr std::chrono::milliseconds kAddressLimit{1200};
/// Handshakes at once. They take a millisecond or two; a silent server holds a thread until the deadline of the task.
constexpr std::size_t kTlsThreads = 4;
/// With these a password can't be had from what is sent, whoever the server is.
constexpr const char* kSafeAuthentication = "caropig_tls,mysql_native_password,client_ed25519,caching_sha2_password";

Error unavailable(const MysqlSettings& settings, std::string_view why) {
    return {Error::Kind::kUnavailable, settings.name, {}, why};
}

Error connect_error(MYSQL* mysql, const MysqlSettings& settings) {
    const MysqlFailure failure = MysqlFailure::of(mysql);
    if (failure.code == 0) return unavailable(settings, "the connection is not encrypted");
    return make_mysql_error(failure, MysqlStage::kConnect, settings.name, {});
}

}  // namespace

MysqlConnector::MysqlConnector(Loop& loop, MysqlSettings settings) : loop_(loop), settings_(std::move(settings)) {}

MysqlConnector::~MysqlConnector() = default;

Task<std::unique_ptr<MysqlHandle>> MysqlConnector::connect() {
    if (!settings_.unix_socket.empty()) co_return co_await connect_to_socket();
    std::vector<net::Address> addresses;
    std::optional<Error> failure;
    try {
        addresses = co_await loop_.local<net::Resolver>().resolve(settings_.host, settings_.port);
    } catch (const TimeoutError& error) {
        failure.emplace(Error::Kind::kTimeout, settings_.name, "", error.what(), "", 0, error.code());
    } catch (const IoError& error) {
        failure.emplace(Error::Kind::kUnavailable, settings_.name, "", error.what(), "", 0, error.code());
    }
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        auto handle = co_await try_address(addresses[i], i + 1 == addresses.size(), failure);
        if (handle != nullptr) co_return handle;
    }
    throw *std::move(failure);
}

/// Null where that failed: `failure` says why.
Task<std::unique_ptr<MysqlHandle>> MysqlConnector::try_address(net::Address address, bool last,
                                                               std::optional<Error>& failure) {
    try {
        if (last) co_return co_await connect_to(address);
        Task<std::unique_ptr<MysqlHandle>> attempt = connect_to(address);
        co_return co_await with_timeout(kAddressLimit, std::move(attempt));
    } catch (const Error& error) {
        failure = error;
    } catch (const TimeoutError& error) {
        failure = unavailable(settings_, error.what());
    }
    co_return nullptr;
}

Task<std::unique_ptr<MysqlHandle>> MysqlConnector::connect_to(net::Address address) {
    const std::string host = address.host();  // outlives the handle, whose call may use it to the last
    auto handle = std::make_unique<MysqlHandle>(loop_);
    if (settings_.tls != Tls::kVerifyCa && settings_.tls != Tls::kVerifyIdentity) {
        ::mysql_optionsv(handle->get(), MARIADB_OPT_RESTRICTED_AUTH, kSafeAuthentication);
    }
    if (settings_.tls == Tls::kDisabled) {
        co_await connect_plain(*handle, host, address.port());
        co_return handle;
    }
    if (threads_ == nullptr) {
        threads_ = std::make_unique<ThreadPool>(ThreadPoolOptions().threads(kTlsThreads).name("mysql-tls"));
    }
    const bool connected = co_await connect_with_tls(*threads_, handle->get(), settings_, address);
    if (!connected) throw connect_error(handle->get(), settings_);
    handle->enable_nonblocking();
    co_return handle;
}

Task<std::unique_ptr<MysqlHandle>> MysqlConnector::connect_to_socket() {
    const std::string no_host;
    auto handle = std::make_unique<MysqlHandle>(loop_);
    co_await connect_plain(*handle, no_host, 0);
    co_return handle;
}

Task<void> MysqlConnector::connect_plain(MysqlHandle& handle, const std::string& host, unsigned port) {
    handle.enable_nonblocking();
    auto text = [](const std::string& value) { return value.empty() ? nullptr : value.c_str(); };
    MYSQL* mysql = handle.get();
    auto start = [&](int* failed) {
        MYSQL* connected = nullptr;
        const int waits_for = ::mysql_real_connect_start(&connected, mysql, text(host), settings_.user.c_str(),
                                                         settings_.password.c_str(), text(settings_.database), port,
                                                         text(settings_.unix_socket), CLIENT_REMEMBER_OPTIONS);
        *failed = connected == nullptr ? 1 : 0;
        return waits_for;
    };
    auto resume = [mysql](int* failed, int ready) {
        MYSQL* connected = nullptr;
        const int waits_for = ::mysql_real_connect_cont(&connected, mysql, ready);
        *failed = connected == nullptr ? 1 : 0;
        return waits_for;
    };
    const int failed = co_await handle.call(std::ref(start), resume);
    if (failed != 0) throw connect_error(mysql, settings_);
}

Task<void> MysqlConnector::kill_query(unsigned long thread) {
    const std::string sql = fmt::format("KILL QUERY {}", thread);  // outlives the handle, whose call may use it
    std::unique_ptr<MysqlHandle> handle = co_await connect();
    MYSQL* mysql = handle->get();
    auto start = [&sql, mysql](int* failed) { return ::mysql_real_query_start(failed, mysql, sql.data(), sql.size()); };
    auto resume = [mysql](int* failed, int ready) { return ::mysql_real_query_cont(failed, mysql, ready); };
    const int failed = co_await handle->call(std::ref(start), resume);
    if (failed == 0) co_return;
    const MysqlFailure failure = MysqlFailure::of(mysql);
    throw make_mysql_error(failure, MysqlStage::kExecute, settings_.name, "KILL QUERY");
}

}  // namespace caropig::db
