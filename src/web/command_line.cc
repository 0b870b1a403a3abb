#include <caropig/base/check.h>
#include <caropig/base/log.h>
#include <caropig/net/networks.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <type_traits>
#include <vector>

#include <CLI/CLI.hpp>

namespace caropig::web {

struct CommandLine::Impl {
    CLI::App app;
    server::ServeOptions options;
    std::string backend = "auto";
    std::string log_level = "info";
    std::string trusted_proxies;
    std::string proxy_protocol_from;
    bool forwarded = false;
    bool debug = false;

    Impl(const std::string& program, const std::string& description) : app(description, program) {
        app.set_config("--config", "", "File with the same options, one `name = value` a line")
            ->envname("CAROPIG_CONFIG")
            ->take_last();
        app.allow_config_extras(CLI::config_extras_mode::error);
        app.require_subcommand(0, 1);
        add("--port", options.port, "TCP port; 0 picks a free one");
        add("--address", options.address, "Address to listen on; * for all");
        add("--unix-socket", options.unix_socket, "Path to listen on instead of a port");
        add("--systemd-socket", options.systemd_socket, "Name of a socket that systemd has passed; * for all");
        add("--workers", options.workers, "Threads that serve; 0 for one per core");
        add("--backend", backend, "What performs the I/O")->check(CLI::IsMember({"auto", "epoll", "uring"}));
        add("--log-level", log_level, "Lowest level that is logged")
            ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
        add_networks("--trusted-proxies", trusted_proxies,
                     "Networks whose X-Forwarded-For, -Proto and -Host are believed");
        add_flag("--forwarded", forwarded, "They send Forwarded (RFC 7239) instead");
        add_networks("--proxy-protocol-from", proxy_protocol_from,
                     "Networks whose connections begin with a PROXY header");
        add_flag("--debug", debug, "Show clients what went wrong inside");
    }

    static std::string variable_of(const std::string& flag) {
        std::string variable = "CAROPIG_";
        for (char c : flag.substr(2)) {
            variable += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
        }
        return variable;
    }

    void add_flag(const std::string& flag, bool& target, const std::string& help) {
        app.add_flag(flag, target, help)->envname(variable_of(flag));
    }

    template <class T>
    CLI::Option* add(const std::string& flag, T& target, const std::string& help) {
        CLI::Option* option =
            app.add_option(flag, target, help)->envname(variable_of(flag))->capture_default_str()->take_last();
        if constexpr (std::is_arithmetic_v<T>) {
            // CLI11 takes an empty text for 0: `--port "$PORT"` without PORT would listen anywhere.
            option->check([](const std::string& text) { return text.empty() ? "a number is missing" : std::string(); });
        }
        return option;
    }

    void add_networks(const std::string& flag, std::string& target, const std::string& help) {
        add(flag, target, help + ": \"10.0.0.0/8, ::1, unix\"")->check([](const std::string& text) {
            const auto networks = net::Networks::parse(text);
            return networks ? std::string() : networks.error();
        });
    }

    /// After they have been checked.
    [[nodiscard]] server::ProxyOptions proxies() const {
        using Fields = server::ProxyOptions::Fields;
        return server::ProxyOptions()
            .trusted(net::Networks::parse(trusted_proxies).value())
            .proxy_protocol_from(net::Networks::parse(proxy_protocol_from).value())
            .fields(forwarded ? Fields::kForwarded : Fields::kXForwarded);
    }

    /// The arguments in reverse, as CLI11 wants them, with what the environment says before them: later ones win, and
    /// all of them win over the file. (CLI11 by itself lets the file win over the environment.)
    [[nodiscard]] std::vector<std::string> arguments(int argc, const char* const* argv) const {
        std::vector<std::string> reversed;
        for (int i = argc - 1; i > 0; --i) reversed.emplace_back(argv[i]);
        for (const CLI::Option* option : app.get_options()) {
            std::string variable = option->get_envname();
            // NOLINTNEXTLINE(concurrency-mt-unsafe): read before any worker runs, and nothing here writes it
            const char* value = variable.empty() ? nullptr : std::getenv(variable.c_str());
            if (value != nullptr && *value != '\0') reversed.push_back(option->get_name() + "=" + value);
        }
        return reversed;
    }
};

CommandLine::CommandLine(const std::string& program, const std::string& description)
    : impl_(std::make_unique<Impl>(program, description)) {}
CommandLine::~CommandLine() = default;

CommandLine& CommandLine::option(const std::string& flag, std::string& target, const std::string& help) {
    impl_->add(flag, target, help);
    return *this;
}
CommandLine& CommandLine::option(const std::string& flag, double& target, const std::string& help) {
    impl_->add(flag, target, help);
    return *this;
}
CommandLine& CommandLine::option(const std::string& flag, unsigned& target, const std::string& help) {
    impl_->add(flag, target, help);
    return *this;
}

CommandLine& CommandLine::option(const std::string& flag, bool& target, const std::string& help) {
    impl_->add_flag(flag, target, help);
    return *this;
}

CommandLine& CommandLine::command(const std::string& name, const std::string& argument, std::string& target,
                                  const std::string& help) {
    CLI::App* command = impl_->app.add_subcommand(name, help);
    command->add_option(argument, target)->required();
    command->fallthrough();  // the program's flags are taken after it too
    return *this;
}

std::string CommandLine::chosen_command() const {
    const std::vector<CLI::App*> chosen = impl_->app.get_subcommands();
    return chosen.empty() ? std::string() : chosen.front()->get_name();
}

std::optional<int> CommandLine::parse(int argc, const char* const* argv) {
    try {
        impl_->app.parse(impl_->arguments(argc, argv));
    } catch (const CLI::ParseError& error) {
        return impl_->app.exit(error) == 0 ? 0 : 2;
    }
    impl_->options.server.proxies(impl_->proxies());
    impl_->options.backend = *parse_backend(impl_->backend);
    log::set_level(*log::parse_level(impl_->log_level));
    return std::nullopt;
}

server::ServeOptions& CommandLine::serve_options() noexcept { return impl_->options; }

CommandLine& CommandLine::default_log_level(const std::string& level) {
    CAROPIG_CHECK(log::parse_level(level), "no such log level");
    impl_->log_level = level;
    return *this;
}

bool CommandLine::debug() const noexcept { return impl_->debug; }

int run(Application& application, CommandLine& command_line) {
    if (command_line.debug()) application.debug(true);
    try {
        server::serve(application, command_line.serve_options());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

int run(Application& application, int argc, const char* const* argv) {
    CommandLine command_line(argc > 0 ? argv[0] : "caropig", "A CaroPig server");
    if (auto exit_code = command_line.parse(argc, argv)) return *exit_code;
    return run(application, command_line);
}

}  // namespace caropig::web
