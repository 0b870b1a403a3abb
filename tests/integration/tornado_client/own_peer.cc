#include "integration/tornado_client/own_peer.h"

#include <caropig/net/tcp.h>

#include <array>

namespace caropig::support {

using web::Request;
using web::Response;

namespace {

constexpr std::array kMethods{http::Method::kGet,   http::Method::kPost,   http::Method::kPut,
                              http::Method::kPatch, http::Method::kDelete, http::Method::kOptions};

Response with_field(Response response, std::string_view name, std::string_view value) {
    response.header(name, value);
    return response;
}

Response see(std::string_view url, int status) {
    return with_field(Response(status, "a page that nobody reads"), "Location", url);
}

}  // namespace

OwnPeer::OwnPeer(Loop& loop) : loop_(loop), server_(loop, application_) {
    add_routes();
    add_redirects();
    add_waits();
    auto listener = net::listen_tcp("127.0.0.1", 0);
    port = listener->port();
    server_.listen(std::move(listener));
}

OwnPeer::~OwnPeer() { loop_.run_until(server_.stop()); }

void OwnPeer::add_routes() {
    application_.get("/hello", [](Request& request) {
        return with_field(Response("Hello " + request.get_argument("name", "world")), "Content-Type", "text/plain");
    });
    application_.post(
        "/form", [](Request& request) { return request.get_argument("first") + "+" + request.get_argument("second"); });
    for (http::Method method : {http::Method::kPost, http::Method::kPut, http::Method::kPatch}) {
        application_.route(method, "/echo", [](Request& request) { return std::string(request.body()); });
    }
    application_.get("/field/{name}", [](Request& request) {
        return std::string(request.header(request.param("name")).value_or("none"));
    });
    for (http::Method method : kMethods) {
        application_.route(method, "/methods", [](Request& request) { return std::string(request.method_text()); });
    }
    application_.options("/options", [] { return with_field(Response("ok"), "Access-Control-Allow-Origin", "*"); });
    application_.get("/head", [] { return "content"; });
    application_.get("/no_content", [] { return Response(204, {}); });
    application_.get("/address", [](Request& request) { return request.remote_ip(); });
    application_.get("/filler", [](Request& request) {
        const std::string field(std::stoul(request.get_argument("field", "0")), 'x');
        return with_field(Response(std::string(std::stoul(request.get_argument("body", "0")), 'y')), "X-Filler", field);
    });
}

void OwnPeer::add_redirects() {
    for (http::Method method : kMethods) {
        application_.route(method, "/redirect", [](Request& request) {
            const std::string url = request.get_query_argument("url", "");
            if (url.empty()) return Response(301, {});
            return see(url, std::stoi(request.get_query_argument("status", "302")));
        });
    }
    application_.get("/countdown/{count:uint}", [](Request& request) {
        const unsigned long count = std::stoul(std::string(request.param("count")));
        return count == 0 ? Response("zero") : see("/countdown/" + std::to_string(count - 1), 302);
    });
    application_.post("/see_other",
                      [](Request& request) { return see("/see_other", std::stoi(std::string(request.body()))); });
    application_.get("/see_other",
                     [](Request& request) { return "GET with " + std::to_string(request.body().size()) + " bytes"; });
}

void OwnPeer::add_waits() {
    application_.get("/chunks", [this](Request& request) {
        const bool waits = !request.get_argument("wait", "").empty();
        return Response::stream([this, waits](web::BodyWriter& writer) { return write_chunks(writer, waits); });
    });
    application_.get("/trigger", [this] { return trigger(); });
    application_.get("/waiting", [this] { return std::to_string(waiters_); });
    application_.get("/release", [this] {
        for (Event& event : waiting_) event.set();
        waiters_ = 0;
        return "";
    });
}

Task<void> OwnPeer::wait() {
    Event& event = waiting_.emplace_back();
    ++waiters_;
    co_await event.wait();
}

Task<Response> OwnPeer::trigger() {
    co_await wait();
    co_return Response("released");
}

Task<void> OwnPeer::write_chunks(web::BodyWriter& writer, bool waits) {
    co_await writer.write("first");
    if (waits) co_await wait();
    co_await writer.write("second");
}

}  // namespace caropig::support
