#include "loop/pipe_signal.h"
#include "server/systemd.h"
#include <caropig/async/event.h>
#include <caropig/base/log.h>
#include <caropig/loop/signals.h>
#include <caropig/net/inherited.h>
#include <caropig/net/tcp.h>
#include <caropig/net/unix.h>
#include <caropig/server/server.h>
#include <caropig/server/workers.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace caropig::server {
namespace {

Task<void> serve_until(Event& stop, Server& server) {
    co_await stop.wait();
    co_await server.stop();
}

/// What the first worker does: it ends last, so that its loop hears a second signal to the end.
Task<void> serve_until_all_have(Event& stop, Server& server, const std::size_t& others_running, Event& other_ended) {
    co_await serve_until(stop, server);
    while (others_running > 0) {
        other_ended.clear();
        co_await other_ended.wait();
    }
}

/// Those of one worker.
using Listeners = std::vector<std::unique_ptr<net::Listener>>;

/// One worker: what it is told from other threads goes through its loop.
class Worker {
public:
    Worker(Service& service, const ServeOptions& options, Listeners listeners)
        : loop_(options.backend), server_(loop_, service, options.server) {
        for (auto& listener : listeners) server_.listen(std::move(listener));
    }

    void run() { loop_.run_until(serve_until(stop_, server_)); }
    /// Runs the first worker, on which the others report their end by other_ended().
    void run_first(std::size_t others) {
        others_running_ = others;
        loop_.run_until(serve_until_all_have(stop_, server_, others_running_, other_ended_));
    }
    void other_ended() {
        loop_.post([this] {
            --others_running_;
            other_ended_.set();
        });
    }
    void stop() {
        loop_.post([this] { stop_.set(); });
    }
    [[nodiscard]] Loop& loop() noexcept { return loop_; }

private:
    Loop loop_;
    Event stop_;
    std::size_t others_running_ = 0;
    Event other_ended_;
    Server server_;
};

/// Each worker accepts from a descriptor of its own of the same sockets: the kernel hands a connection to whoever comes
/// first, and one that stops takes nothing from the others.
std::vector<Listeners> take_over(const std::string& wanted, unsigned count) {
    std::vector<Listeners> listeners(count);
    for (const PassedSocket& passed : take_passed_sockets()) {
        if (wanted != "*" && wanted != passed.name) continue;
        for (unsigned i = 1; i < count; ++i) {
            const int copy = ::fcntl(passed.descriptor, F_DUPFD_CLOEXEC, 0);
            if (copy < 0) {
                throw IoError(errno_code(errno), "take over descriptor " + std::to_string(passed.descriptor));
            }
            listeners[i].push_back(net::listen_inherited(copy));
        }
        listeners[0].push_back(net::listen_inherited(passed.descriptor));
    }
    if (listeners[0].empty()) {
        throw IoError(errno_code(ENOENT), wanted == "*" ? "take over sockets (systemd has passed none: LISTEN_FDS)"
                                                        : "take over the socket \"" + wanted + "\" of systemd");
    }
    return listeners;
}

/// The listeners of each worker.
std::vector<Listeners> bind_all(const ServeOptions& options, unsigned count) {
    if (!options.systemd_socket.empty()) return take_over(options.systemd_socket, count);
    std::vector<Listeners> listeners;
    if (!options.unix_socket.empty()) {
        listeners.emplace_back().push_back(net::listen_unix(options.unix_socket));
        return listeners;
    }
    net::ListenOptions listen_options;
    listen_options.reuse_port(count > 1);
    std::uint16_t port = options.port;
    for (unsigned i = 0; i < count; ++i) {
        listeners.emplace_back().push_back(net::listen_tcp(options.address, port, listen_options));
        port = listeners.front().front()->port();
    }
    return listeners;
}

/// Each connection is a descriptor, and the soft limit is most often a historic 1024: takes what the hard limit allows.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void print_listening(const std::string& address) {
    std::printf("listening on %s\n", address.c_str());
    std::fflush(stdout);
}

}  // namespace

void serve(Service& service, const ServeOptions& options) {
    raise_descriptor_limit();
    unsigned count = options.workers != 0 ? options.workers : std::max(1u, std::thread::hardware_concurrency());
    const ServiceManager manager;
    std::vector<Listeners> listeners = bind_all(options, count);
    if (listeners.size() < count) log::warning("a Unix-domain socket is served by one worker");
    std::string address;
    for (const auto& listener : listeners.front()) address += (address.empty() ? "" : ", ") + listener->address();

    Worker first(service, options, std::move(listeners.front()));
    std::vector<std::unique_ptr<Worker>> others;
    for (std::size_t i = 1; i < listeners.size(); ++i) {
        others.push_back(std::make_unique<Worker>(service, options, std::move(listeners[i])));
    }
    bool stopping = false;
    SignalWatcher signals(first.loop(), {SIGTERM, SIGINT}, [&](int signal) {
        if (std::exchange(stopping, true)) ::_exit(128 + signal);
        manager.stopping();
        log::info("stopping: " + std::string(signal == SIGTERM ? "SIGTERM" : "SIGINT"));
        for (auto& worker : others) worker->stop();
        first.stop();
    });
    ignore_pipe_signal();

    (options.on_listening ? options.on_listening : print_listening)(address);
    manager.ready();
    std::vector<std::jthread> threads;
    threads.reserve(others.size());
    try {
        for (auto& worker : others) {
            threads.emplace_back([&first, &worker] {
                worker->run();
                first.other_ended();
            });
        }
    } catch (...) {
        for (auto& worker : others) worker->stop();  // those that have started end, and are joined
        throw;
    }
    first.run_first(others.size());
}

}  // namespace caropig::server
