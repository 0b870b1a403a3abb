#pragma once

#include "server/test_server.h"
#include <caropig/base/error.h>
#include <caropig/server/workers.h>

#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace caropig::server {

inline Task<void> doze(Exchange& exchange, TestService&) {
    co_await sleep_for(50ms);
    reply(exchange, "dozed");
}

inline void answer_thread(Exchange& exchange, TestService&) { reply(exchange, std::to_string(::gettid())); }

/// Which of systemd's variables are left, and whether the first socket that it passes is.
inline void answer_environment(Exchange& exchange, TestService&) {
    std::string text;
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET"}) {
        text += ::getenv(name) == nullptr ? "unset " : "set ";
    }
    constexpr int kFirstPassed = 3;
    reply(exchange, text + (::fcntl(kFirstPassed, F_GETFD) == FD_CLOEXEC ? "closed on exec" : "inherited"));
}

/// serve() in a process of its own, where signals can be sent to it.
class ServingProcess {
public:
    /// `prepare` runs in the new process, before serve(); the descriptors from 3 on are free there for it.
    explicit ServingProcess(const ServeOptions& options, const std::function<void()>& prepare = {}) {
        int ends[2];
        EXPECT_EQ(::pipe(ends), 0);
        child_ = ::fork();
        if (child_ == 0) {
            constexpr int kOutOfTheWay = 100;
            const int out = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kOutOfTheWay);
            ::close(ends[1]);
            if (prepare) prepare();
            serve_and_exit(options, out);
        }
        ::close(ends[1]);
        char c;
        while (::read(ends[0], &c, 1) == 1) address_ += c;
        ::close(ends[0]);
    }
    ServingProcess(const ServingProcess&) = delete;
    ServingProcess& operator=(const ServingProcess&) = delete;
    ~ServingProcess() {
        if (child_ <= 0) return;
        signal(SIGKILL);
        wait();
    }

    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] std::uint16_t port() const {
        return static_cast<std::uint16_t>(std::stoi(address_.substr(address_.rfind(':') + 1)));
    }
    void signal(int number) const { ::kill(child_, number); }
    /// The exit code, or minus the signal that killed it.
    int wait() {
        int status = 0;
        EXPECT_EQ(::waitpid(std::exchange(child_, -1), &status, 0) > 0, true);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

private:
    [[noreturn]] static void serve_and_exit(ServeOptions options, int out) {
        TestService service;
        service.answer("/thread", &answer_thread);
        service.answer("/doze", &doze);
        service.answer("/environment", &answer_environment);
        options.on_listening = [out](const std::string& address) {
            if (::write(out, address.data(), address.size()) < 0) ::_exit(99);
            ::close(out);
        };
        try {
            serve(service, options);
        } catch (const IoError&) {
            ::_exit(3);
        }
        ::_exit(0);
    }

    pid_t child_ = -1;
    std::string address_;
};

}  // namespace caropig::server
