#include "server/serving_process.h"
#include "server/test_server.h"
#include "support/raw_socket.h"
#include <caropig/net/address.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/// Sockets that are passed on, and what is told in return; the test plays systemd's part.
namespace caropig::server {
namespace {

using support::RawSocket;

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

class Systemd : public testing::Test {
protected:
    Systemd() {
        std::string name = (std::filesystem::temp_directory_path() / "caropig-systemd-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
    }
    ~Systemd() override { std::filesystem::remove_all(folder_); }

    static RawSocket tcp_listener() {
        RawSocket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = net::Address::parse("127.0.0.1", 0).value();
        EXPECT_EQ(::bind(socket.fd(), static_cast<const sockaddr*>(address.data()), address.size()), 0);
        EXPECT_EQ(::listen(socket.fd(), 100), 0);
        return socket;
    }
    static std::uint16_t port_of(const RawSocket& socket) {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        return ntohs(address.sin_port);
    }
    [[nodiscard]] std::string path() const { return (folder_ / "web.sock").string(); }
    [[nodiscard]] RawSocket unix_socket(int type) const {
        RawSocket socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
        const sockaddr_un address = unix_address(path());
        EXPECT_EQ(::bind(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return socket;
    }
    /// What systemd does between fork and exec.
    static std::function<void()> passes(std::vector<int> descriptors, std::string count, std::string names,
                                        bool to_another = false) {
        return [descriptors = std::move(descriptors), count = std::move(count), names = std::move(names), to_another] {
            constexpr int kOutOfTheWay = 200;
            std::vector<int> copies;
            for (int descriptor : descriptors) copies.push_back(::fcntl(descriptor, F_DUPFD, kOutOfTheWay));
            for (int i = 3; i < 20; ++i) ::close(i);
            for (std::size_t i = 0; i < copies.size(); ++i) ::dup2(copies[i], static_cast<int>(i) + 3);
            ::setenv("LISTEN_PID", std::to_string(to_another ? ::getppid() : ::getpid()).c_str(), 1);
            ::setenv("LISTEN_FDS", count.c_str(), 1);
            if (!names.empty()) ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
        };
    }
    static ServeOptions serving(std::string name, unsigned workers = 1) {
        ServeOptions options;
        options.systemd_socket = std::move(name);
        options.workers = workers;
        return options;
    }
    static std::string ask(const RawSocket& socket, std::string_view target) {
        socket.send(get(target, "Connection: close\r\n"));
        auto answers = parse_answers(socket.receive(1 << 16));
        return answers.empty() ? "no answer" : answers[0].body;
    }
    [[nodiscard]] RawSocket connect_unix() const {
        RawSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_un address = unix_address(path());
        EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return socket;
    }

    std::filesystem::path folder_;
};

TEST_F(Systemd, AllWorkersServeTheSocketsThatWerePassed) {
    RawSocket tcp = tcp_listener();
    RawSocket local = unix_socket(SOCK_STREAM);
    ASSERT_EQ(::listen(local.fd(), 100), 0);
    const std::uint16_t port = port_of(tcp);
    // A client that was there before the service.
    RawSocket early = RawSocket::connect(port);
    ServingProcess process(serving("*", 3), passes({tcp.fd(), local.fd()}, "2", "web:local"));
    EXPECT_EQ(process.address(), "127.0.0.1:" + std::to_string(port) + ", unix:" + path());
    EXPECT_EQ(ask(early, "/hello"), "hello");
    for (bool over_tcp : {true, false}) {
        std::set<std::string> threads;
        for (int i = 0; i < 2000 && threads.size() < 3; ++i) {
            threads.insert(ask(over_tcp ? RawSocket::connect(port) : connect_unix(), "/thread"));
        }
        EXPECT_GE(threads.size(), 2U) << "several share " << (over_tcp ? "TCP" : "Unix");
        EXPECT_FALSE(threads.contains("no answer"));
    }
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
    EXPECT_TRUE(std::filesystem::exists(path())) << "it is systemd's";
    EXPECT_GE(RawSocket::connect(port).fd(), 0) << "it goes on listening, for the next service";
}

TEST_F(Systemd, ASocketIsChosenByItsName) {
    RawSocket one = tcp_listener();
    RawSocket two = tcp_listener();
    ServingProcess process(serving("two"), passes({one.fd(), two.fd()}, "2", "one:two"));
    EXPECT_EQ(process.port(), port_of(two));
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
    ServingProcess none(serving("three"), passes({one.fd(), two.fd()}, "2", "one:two"));
    EXPECT_EQ(none.wait(), 3);
    ServingProcess unnamed(serving("unknown"), passes({one.fd()}, "1", ""));
    EXPECT_EQ(unnamed.port(), port_of(one));
}

TEST_F(Systemd, WhatIsPassedIsLookedAt) {
    RawSocket tcp = tcp_listener();
    RawSocket datagram = unix_socket(SOCK_DGRAM);
    RawSocket idle(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    struct Row {
        std::string_view why;
        std::function<void()> prepare;
    };
    for (const Row& row : std::vector<Row>{{"nothing", {}},
                                           {"meant for another process", passes({tcp.fd()}, "1", "", true)},
                                           {"none", passes({tcp.fd()}, "0", "")},
                                           {"no number", passes({tcp.fd()}, "1x", "")},
                                           {"negative", passes({tcp.fd()}, "-1", "")},
                                           {"more than there are", passes({tcp.fd()}, "2", "")},
                                           {"far too many", passes({tcp.fd()}, "2000000000", "")},
                                           {"too few names", passes({tcp.fd(), tcp.fd()}, "2", "one")},
                                           {"too many names", passes({tcp.fd()}, "1", "one:two")},
                                           {"datagrams", passes({datagram.fd()}, "1", "")},
                                           {"not listening", passes({idle.fd()}, "1", "")},
                                           {"a file", passes({STDERR_FILENO}, "1", "")}}) {
        ServingProcess process(serving("*"), row.prepare);
        EXPECT_EQ(process.address(), "") << row.why;
        EXPECT_EQ(process.wait(), 3) << row.why;
    }
}

TEST_F(Systemd, ChildrenOfTheServiceAreNotMeant) {
    RawSocket tcp = tcp_listener();
    const std::uint16_t port = port_of(tcp);
    const auto prepare = [passing = passes({tcp.fd()}, "1", "web")] {
        passing();
        ::setenv("NOTIFY_SOCKET", "/nowhere", 1);
    };
    ServeOptions options = serving("*");
    ServingProcess process(options, prepare);
    const std::string seen = ask(RawSocket::connect(port), "/environment");
    EXPECT_EQ(seen, "unset unset unset unset closed on exec");
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0) << "nobody listens to it: that is no reason not to serve";
}

TEST_F(Systemd, IsToldWhenTheServiceIsReadyAndWhenItStops) {
    for (bool abstract : {false, true}) {
        RawSocket heard(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        const std::string name = (abstract ? "@" : "") + (folder_ / "notify").string();
        sockaddr_un address = unix_address(name);
        if (abstract) address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        ASSERT_EQ(::bind(heard.fd(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        const auto next = [&heard] {
            std::string text(100, '\0');
            const ssize_t length = ::recv(heard.fd(), text.data(), text.size(), 0);
            text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
            return text;
        };
        ServeOptions options;
        options.port = 0;
        ServingProcess process(options, [&name] { ::setenv("NOTIFY_SOCKET", name.c_str(), 1); });
        EXPECT_EQ(next(), "READY=1");
        EXPECT_EQ(ask(RawSocket::connect(process.port()), "/hello"), "hello");
        process.signal(SIGTERM);
        EXPECT_EQ(next(), "STOPPING=1");
        EXPECT_EQ(process.wait(), 0);
    }
}

}  // namespace
}  // namespace caropig::server
