#include "db/driver.h"
#include "db/mysql_connection.h"
#include "db/mysql_connector.h"
#include "db/mysql_settings.h"

#include <utility>

namespace caropig::db {
namespace {

class MysqlDriver final : public Driver {
public:
    MysqlDriver(Loop& loop, MysqlSettings settings, const DriverOptions& options)
        : connector_(std::make_shared<MysqlConnector>(loop, std::move(settings))), options_(options) {}

    Task<std::unique_ptr<Connection>> connect() override {
        std::shared_ptr<MysqlConnector> connector = connector_;
        const DriverOptions options = options_;
        std::unique_ptr<MysqlHandle> handle = co_await connector->connect();
        co_return std::make_unique<MysqlConnection>(std::move(connector), std::move(handle), options);
    }

    [[nodiscard]] const std::string& name() const noexcept override { return connector_->name(); }

private:
    std::shared_ptr<MysqlConnector> connector_;
    DriverOptions options_;
};

}  // namespace

std::unique_ptr<Driver> make_mysql_driver(Loop& loop, const DatabaseUrl& url, const DriverOptions& options) {
    return std::make_unique<MysqlDriver>(loop, read_mysql_settings(url), options);
}

}  // namespace caropig::db
