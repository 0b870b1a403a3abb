// caropig-demo: the tutorial's systems in one program, and a page to try them from. `./dev run` starts it.

#include "demo/page.h"
#include "index_handler.h"
#include "routes.h"
#include <caropig/client/fetch_request.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/loop/timer.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace caropig;
using web::Response;

Task<Response> slow() {
    co_await sleep_for(std::chrono::seconds(10));
    co_return Response::text("a slow page\n");
}

/// What is wrong with the flags, in one line; empty when nothing is.
std::string complaint(const std::string& upstream, double seconds, bool on_unix_socket) {
    if (!(seconds >= 0 && seconds <= 60)) return "--seconds: 0 to 60 is expected";
    if (upstream.empty()) return on_unix_socket ? "--unix-socket: needs an --upstream for /req" : "";
    try {
        client::FetchRequest request(upstream);
        return {};
    } catch (const std::invalid_argument& error) {
        return "--upstream: " + std::string(error.what());
    }
}

/// The listening address as a browser on this machine reaches it.
std::string base_url(std::string_view address) {
    for (std::string_view any : {"0.0.0.0:", "[::]:"}) {
        if (address.starts_with(any)) return "http://127.0.0.1:" + std::string(address.substr(any.size()));
    }
    return "http://" + std::string(address);
}

}  // namespace

int main(int argc, char** argv) {
    std::string upstream_flag;
    double seconds = 5;
    web::CommandLine command_line("caropig-demo", "The tutorial's three systems, and a page to try them from");
    command_line.option("--upstream", upstream_flag, "URL that /req asks; by default /slow of this program");
    command_line.option("--seconds", seconds, "How long /tornado waits for its thread, 0 to 60");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;
    server::ServeOptions& options = command_line.serve_options();
    const bool on_unix_socket = !options.unix_socket.empty();
    if (std::string text = complaint(upstream_flag, seconds, on_unix_socket); !text.empty()) {
        std::fprintf(stderr, "%s\n", text.c_str());
        return 2;
    }

    std::string upstream = upstream_flag;
    ThreadPool pool(ThreadPoolOptions().threads(5));
    web::Application application;
    demo::add_page(application, [&upstream, seconds] { return demo::Settings{seconds, upstream}; });
    tutorial::add_routes(application, [&upstream] { return upstream; });
    application.add<tutorial::IndexHandler>("/tornado", &pool, tutorial::Seconds(seconds));
    application.get("/slow", slow);
    options.on_listening = [&](const std::string& address) {
        std::printf("listening on %s\n", address.c_str());
        if (!on_unix_socket) {
            std::string base = base_url(address);
            if (upstream_flag.empty()) upstream = base + "/slow";
            std::printf("open %s/\n", base.c_str());
        }
        std::fflush(stdout);
    };
    return web::run(application, command_line);
}
