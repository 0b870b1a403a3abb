#include <caropig/base/log.h>
#include <caropig/web/application.h>
#include <caropig/web/command_line.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

namespace caropig::web {
namespace {

using testing::HasSubstr;

/// Sets an environment variable while it lives.
class Variable {
public:
    Variable(std::string name, const std::string& value) : name_(std::move(name)) {
        ::setenv(name_.c_str(), value.c_str(), 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { ::unsetenv(name_.c_str()); }

private:
    std::string name_;
};

class CommandLineTest : public testing::Test {
protected:
    CommandLineTest() {
        for (const char* name : {"CAROPIG_PORT", "CAROPIG_ADDRESS", "CAROPIG_UNIX_SOCKET", "CAROPIG_WORKERS",
                                 "CAROPIG_BACKEND", "CAROPIG_LOG_LEVEL", "CAROPIG_DEBUG", "CAROPIG_CONFIG"}) {
            ::unsetenv(name);
        }
        std::string name = (std::filesystem::temp_directory_path() / "caropig-config-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
    }
    ~CommandLineTest() override {
        log::set_level(log::Level::kInfo);
        std::filesystem::remove_all(folder_);
    }

    std::optional<int> parse(const std::vector<std::string>& arguments) {
        std::vector<const char*> argv{"program"};
        for (const std::string& argument : arguments) argv.push_back(argument.c_str());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        auto result = line_.parse(static_cast<int>(argv.size()), argv.data());
        printed_ = testing::internal::GetCapturedStdout();
        errors_ = testing::internal::GetCapturedStderr();
        return result;
    }
    std::string config(std::string_view text) {
        std::string path = folder_ / "config";
        std::ofstream(path) << text;
        return path;
    }

    std::filesystem::path folder_;
    CommandLine line_{"program", "A program of the tests"};
    std::string printed_;
    std::string errors_;
};

TEST_F(CommandLineTest, DefaultsAreThoseOfServeOptions) {
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 8080);
    EXPECT_EQ(line_.serve_options().address, "127.0.0.1");
    EXPECT_EQ(line_.serve_options().unix_socket, "");
    EXPECT_EQ(line_.serve_options().workers, 1u);
    EXPECT_EQ(line_.serve_options().backend, BackendKind::kAuto);
    EXPECT_FALSE(line_.debug());
    EXPECT_TRUE(log::enabled(log::Level::kInfo));
    EXPECT_FALSE(log::enabled(log::Level::kDebug));
}

TEST_F(CommandLineTest, Flags) {
    EXPECT_EQ(parse({"--port", "0", "--address=*", "--unix-socket", "/tmp/x", "--workers", "3", "--backend", "epoll",
                     "--log-level", "debug", "--debug"}),
              std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 0);
    EXPECT_EQ(line_.serve_options().address, "*");
    EXPECT_EQ(line_.serve_options().unix_socket, "/tmp/x");
    EXPECT_EQ(line_.serve_options().workers, 3u);
    EXPECT_EQ(line_.serve_options().backend, BackendKind::kEpoll);
    EXPECT_TRUE(line_.debug());
    EXPECT_TRUE(log::enabled(log::Level::kDebug));
}

TEST_F(CommandLineTest, TheLastOfAFlagWins) {
    EXPECT_EQ(parse({"--port", "1", "--port", "2"}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 2);
}

TEST_F(CommandLineTest, Environment) {
    Variable port("CAROPIG_PORT", "9001");
    Variable socket("CAROPIG_UNIX_SOCKET", "/tmp/a b=c");
    Variable level("CAROPIG_LOG_LEVEL", "error");
    Variable debug("CAROPIG_DEBUG", "true");
    Variable empty("CAROPIG_WORKERS", "");
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 9001);
    EXPECT_EQ(line_.serve_options().unix_socket, "/tmp/a b=c");
    EXPECT_EQ(line_.serve_options().workers, 1u) << "an empty variable is none";
    EXPECT_TRUE(line_.debug());
    EXPECT_FALSE(log::enabled(log::Level::kWarning));
    EXPECT_TRUE(log::enabled(log::Level::kError));
}

TEST_F(CommandLineTest, ConfigurationFile) {
    std::string file =
        config("# a comment\nport = 9002\nunix-socket = \"/tmp/y\"\nlog-level = \"warning\"\ndebug = true\n");
    EXPECT_EQ(parse({"--config", file}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 9002);
    EXPECT_EQ(line_.serve_options().unix_socket, "/tmp/y");
    EXPECT_TRUE(line_.debug());
    EXPECT_FALSE(log::enabled(log::Level::kInfo));
}

TEST_F(CommandLineTest, TheFileMayBeNamedByTheEnvironment) {
    Variable variable("CAROPIG_CONFIG", config("port = 9002\n"));
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 9002);
}

TEST_F(CommandLineTest, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
    std::string upstream = "default";
    line_.option("--upstream", upstream, "An upstream");
    Variable port("CAROPIG_PORT", "1002");
    Variable workers("CAROPIG_WORKERS", "2");
    Variable debug("CAROPIG_DEBUG", "false");
    std::string file = config("port = 1003\nworkers = 3\naddress = \"127.0.0.3\"\nupstream = \"file\"\ndebug = true\n");
    EXPECT_EQ(parse({"--port", "1001", "--config", file}), std::nullopt);
    EXPECT_EQ(line_.serve_options().port, 1001);
    EXPECT_EQ(line_.serve_options().workers, 2u);
    EXPECT_EQ(line_.serve_options().address, "127.0.0.3");
    EXPECT_EQ(upstream, "file");
    EXPECT_FALSE(line_.debug());
}

TEST_F(CommandLineTest, MistakesArePrintedAndExitWith2) {
    const std::vector<std::vector<std::string>> mistakes{
        {"--port", "65536"},
        {"--port", "-1"},
        {"--port", "http"},
        {"--port", ""},
        {"--port"},
        {"--workers", "-1"},
        {"--workers", "two"},
        {"--workers", "99999999999"},
        {"--backend", "kqueue"},
        {"--log-level", "loud"},
        {"--unknown"},
        {"argument"},
        {"--config", "/nowhere"},
        {"--debug=maybe"},
    };
    for (const auto& arguments : mistakes) {
        EXPECT_EQ(parse(arguments), 2) << arguments[0];
        EXPECT_NE(errors_, "") << arguments[0];
    }
}

TEST_F(CommandLineTest, MistakesElsewhereExitWith2Too) {
    {
        Variable port("CAROPIG_PORT", "many");
        EXPECT_EQ(parse({}), 2);
        EXPECT_THAT(errors_, HasSubstr("many"));
        EXPECT_EQ(parse({"--port", "1"}), std::nullopt) << "what a flag replaces does not matter";
    }
    EXPECT_EQ(parse({"--config", config("port = many\n")}), 2);
    EXPECT_EQ(parse({"--config", config("prot = 80\n")}), 2) << "a name that no option has";
    EXPECT_EQ(parse({"--config", folder_}), 2) << "a folder is no file";
}

TEST_F(CommandLineTest, HelpListsTheFlagsAndExitsWith0) {
    line_.default_log_level("warning");
    EXPECT_EQ(parse({"--help"}), 0);
    for (const char* text : {"A program of the tests", "--port", "--address", "--unix-socket", "--workers", "--backend",
                             "--log-level", "--debug", "--config", "CAROPIG_PORT", "8080", "warning"}) {
        EXPECT_THAT(printed_, HasSubstr(text));
    }
}

TEST_F(CommandLineTest, OptionsOfAProgram) {
    std::string text = "default";
    double number = 1.5;
    unsigned count = 7;
    line_.option("--upstream-url", text, "Where to").option("--seconds", number, "How long");
    line_.option("--count", count, "How many");
    Variable seconds("CAROPIG_SECONDS", "2.5");
    EXPECT_EQ(parse({"--upstream-url", "http://a"}), std::nullopt);
    EXPECT_EQ(text, "http://a");
    EXPECT_EQ(number, 2.5);
    EXPECT_EQ(count, 7u);
    EXPECT_EQ(parse({"--seconds", "soon"}), 2);
    EXPECT_EQ(parse({"--help"}), 0);
    EXPECT_THAT(printed_, HasSubstr("CAROPIG_UPSTREAM_URL"));
}

TEST_F(CommandLineTest, Proxies) {
    EXPECT_EQ(parse({"--trusted-proxies", "10.0.0.0/8, unix", "--forwarded", "--proxy-protocol-from", "::1"}),
              std::nullopt);
    const server::ProxyOptions& proxies = line_.serve_options().server.proxies();
    EXPECT_TRUE(proxies.trusted().contains_peer("10.1.2.3:80"));
    EXPECT_TRUE(proxies.trusted().contains_peer("unix:"));
    EXPECT_FALSE(proxies.trusted().contains_peer("[::1]:80"));
    EXPECT_EQ(proxies.fields(), server::ProxyOptions::Fields::kForwarded);
    EXPECT_TRUE(proxies.proxy_protocol_from().contains_peer("[::1]:80"));
    EXPECT_FALSE(proxies.proxy_protocol_from().contains_peer("10.1.2.3:80"));
}

TEST_F(CommandLineTest, NoProxyIsTrustedUnlessItIsNamed) {
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_TRUE(line_.serve_options().server.proxies().trusted().empty());
    EXPECT_TRUE(line_.serve_options().server.proxies().proxy_protocol_from().empty());
    EXPECT_EQ(parse({"--trusted-proxies", "10.0.0.1/8"}), 2);
    EXPECT_THAT(errors_, HasSubstr("\"10.0.0.1/8\" has bits behind its prefix"));
    EXPECT_EQ(parse({"--proxy-protocol-from", "localhost"}), 2);
    EXPECT_THAT(errors_, HasSubstr("localhost"));
}

TEST_F(CommandLineTest, ADefaultLogLevelGivesWayToAFlag) {
    line_.default_log_level("error");
    EXPECT_EQ(parse({}), std::nullopt);
    EXPECT_FALSE(log::enabled(log::Level::kWarning));
    EXPECT_EQ(parse({"--log-level", "info"}), std::nullopt);
    EXPECT_TRUE(log::enabled(log::Level::kInfo));
    EXPECT_DEATH(line_.default_log_level("loud"), "no such log level");
}

TEST_F(CommandLineTest, RunReturnsTheExitCode) {
    Application app;
    const char* bad[] = {"program", "--port", "x"};
    const char* help[] = {"program", "--help"};
    std::string nowhere = folder_ / "nowhere" / "socket";
    const char* unreachable[] = {"program", "--unix-socket", nowhere.c_str()};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    EXPECT_EQ(run(app, 3, bad), 2);
    EXPECT_EQ(run(app, 2, help), 0);
    EXPECT_EQ(run(app, 3, unreachable), 1);
    testing::internal::GetCapturedStdout();
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(nowhere));
}

class CommandTest : public CommandLineTest {
protected:
    CommandTest() {
        line_.command("add-user", "name", name_, "Adds a user");
        line_.command("remove-user", "name", name_, "Removes a user");
        line_.option("--database", database_, "Where users are kept");
        line_.option("--replace", replace_, "Replaces one that is there");
        ::unsetenv("CAROPIG_DATABASE");
        ::unsetenv("CAROPIG_REPLACE");
    }

    std::string name_;
    std::string database_ = "sqlite:users.db";
    bool replace_ = false;
};

TEST_F(CommandTest, ServesWhereNoneIsGiven) {
    EXPECT_EQ(parse({"--port", "1"}), std::nullopt);
    EXPECT_EQ(line_.chosen_command(), "");
    EXPECT_FALSE(replace_);
}

TEST_F(CommandTest, FlagsStandBeforeAndAfterIt) {
    Variable variable("CAROPIG_DATABASE", "sqlite:environment.db");
    EXPECT_EQ(parse({"--replace", "add-user", "caro", "--database", "sqlite:given.db"}), std::nullopt);
    EXPECT_EQ(line_.chosen_command(), "add-user");
    EXPECT_EQ(name_, "caro");
    EXPECT_EQ(database_, "sqlite:given.db");
    EXPECT_TRUE(replace_);
}

TEST_F(CommandTest, FlagWithoutAValueComesFromTheEnvironmentToo) {
    Variable variable("CAROPIG_REPLACE", "true");
    EXPECT_EQ(parse({"add-user", "caro"}), std::nullopt);
    EXPECT_TRUE(replace_);
}

TEST_F(CommandTest, NeedsItsArgument) {
    EXPECT_EQ(parse({"add-user"}), 2);
    EXPECT_THAT(errors_, HasSubstr("name is required"));
}

TEST_F(CommandTest, OnlyOneAtATime) { EXPECT_EQ(parse({"add-user", "caro", "remove-user", "caro"}), 2); }

TEST_F(CommandTest, UnknownOneIsAMistake) {
    EXPECT_EQ(parse({"drop-users"}), 2);
    EXPECT_THAT(errors_, HasSubstr("drop-users"));
}

TEST_F(CommandTest, HelpNamesIt) {
    EXPECT_EQ(parse({"--help"}), 0);
    EXPECT_THAT(printed_, HasSubstr("add-user"));
}

}  // namespace
}  // namespace caropig::web
