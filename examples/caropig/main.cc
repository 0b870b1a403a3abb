// The tutorial's own program: a table of routes with index, req and stop, and a callback that makes the response from a
// future's value. Start it with --upstream URL; without one, /req asks the slow page of this program itself.

#include <caropig/loop/timer.h>
#include <caropig/web/command_line.h>

#include <chrono>
#include <cstdio>

#include "routes.h"

using namespace caropig;

Task<web::Response> slow() {
    co_await sleep_for(std::chrono::seconds(10));
    co_return "a slow page\n";
}

int main(int argc, char** argv) {
    std::string upstream;
    web::CommandLine command_line("caropig", "The tutorial's framework: /index, /req and /stop");
    command_line.option("--upstream", upstream, "URL that /req asks");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    web::Application application;
    tutorial::add_routes(application, [&upstream] { return upstream; });
    application.get("/slow", slow);
    command_line.serve_options().on_listening = [&upstream](const std::string& address) {
        if (upstream.empty()) upstream = "http://" + address + "/slow";
        std::printf("listening on %s\n", address.c_str());
        std::fflush(stdout);
    };
    return web::run(application, command_line);
}
