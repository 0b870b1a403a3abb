#include "server/serving_process.h"
#include "server/test_server.h"
#include "support/raw_socket.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace caropig::server {
namespace {

using support::RawSocket;

ServeOptions on_any_port(unsigned workers) {
    ServeOptions options;
    options.port = 0;
    options.workers = workers;
    return options;
}

/// Blocks until the answer's head and `body` are there.
std::string receive_until(const RawSocket& socket, std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
        std::string next = socket.receive(1);
        if (next.empty()) break;
        text += next;
    }
    return text;
}

void wait_until_refused(std::uint16_t port) {
    while (RawSocket::connect(port).fd() >= 0) {
    }
}

TEST(ServerWorkers, AnswerOnAllThreadsOfOnePort) {
    ServingProcess process(on_any_port(2));
    std::set<std::string> threads;
    for (int i = 0; i < 200 && threads.size() < 2; ++i) {
        RawSocket socket = RawSocket::connect(process.port());
        ASSERT_GE(socket.fd(), 0);
        socket.send(get("/thread", "Connection: close\r\n"));
        threads.insert(parse_answers(socket.receive(1 << 16)).at(0).body);
    }
    EXPECT_EQ(threads.size(), 2u);
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
}

TEST(ServerWorkers, SigtermLetsRequestsInFlightFinish) {
    ServingProcess process(on_any_port(2));
    std::vector<RawSocket> sockets;
    for (int i = 0; i < 8; ++i) {
        sockets.push_back(RawSocket::connect(process.port()));
        // The interim answer shows that the handler runs.
        sockets.back().send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
        EXPECT_EQ(receive_until(sockets.back(), "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    }
    process.signal(SIGTERM);
    wait_until_refused(process.port());
    for (RawSocket& socket : sockets) {
        socket.send("body");
        Answer answer = parse_answers(socket.receive(1 << 16)).at(0);
        EXPECT_EQ(answer.body, "body");
        EXPECT_EQ(answer.field("Connection"), "close");
    }
    sockets.clear();
    EXPECT_EQ(process.wait(), 0);
}

TEST(ServerWorkers, ASecondSignalEndsAtOnce) {
    ServingProcess process(on_any_port(1));
    RawSocket socket = RawSocket::connect(process.port());
    socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    receive_until(socket, "\r\n\r\n");
    process.signal(SIGINT);
    wait_until_refused(process.port());
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 128 + SIGTERM);
}

TEST(ServerWorkers, ACancelledRequestIsToldByItsSocket) {
    // The same as in memory, with a kernel: a reset cancels, the end of sending does not.
    ServingProcess process(on_any_port(1));
    RawSocket leaves = RawSocket::connect(process.port());
    leaves.send(get("/gated"));
    leaves.reset();
    RawSocket half = RawSocket::connect(process.port());
    half.send(get("/doze"));
    ::shutdown(half.fd(), SHUT_WR);
    auto answers = parse_answers(half.receive(1 << 16));
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.back().body, "dozed");
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0) << "not kept by the request of the one that left";
}

TEST(ServerWorkers, ListenOnAUnixSocket) {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("caropig" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder);
    ServeOptions options;
    options.unix_socket = (folder / "server.sock").string();
    {
        ServingProcess process(options);
        EXPECT_EQ(process.address(), "unix:" + options.unix_socket);
        RawSocket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        options.unix_socket.copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        socket.send(get("/hello", "Connection: close\r\n"));
        EXPECT_EQ(parse_answers(socket.receive(1 << 16)).at(0).body, "hello");
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0);
    }
    std::filesystem::remove_all(folder);
}

TEST(ServerWorkers, APortThatIsTakenIsAnError) {
    ServingProcess process(on_any_port(1));
    ServeOptions options;
    options.port = process.port();
    ServingProcess second(options);
    EXPECT_EQ(second.address(), "");
    EXPECT_EQ(second.wait(), 3);
    process.signal(SIGTERM);
    EXPECT_EQ(process.wait(), 0);
}

}  // namespace
}  // namespace caropig::server
