#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caropig::support {

/// A port of 127.0.0.1 that nobody listens on at the moment.
inline std::uint16_t free_port() {
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

/// A server of another project: started, and ended with its object. Failures throw std::runtime_error.
class Program {
public:
    /// Waits until it listens on `port` of 127.0.0.1.
    Program(const std::vector<std::string>& arguments, std::uint16_t port) {
        int input[2];
        if (::pipe2(input, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
        std::vector<char*> pointers;
        for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
        pointers.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            const int null = ::open("/dev/null", O_WRONLY);
            ::dup2(input[0], 0);
            ::dup2(null, 1);
            ::dup2(null, 2);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execvp(pointers[0], pointers.data());
            ::_exit(127);
        }
        ::close(input[0]);
        input_ = input[1];
        for (int tries = 0; tries < 3000; ++tries) {
            if (listens(port)) return;
            if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
                pid_ = -1;
                break;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));  // it gives no other sign
        }
        stop();
        throw std::runtime_error(arguments[0] + " did not start: is its Debian package installed?");
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() { stop(); }

    /// Writes to its standard input.
    void type(std::string_view text) const {
        if (::write(input_, text.data(), text.size()) < 0) throw std::runtime_error("write to a program");
    }

    void stop() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        }
        if (input_ >= 0) ::close(std::exchange(input_, -1));
    }

private:
    static bool listens(std::uint16_t port) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        ::close(fd);
        return connected;
    }

    pid_t pid_ = -1;
    int input_ = -1;
};

}  // namespace caropig::support
