// The tutorial's own program: a table of routes with index, req and stop, and a callback that makes the response from a
// future's value. Start it with --upstream URL; without one, /req asks the slow page of this program itself.

#include "routes.h"
#include <caropig/loop/timer.h>
#include <caropig/web/command_line.h>

#include <chrono>
#include <cstdio>

using namespace caropig;

Task<web::Response> slow() {
    co_await sleep_for(std::chrono::seconds(10));
    co_return "a slow page\n";
}

int main(int argc, char** argv) {
    std::string upstream;
    double timeout = 20;
    unsigned max_bytes = 1024 * 1024;
    web::CommandLine command_line("caropig", "The tutorial's framework: /index, /req and /stop");
    command_line.option("--upstream", upstream, "URL that /req asks");
    command_line.option("--upstream-timeout", timeout, "Seconds that the upstream may take");
    command_line.option("--upstream-max-bytes", max_bytes, "Bytes that the upstream's answer may have");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    web::Application application;
    tutorial::add_routes(application, [&] {
        client::FetchRequest request(upstream);
        request.max_response_bytes(max_bytes);
        request.total_timeout(std::chrono::milliseconds(static_cast<std::int64_t>(timeout * 1000)));
        return request;
    });
    application.get("/slow", slow);
    command_line.serve_options().on_listening = [&upstream](const std::string& address) {
        if (upstream.empty()) upstream = "http://" + address + "/slow";
        std::printf("listening on %s\n", address.c_str());
        std::fflush(stdout);
    };
    return web::run(application, command_line);
}
