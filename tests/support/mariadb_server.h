#pragma once

#include <caropig/net/address.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caropig::support {

/// A MariaDB server of the test's own, in a temporary folder, on a port of 127.0.0.1 and a Unix socket. It ends with
/// this object, and with the test's process however that ends. root has no password; there is an empty database "test".
/// Throws std::runtime_error where it can't be started.
class MariadbServer {
public:
    /// `options` go to mariadbd as they are: "--ssl-ca=…".
    explicit MariadbServer(std::vector<std::string> options = {}) : options_(std::move(options)) {
        std::string folder = "/tmp/caropig-mariadb-XXXXXX";  // short: a socket's path has at most 107 bytes
        if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        folder_ = folder;
        port_ = free_port();
        install();
        start();
    }
    MariadbServer(const MariadbServer&) = delete;
    MariadbServer& operator=(const MariadbServer&) = delete;
    ~MariadbServer() {
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string socket() const { return folder_ / "socket"; }
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    /// Ends it at once, as a crash does.
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
    /// Starts it again on the same port and with the same data.
    void restart() {
        kill();
        start();
    }
    /// For a moment it answers nobody, but stays connected.
    void freeze() const {
        ::kill(pid_, SIGSTOP);
        ::waitpid(pid_, nullptr, WUNTRACED);
    }
    void thaw() const { ::kill(pid_, SIGCONT); }

    /// What it has written to its log.
    [[nodiscard]] std::string log() const {
        std::ostringstream text;
        text << std::ifstream(folder_ / "log").rdbuf();
        return text.str();
    }

private:
    static std::uint16_t free_port() {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
        ::close(fd);
        return ntohs(address.sin_port);
    }

    static std::string program(std::initializer_list<const char*> places, const char* package) {
        for (const char* place : places) {
            if (std::filesystem::exists(place)) return place;
        }
        throw std::runtime_error(std::string(*places.begin()) + " is not there: install the Debian package " + package);
    }

    /// Runs a program whose output goes to the log. The child ends with this thread.
    pid_t run(std::vector<std::string> command) const {
        std::vector<char*> arguments;
        arguments.reserve(command.size() + 1);
        for (std::string& word : command) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const std::string log_path = folder_ / "log";
        const pid_t parent = ::getpid();
        const pid_t pid = ::fork();
        if (pid != 0) return pid;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        const int log_fd = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(log_fd, 1);
        ::dup2(log_fd, 2);
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }

    [[nodiscard]] std::string data() const { return folder_ / "data"; }

    void install() const {
        std::vector<std::string> command{program({"/usr/bin/mariadb-install-db"}, "mariadb-server-core"),
                                         "--no-defaults", "--auth-root-authentication-method=normal",
                                         "--datadir=" + data(), "--skip-test-db",
                                         // A server that starts removes the tables of whoever shares the folder.
                                         "--tmpdir=" + folder_.string()};
        if (::geteuid() == 0) command.emplace_back("--user=root");
        const pid_t pid = run(command);
        int status = 0;
        if (::waitpid(pid, &status, 0) != pid || status != 0) throw std::runtime_error("mariadb-install-db:\n" + log());
        std::filesystem::create_directory(folder_ / "data" / "test");
    }

    void start() {
        std::vector<std::string> command{program({"/usr/sbin/mariadbd"}, "mariadb-server-core"),
                                         "--no-defaults",
                                         "--datadir=" + data(),
                                         "--socket=" + socket(),
                                         "--port=" + std::to_string(port_),
                                         "--bind-address=127.0.0.1",
                                         "--pid-file=" + std::string(folder_ / "pid"),
                                         "--tmpdir=" + folder_.string(),
                                         "--character-set-server=utf8mb4",
                                         "--innodb-flush-log-at-trx-commit=0",
                                         "--max-connections=300"};
        if (::geteuid() == 0) command.emplace_back("--user=root");
        command.insert(command.end(), options_.begin(), options_.end());
        pid_ = run(command);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!answers()) {
            const bool ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
            if (ended) pid_ = -1;
            if (ended || std::chrono::steady_clock::now() > limit) {
                throw std::runtime_error("mariadbd does not answer:\n" + log());
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    /// Whether somebody greets on the port. The server opens it once it is ready.
    [[nodiscard]] bool answers() const {
        const auto address = net::Address::parse("127.0.0.1", port_).value();
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        std::array<char, 1> first{};
        const bool greeted = ::connect(fd, static_cast<const sockaddr*>(address.data()), address.size()) == 0 &&
                             ::recv(fd, first.data(), first.size(), 0) == 1;
        ::close(fd);
        return greeted;
    }

    std::vector<std::string> options_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

}  // namespace caropig::support
