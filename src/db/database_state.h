#pragma once

#include "db/database_url.h"
#include "db/pool.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace caropig::db::detail {

/// What all loops share of a Database: how to make a driver, and which loops have a pool. May be used on any thread.
class DatabaseState {
public:
    using MakeDriver = std::function<std::unique_ptr<Driver>(Loop& loop)>;

    DatabaseState(std::string name, DatabaseUrl::Kind kind, const PoolOptions& options, MakeDriver make_driver);
    DatabaseState(const DatabaseState&) = delete;
    DatabaseState& operator=(const DatabaseState&) = delete;
    /// Has the pools closed, each on its own loop.
    ~DatabaseState();

    /// The pool of `loop`, which is the one that runs on this thread. Made when it is first asked for.
    [[nodiscard]] Pool& pool(Loop& loop);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] DatabaseUrl::Kind kind() const noexcept { return kind_; }

private:
    const std::uint64_t id_;
    const std::string name_;
    const DatabaseUrl::Kind kind_;
    const PoolOptions options_;
    const MakeDriver make_driver_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<RemoteExecutor>> loops_;  // those that have a pool
};

}  // namespace caropig::db::detail
