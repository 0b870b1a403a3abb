#pragma once

#include <caropig/async/future.h>
#include <caropig/client/fetch_request.h>
#include <caropig/web/application.h>

#include <functional>
#include <memory>
#include <string>

/// \file
/// The tutorial's framework as an application: /index answers at once, /req waits for a future that an upstream request
/// or /stop sets, and /stop sets the oldest one, on whichever worker it waits.
namespace tutorial {

/// What a waiting request is given: the upstream's answer, or "ok" from /stop.
struct Answer {
    int status = 200;
    std::string body;
    std::string content_type;
};

/// The futures of the requests that wait, the oldest first; used by all workers.
class RequestList;

caropig::web::Response index();
caropig::web::Response callback(const caropig::web::Request& request, const caropig::Future<Answer>& future);
caropig::Task<caropig::web::Response> req(caropig::web::Request& request, RequestList& request_list,
                                          caropig::client::FetchRequest upstream);
caropig::web::Response stop(RequestList& request_list);

/// Adds the three routes. `upstream` gives what /req asks, a URL or more; it is called for each request, on any worker.
void add_routes(caropig::web::Application& application, std::function<caropig::client::FetchRequest()> upstream);

}  // namespace tutorial
