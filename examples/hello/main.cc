// The smallest application: two routes, one of which waits without holding up anybody.

#include <caropig/loop/timer.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <chrono>

using namespace caropig;
using web::Request;
using web::Response;

Response hello(Request& request) { return "Hello, " + request.get_argument("name", "world") + "!\n"; }

Task<Response> later(Request&) {
    co_await sleep_for(std::chrono::seconds(1));
    co_return "a second later\n";
}

int main(int argc, char** argv) {
    web::Application app;
    app.get("/", hello);
    app.get("/later", later);
    return web::run(app, argc, argv);
}
