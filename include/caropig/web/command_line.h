#pragma once

#include <caropig/server/workers.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

/// \file
/// The command line of a server program: what every one of them has, and what yours adds.
namespace caropig::web {

class Application;

/// Parses flags, environment variables and a configuration file, in this order of precedence. Every server gets
/// --port, --address, --unix-socket, --systemd-socket, --workers, --backend, --trusted-proxies, --forwarded,
/// --proxy-protocol-from, --log-level, --debug, --config and --help; each flag can come from the environment as
/// CAROPIG_PORT and so on, and from the file as `port = 8080`.
class CommandLine {
public:
    CommandLine(const std::string& program, const std::string& description);
    CommandLine(const CommandLine&) = delete;
    CommandLine& operator=(const CommandLine&) = delete;
    ~CommandLine();

    // A flag of your own, "--upstream"; `target` holds the default and must outlive parse().
    CommandLine& option(const std::string& flag, std::string& target, const std::string& help);
    CommandLine& option(const std::string& flag, double& target, const std::string& help);
    CommandLine& option(const std::string& flag, unsigned& target, const std::string& help);
    /// A flag without a value, "--replace": true when it was given.
    CommandLine& option(const std::string& flag, bool& target, const std::string& help);

    /// A command besides serving, with one argument: "add-user" makes `program add-user NAME` possible, whose argument
    /// goes to `target`, which must outlive parse(). Flags may stand before and after it.
    CommandLine& command(const std::string& name, const std::string& argument, std::string& target,
                         const std::string& help);

    /// Reads everything and sets the log level. Nothing to return: go on; otherwise end with this exit code: 0 after
    /// --help, 2 after a mistake, which has been printed.
    [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv);

    /// The command that was given; empty: serve.
    [[nodiscard]] std::string chosen_command() const;

    /// What parse() found, and what you may change before serving.
    [[nodiscard]] server::ServeOptions& serve_options() noexcept;
    /// "info" unless another was given. For a program with another default: call it before parse().
    CommandLine& default_log_level(const std::string& level);
    [[nodiscard]] bool debug() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// The main() of a simple program: parses the command line and serves `application` until it is told to stop. Returns
/// the exit code: 0 after a graceful stop, 1 when it could not listen, 2 after a mistake on the command line.
int run(Application& application, int argc, const char* const* argv);
/// The same with flags of your own, after `command_line.parse()`.
int run(Application& application, CommandLine& command_line);

}  // namespace caropig::web
