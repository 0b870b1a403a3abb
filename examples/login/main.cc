// The tutorial's second system, the asynchronous login: a form, and a handler that looks the user up in a database. Its
// first start makes the database, and a user with the password that --password sets.

#include "login.h"
#include <caropig/db/database.h>
#include <caropig/loop/loop.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <cstdio>
#include <exception>

using namespace caropig;

namespace {

Task<void> make_user(tutorial::Login& login, std::string password) {
    co_await login.prepare();
    const bool added = co_await login.accounts().add("caro", std::move(password));
    std::printf(added ? "made the user caro\n" : "there is a user caro already\n");
}

}  // namespace

int main(int argc, char** argv) try {
    std::string url = "sqlite:login.db";
    std::string password;
    web::CommandLine command_line("login", "The tutorial's asynchronous login");
    command_line.option("--database", url, "sqlite:FILE, mysql://USER:PASSWORD@HOST/NAME or postgres://…");
    command_line.option("--password", password, "Makes the user caro with it");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;

    db::Database database(url);
    tutorial::Login login(database, 5);
    if (!password.empty()) {
        Loop loop;
        loop.run_until(make_user(login, password));
    }
    web::Application application;
    login.add_to(application);
    return web::run(application, command_line);
} catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
