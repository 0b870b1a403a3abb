#include "db/database_state.h"

#include <caropig/loop/loop.h>

#include <algorithm>
#include <atomic>
#include <utility>

namespace caropig::db::detail {
namespace {

/// The pools of one loop, by the numbers of their databases.
class PoolsOfLoop {
public:
    explicit PoolsOfLoop(Loop& /*loop*/) {}

    [[nodiscard]] Pool* find(std::uint64_t id) const noexcept {
        for (const auto& [owner, pool] : pools_) {
            if (owner == id) return pool.get();
        }
        return nullptr;
    }
    Pool& add(std::uint64_t id, std::unique_ptr<Pool> pool) { return *pools_.emplace_back(id, std::move(pool)).second; }
    /// Closes the pool; where a task still holds a connection, the rest of it goes with the loop.
    void close(std::uint64_t id) noexcept {
        Pool* pool = find(id);
        if (pool == nullptr) return;
        pool->close();
        std::erase_if(pools_, [id](const auto& entry) { return entry.first == id && entry.second->unused(); });
    }

private:
    std::vector<std::pair<std::uint64_t, std::unique_ptr<Pool>>> pools_;
};

std::uint64_t next_id() noexcept {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

}  // namespace

DatabaseState::DatabaseState(std::string name, DatabaseUrl::Kind kind, const PoolOptions& options,
                             MakeDriver make_driver)
    : id_(next_id()), name_(std::move(name)), kind_(kind), options_(options), make_driver_(std::move(make_driver)) {}

DatabaseState::~DatabaseState() {
    for (const auto& loop : loops_) {
        loop->post([id = id_] { Loop::current().local<PoolsOfLoop>().close(id); });
    }
}

Pool& DatabaseState::pool(Loop& loop) {
    auto& pools = loop.local<PoolsOfLoop>();
    if (Pool* found = pools.find(id_)) return *found;
    Pool& made = pools.add(id_, std::make_unique<Pool>(loop, make_driver_(loop), options_));
    const std::lock_guard lock(mutex_);
    loops_.push_back(loop.remote());
    return made;
}

}  // namespace caropig::db::detail
