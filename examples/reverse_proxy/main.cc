// A site in front of others: its own page, and below /api/ what the upstreams answer, taking turns.

#include <caropig/web/application.h>
#include <caropig/web/command_line.h>
#include <caropig/web/reverse_proxy.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

using namespace caropig;

int main(int argc, char** argv) {
    std::string first = "http://127.0.0.1:9000";
    std::string second;
    web::CommandLine command_line("reverse_proxy", "Passes /api/ on to other servers");
    command_line.option("--upstream", first, "URL of the server that answers");
    command_line.option("--second", second, "URL of another one, which takes turns with it");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    std::vector<std::string> upstreams{first};
    if (!second.empty()) upstreams.push_back(second);
    web::Application app;
    app.get("/", [] { return "in front\n"; });
    try {
        app.any("/api/{path:path}", web::reverse_proxy(upstreams, web::ReverseProxyOptions().strip_prefix("/api")));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return web::run(app, command_line);
}
