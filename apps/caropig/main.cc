// caropig: the command for the command line. `caropig fetch URL` is the framework's client, with curl's flags.

#include "caropig/fetch_arguments.h"
#include "caropig/fetch_command.h"
#include "caropig/fetch_failure.h"

#include <csignal>
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

namespace {

int run(int argc, char** argv) {
    CLI::App program("Commands of CaroPig", "caropig");
    program.require_subcommand(1);
    CLI::App* fetch = program.add_subcommand("fetch", "Fetch a URL and write the answer to stdout");
    fetch_command::Arguments arguments;
    fetch_command::define(*fetch, arguments);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? fetch_command::kOk : fetch_command::kUsage;
    }
    fetch_command::read_lists(*fetch, arguments);
    return fetch_command::run(arguments);
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // whoever reads the output may have seen enough
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "caropig: %s\n", error.what());
        return 1;
    }
}
