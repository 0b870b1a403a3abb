// caropig-demo: the tutorial's systems in one program, and a page to try them from. `./dev run` starts it.

#include "demo/first_user.h"
#include "demo/page.h"
#include "demo/read_password.h"
#include "index_handler.h"
#include "login.h"
#include "routes.h"
#include <caropig/base/log.h>
#include <caropig/client/fetch_request.h>
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/thread_pool.h>
#include <caropig/loop/timer.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
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

/// `caropig-demo add-user NAME`; its exit code.
int add_user(tutorial::Login& login, const std::string& name, bool replace) {
    if (!tutorial::account_name(name)) {
        std::fprintf(stderr, "a name has 1 to 64 letters, digits, dots, hyphens and underscores\n");
        return 1;
    }
    std::optional<std::string> password = demo::read_new_password(name);
    if (!password) return 1;
    auto add = [&]() -> Task<bool> {
        co_await login.prepare();
        co_return co_await login.accounts().add(name, *std::move(password), replace);
    };
    Loop loop;
    if (!loop.run_until(add())) {
        std::fprintf(stderr, "there is a user %s already; --replace gives it a new password\n", name.c_str());
        return 1;
    }
    std::printf("%s can log in\n", name.c_str());
    return 0;
}

int run(int argc, char** argv) {
    std::string upstream_flag;
    std::string database_url;
    std::string new_user;
    bool replace = false;
    unsigned login_attempts = 5;
    double seconds = 5;
    web::CommandLine command_line("caropig-demo", "The tutorial's three systems, and a page to try them from");
    command_line.option("--upstream", upstream_flag, "URL that /req asks; by default /slow of this program");
    command_line.option("--seconds", seconds, "How long /tornado waits for its thread, 0 to 60");
    command_line.option("--database", database_url,
                        "Where users are: sqlite:FILE, mysql://USER:PASSWORD@HOST/NAME or postgres://…; by default a "
                        "file in the user's state folder");
    command_line.option("--login-attempts", login_attempts, "Wrong passwords for an account in a minute");
    command_line.option("--replace", replace, "add-user gives a user that is there a new password");
    command_line.command("add-user", "name", new_user, "Adds a user, whose password it asks for, and ends");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;
    server::ServeOptions& options = command_line.serve_options();
    const bool on_unix_socket = !options.unix_socket.empty();
    if (std::string text = complaint(upstream_flag, seconds, on_unix_socket); !text.empty()) {
        std::fprintf(stderr, "%s\n", text.c_str());
        return 2;
    }

    if (login_attempts == 0) {
        std::fprintf(stderr, "--login-attempts: 1 or more is expected\n");
        return 2;
    }

    const bool own_file = database_url.empty();
    if (own_file) database_url = demo::default_database_url();
    db::Database database(database_url);
    tutorial::Login login(database, login_attempts);
    if (command_line.chosen_command() == "add-user") return add_user(login, new_user, replace);
    if (auto user = demo::make_first_user(login, own_file)) {
        std::printf("log in as %s with the password %s (it is shown only now)\n", user->name.c_str(),
                    user->password.c_str());
    }

    std::string upstream = upstream_flag;
    ThreadPool pool(ThreadPoolOptions().threads(5));
    web::Application application;
    demo::add_page(application,
                   [&upstream, seconds, &database] { return demo::Settings{seconds, upstream, database.name()}; });
    login.add_to(application);
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

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
