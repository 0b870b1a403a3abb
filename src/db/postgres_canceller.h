#pragma once

#include <caropig/async/task.h>
#include <caropig/loop/thread_pool.h>

#include <optional>

#include <libpq-fe.h>

namespace caropig::db {

/// Sends cancel requests, each over a connection of its own. libpq 15 can only do that in a call that blocks, so a few
/// threads, started when the first one is needed, do it.
class PostgresCanceller {
public:
    /// Asks the server to stop what `connection` runs. True once the server has passed the request on: what the
    /// session is sent from then on is not meant by it any more. False when it could not be asked.
    ///
    /// Cancel-safe, in that the request goes on without the caller then; it uses nothing of `connection`.
    Task<bool> cancel(PGconn* connection);

private:
    std::optional<ThreadPool> threads_;
};

}  // namespace caropig::db
