#pragma once

#include "support/certificates.h"

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caropig::support {

/// tornado_peer.py, for as long as the object lives. Throws std::runtime_error when it does not start.
class TornadoPeer {
public:
    TornadoPeer() {
        const CertificateFiles files = root_.issue();
        std::array<int, 2> input{};
        std::array<int, 2> output{};
        if (::pipe2(input.data(), O_CLOEXEC) != 0 || ::pipe2(output.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe");
        }
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(input[0], 0);
            ::dup2(output[1], 1);
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execl("/usr/bin/python3", "python3", "-B", PEER_SCRIPT, files.chain.c_str(), files.key.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(input[0]);
        ::close(output[1]);
        input_ = input[1];
        std::FILE* lines = ::fdopen(output[0], "r");
        const int read = std::fscanf(lines, "%hu %hu %hu %hu", &plain, &tls, &given, &ipv6);
        std::fclose(lines);
        if (read == 4) return;
        stop();
        throw std::runtime_error("tornado_peer.py did not start: is python3-tornado installed?");
    }
    TornadoPeer(const TornadoPeer&) = delete;
    TornadoPeer& operator=(const TornadoPeer&) = delete;
    ~TornadoPeer() { stop(); }

    /// Whom its certificate, which is for example.com and 127.0.0.1, comes from.
    [[nodiscard]] std::string root_file() const { return root_.root_file(); }

    std::uint16_t plain = 0;
    std::uint16_t tls = 0;
    std::uint16_t given = 0;  ///< answers with the bytes that the target stands for
    std::uint16_t ipv6 = 0;   ///< zero where the machine has no ::1

private:
    void stop() {
        if (input_ >= 0) ::close(std::exchange(input_, -1));
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(std::exchange(pid_, -1), nullptr, 0);
        }
    }

    CertificateFolder folder_;
    Authority root_{folder_};
    pid_t pid_ = -1;
    int input_ = -1;
};

}  // namespace caropig::support
