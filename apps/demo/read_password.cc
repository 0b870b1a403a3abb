#include "demo/read_password.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include <termios.h>
#include <unistd.h>

namespace demo {
namespace {

volatile std::sig_atomic_t interrupted_by = 0;

/// A terminal that shows nothing of what is typed, for as long as this lives. A signal ends the reading, not the
/// program: that ends afterwards, when the terminal shows again what is typed.
class Silence {
public:
    Silence() noexcept {
        struct sigaction note{};
        note.sa_handler = [](int signal) { interrupted_by = signal; };  // no SA_RESTART: read() returns
        for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &note, &actions_[i]);
        ::tcgetattr(STDIN_FILENO, &before_);
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        silent.c_lflag |= ECHONL;
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &actions_[i], nullptr);
        if (interrupted_by != 0) ::raise(interrupted_by);
    }

private:
    static constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};
    std::array<struct sigaction, kSignals.size()> actions_{};
    termios before_{};
};

std::optional<std::string> read_line() {
    std::string line;
    for (;;) {
        char c = 0;
        ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR && interrupted_by == 0) continue;
        if (got < 0 || (got == 0 && line.empty())) return std::nullopt;
        if (got == 0 || c == '\n') return line;
        line += c;
    }
}

std::optional<std::string> ask(const std::string& prompt) {
    Silence silence;  // before anybody is asked to type
    std::fprintf(stderr, "%s: ", prompt.c_str());
    return read_line();
}

}  // namespace

std::optional<std::string> read_new_password(const std::string& user) {
    std::optional<std::string> password;
    if (::isatty(STDIN_FILENO) == 1) {
        password = ask("Password for " + user);
        if (password) {
            std::optional<std::string> again = ask("The same again");
            if (again && *again != *password) {
                std::fprintf(stderr, "the two passwords differ\n");
                return std::nullopt;
            }
            if (!again) password.reset();
        }
    } else {
        password = read_line();
    }
    if (!password) std::fprintf(stderr, "no password was given\n");
    return password;
}

}  // namespace demo
