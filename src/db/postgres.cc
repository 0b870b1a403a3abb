#include "db/driver.h"
#include "db/postgres_connection.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/with_timeout.h>
#include <caropig/net/resolver.h>

#include <optional>
#include <utility>

namespace caropig::db {
namespace {

/// How long an address may be silent before the next one of the host is tried: one lost SYN, and below connect_timeout.
constexpr std::chrono::milliseconds kAddressLimit{1200};

class PostgresDriver final : public Driver {
public:
    PostgresDriver(Loop& loop, PostgresSettings settings, const DriverOptions& options)
        : loop_(loop), resolver_(loop), shared_(std::make_shared<PostgresShared>()) {
        shared_->settings = std::move(settings);
        shared_->options = options;
    }

    Task<std::unique_ptr<Connection>> connect() override {
        std::unique_ptr<PostgresSocket> socket = co_await open();
        auto connection = std::make_unique<PostgresConnection>(shared_, std::move(socket));
        co_await connection->set_styles();
        co_return std::unique_ptr<Connection>(std::move(connection));
    }

    [[nodiscard]] const std::string& name() const noexcept override { return shared_->settings.name; }

private:
    Task<std::unique_ptr<PostgresSocket>> open() {
        const PostgresSettings& settings = shared_->settings;
        if (settings.host.empty()) co_return co_await PostgresSocket::open(loop_, settings, std::nullopt);
        std::string failures;
        std::vector<net::Address> addresses = co_await resolve();
        for (const net::Address& address : addresses) {
            try {
                Task<std::unique_ptr<PostgresSocket>> attempt = PostgresSocket::open(loop_, settings, address);
                if (&address == &addresses.back()) co_return co_await std::move(attempt);
                co_return co_await with_timeout(kAddressLimit, std::move(attempt));
            } catch (const Error& error) {
                if (!error.sql_state().empty()) throw;  // a server has answered
                failures += (failures.empty() ? "" : "; ") + error.message();
            } catch (const TimeoutError& error) {
                failures += (failures.empty() ? "" : "; ") + address.to_string() + ": " + error.what();
            }
        }
        throw Error(Error::Kind::kUnavailable, settings.name, "", failures);
    }

    /// libpq would look the name up in a call that blocks.
    Task<std::vector<net::Address>> resolve() {
        const PostgresSettings& settings = shared_->settings;
        try {
            co_return co_await resolver_.resolve(settings.host, settings.port);
        } catch (const IoError& error) {
            throw Error(Error::Kind::kUnavailable, settings.name, "", error.what(), {}, 0, error.code());
        }
    }

    Loop& loop_;
    net::Resolver resolver_;
    std::shared_ptr<PostgresShared> shared_;
};

}  // namespace

std::unique_ptr<Driver> make_postgres_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options) {
    return std::make_unique<PostgresDriver>(loop, read_postgres_settings(url), options);
}

}  // namespace caropig::db
