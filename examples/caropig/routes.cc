#include "routes.h"

#include <caropig/async/scope.h>
#include <caropig/client/client.h>

#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace tutorial {

using namespace caropig;
using web::Request;
using web::Response;

using SharedPromise = std::shared_ptr<Promise<Answer>>;

class RequestList {
public:
    /// Keeps a request in the list for as long as it waits.
    class Waiting {
    public:
        explicit Waiting(RequestList& list) : list_(list), promise_(std::make_shared<Promise<Answer>>()) {
            std::lock_guard lock(list_.mutex_);
            place_ = list_.promises_.insert(list_.promises_.end(), promise_);
        }
        Waiting(const Waiting&) = delete;
        Waiting& operator=(const Waiting&) = delete;
        ~Waiting() {
            std::lock_guard lock(list_.mutex_);
            list_.promises_.erase(place_);
        }
        [[nodiscard]] const SharedPromise& promise() const noexcept { return promise_; }

    private:
        RequestList& list_;
        SharedPromise promise_;
        std::list<SharedPromise>::iterator place_;
    };

    /// Sets the oldest future that has no result yet; false when nobody waits.
    bool set_oldest(const Answer& answer) {
        std::lock_guard lock(mutex_);
        for (const SharedPromise& promise : promises_) {
            if (promise->try_set_result(answer)) return true;
        }
        return false;
    }

private:
    std::mutex mutex_;
    std::list<SharedPromise> promises_;
};

namespace {

/// Asks the upstream, and sets the future with what it says, or with what went wrong.
Task<void> request_upstream(client::FetchRequest request, SharedPromise promise) {
    Answer answer;
    try {
        client::Response response = co_await client::fetch(std::move(request));
        answer.status = response.status();
        answer.content_type = response.headers().find("Content-Type").value_or(std::string_view());
        answer.body = std::move(response).body();
    } catch (const client::FetchError& error) {
        answer.status = error.kind() == client::FetchError::Kind::kTimeout ? 504 : 502;
        answer.content_type = "text/plain; charset=UTF-8";
        answer.body = std::string(error.what()) + "\n";
    }
    promise->try_set_result(std::move(answer));
}

}  // namespace

Response index() { return "ok"; }

Response callback(const Request&, const Future<Answer>& future) {
    Answer answer = future.result();
    Response response(answer.status, std::move(answer.body));
    response.content_type(answer.content_type);
    return response;
}

Task<Response> req(Request& request, RequestList& request_list, client::FetchRequest upstream) {
    auto wait = [&](Scope& scope) -> Task<Future<Answer>> {
        RequestList::Waiting waiting(
            request_list);  // ends here: who has left is off the list before the upstream request ends
        Future<Answer> future = waiting.promise()->future();
        scope.spawn(request_upstream, std::move(upstream), waiting.promise());
        co_await future;
        scope.cancel();  // set by /stop: the upstream request ends here, and closes its connection
        co_return future;
    };
    Future<Answer> future = co_await with_scope(wait);
    co_return callback(request, future);
}

Response stop(RequestList& request_list) {
    Answer answer{200, "ok", "text/html; charset=UTF-8"};
    if (request_list.set_oldest(answer)) return "ok";
    return Response::text("nobody is waiting\n", 409);
}

void add_routes(web::Application& application, std::function<client::FetchRequest()> upstream) {
    auto request_list = std::make_shared<RequestList>();
    application.get("/index", index);
    application.get("/req", [request_list, upstream = std::move(upstream)](Request& request) {
        return req(request, *request_list, upstream());
    });
    application.get("/stop", [request_list] { return stop(*request_list); });
}

}  // namespace tutorial
