#include "db/postgres_canceller.h"

#include <caropig/async/future.h>

#include <array>
#include <memory>
#include <utility>

namespace caropig::db {
namespace {

constexpr std::size_t kThreads = 4;

struct CancelDeleter {
    void operator()(PGcancel* request) const noexcept { ::PQfreeCancel(request); }
};

}  // namespace

Task<bool> PostgresCanceller::cancel(PGconn* connection) {
    std::unique_ptr<PGcancel, CancelDeleter> request(::PQgetCancel(connection));
    if (request == nullptr) co_return false;
    if (!threads_) {
        // A server that is stopped but not gone accepts the request and never answers; the stop of ours waits for none.
        threads_.emplace(
            ThreadPoolOptions().threads(kThreads).queue_limit(64).name("postgres-cancel").leaves_running(true));
    }
    Promise<bool> promise;
    Future<bool> done = promise.future();
    auto send = [request = std::move(request), promise = std::move(promise)]() mutable {
        std::array<char, 256> reason;
        // It returns once the server has closed the request's connection, which it does when the signal is sent.
        promise.set_result(::PQcancel(request.get(), reason.data(), static_cast<int>(reason.size())) != 0);
    };
    if (!threads_->post(std::move(send))) co_return false;
    co_return co_await done;
}

}  // namespace caropig::db
