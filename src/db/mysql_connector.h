#pragma once

#include "db/mysql_handle.h"
#include "db/mysql_settings.h"
#include <caropig/db/error.h>
#include <caropig/net/address.h>

#include <memory>
#include <optional>

namespace caropig {
class Loop;
class ThreadPool;
}  // namespace caropig

namespace caropig::db {

/// Makes connections to one server: those that the pool asks for, and those that kill a statement of another. Shared by
/// the driver and its connections, so that either may go first.
class MysqlConnector {
public:
    MysqlConnector(Loop& loop, MysqlSettings settings);
    MysqlConnector(const MysqlConnector&) = delete;
    MysqlConnector& operator=(const MysqlConnector&) = delete;
    ~MysqlConnector();

    /// Tries the addresses of the host one after the other. Throws Error (kUnavailable; kTimeout when its name is not
    /// resolved in time), Cancelled.
    Task<std::unique_ptr<MysqlHandle>> connect();

    /// Has the server stop what the connection `thread` of it is doing, over a connection of its own; when it ends, the
    /// server has done so. Throws Error, Cancelled.
    Task<void> kill_query(unsigned long thread);

    [[nodiscard]] Loop& loop() const noexcept { return loop_; }
    [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }

private:
    Task<std::unique_ptr<MysqlHandle>> connect_to_socket();
    Task<std::unique_ptr<MysqlHandle>> connect_to(net::Address address);
    Task<std::unique_ptr<MysqlHandle>> try_address(net::Address address, bool last, std::optional<Error>& failure);
    Task<void> connect_plain(MysqlHandle& handle, const std::string& host, unsigned port);

    Loop& loop_;
    MysqlSettings settings_;
    std::unique_ptr<ThreadPool> threads_;  // for TLS; made when first needed
};

}  // namespace caropig::db
