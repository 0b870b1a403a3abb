#include "loop/backend.h"
#include "net/socket_stream.h"
#include "support/loop_until.h"
#include "support/raw_socket.h"
#include <caropig/base/log.h>
#include <caropig/loop/operation.h>
#include <caropig/net/tcp.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

namespace caropig::net {
namespace {

using support::RawSocket;
using support::run_rounds;
using support::run_until;
using testing::HasSubstr;

Task<std::string> read_text(Stream& stream, std::size_t most) {
    std::string text(most, '\0');
    std::size_t size = co_await stream.read_some(std::as_writable_bytes(std::span(text)));
    text.resize(size);
    co_return text;
}

Task<void> write_text(Stream& stream, std::string text) { co_await stream.write(as_bytes(text)); }

/// A loop with a listener that keeps what it accepts.
struct Accepting {
    explicit Accepting(std::string_view address = "127.0.0.1") : listener(listen_tcp(address, 0)) {
        listener->start(loop, [this](std::unique_ptr<Stream> stream) {
            streams.push_back(std::move(stream));
            if (on_accept) on_accept();
        });
    }
    void wait_for(std::size_t count) {
        run_until(loop, [this, count] { return streams.size() >= count; });
    }

    Loop loop;
    std::vector<std::unique_ptr<Stream>> streams;
    std::function<void()> on_accept;
    std::unique_ptr<Listener> listener;
};

TEST(Tcp, AcceptsReadsAndWrites) {
    Accepting server;
    EXPECT_EQ(server.listener->address(), "127.0.0.1:" + std::to_string(server.listener->port()));
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    Stream& stream = *server.streams[0];
    client.send("ping");
    EXPECT_EQ(server.loop.run_until(read_text(stream, 100)), "ping");
    server.loop.run_until(write_text(stream, "pong"));
    EXPECT_EQ(client.receive(4), "pong");
    EXPECT_EQ(&stream.loop(), &server.loop);
}

TEST(Tcp, WhatIsNotSentYetIsLimited) {
    const auto unsent_when_full = [](int limit) {
        Loop loop;
        auto listener = listen_tcp("127.0.0.1", 0, ListenOptions().max_unsent_bytes(limit));
        std::unique_ptr<Stream> stream;
        listener->start(loop, [&](std::unique_ptr<Stream> accepted) { stream = std::move(accepted); });
        const RawSocket client = RawSocket::connect(listener->port());  // which does not read
        run_until(loop, [&] { return stream != nullptr; });
        const int fd = static_cast<SocketStream&>(*stream).fd();
        const std::string piece(4096, 'x');
        while (::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) continue;
        EXPECT_EQ(errno, EAGAIN);
        int unsent = 0;
        EXPECT_EQ(::ioctl(fd, SIOCOUTQNSD, &unsent), 0);
        return unsent;
    };
    constexpr int kDefault = 128 * 1024;
    constexpr int kPacket = 64 * 1024;  // that is begun is filled
    const int limited = unsent_when_full(kDefault);
    EXPECT_LE(limited, kDefault + kPacket);
    EXPECT_GE(limited, kDefault - kPacket);
    EXPECT_EQ(ListenOptions().max_unsent_bytes(), kDefault);
    EXPECT_LE(unsent_when_full(4096), 4096 + kPacket);
    EXPECT_GT(unsent_when_full(0), kDefault + kPacket) << "as the system has it";
}

TEST(Tcp, NamesThePeerEvenAfterClose) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(client.fd(), reinterpret_cast<sockaddr*>(&own), &size);
    std::string expected = "127.0.0.1:" + std::to_string(ntohs(own.sin_port));
    EXPECT_EQ(server.streams[0]->peer(), expected);
    server.streams[0]->close();
    EXPECT_EQ(server.streams[0]->peer(), expected);
}

TEST(Tcp, NamesThePeerThatHasReset) {
    for (const char* address : {"127.0.0.1", "::1"}) {
        Accepting server(address);
        RawSocket client = RawSocket::connect(server.listener->port(), address);
        server.wait_for(1);
        std::string expected = local_name(client.fd());
        client.reset();
        EXPECT_THROW(server.loop.run_until(read_text(*server.streams[0], 1)), IoError);
        EXPECT_EQ(server.streams[0]->peer(), expected) << "it is asked for here for the first time";
    }
}

TEST(Tcp, AcceptedSocketsInheritNoDelay) {
    for (const char* address : {"127.0.0.1", "::1"}) {
        Accepting server(address);
        RawSocket client = RawSocket::connect(server.listener->port(), address);
        server.wait_for(1);
        int value = 0;
        socklen_t size = sizeof value;
        int fd = static_cast<SocketStream&>(*server.streams[0]).fd();
        ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
        EXPECT_NE(value, 0) << address;
    }
}

TEST(Tcp, IdleStreamIsSmall) { EXPECT_LE(sizeof(SocketStream), 32u); }

TEST(Tcp, EndOfStreamIsZeroAndHalfCloseLeavesTheOtherDirection) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    Stream& stream = *server.streams[0];
    ::shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(server.loop.run_until(read_text(stream, 8)), "");
    EXPECT_EQ(server.loop.run_until(read_text(stream, 8)), "") << "the end stays the end";
    server.loop.run_until(write_text(stream, "still"));
    EXPECT_EQ(client.receive(5), "still");
    stream.shutdown_write();
    EXPECT_EQ(client.receive(1), "");
}

TEST(Tcp, LastBytesAndEndThatComeTogetherAreBothSeen) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    client.send("all");
    client.close();
    server.wait_for(1);
    EXPECT_EQ(server.loop.run_until(read_text(*server.streams[0], 100)), "all");
    EXPECT_EQ(server.loop.run_until(read_text(*server.streams[0], 100)), "");
}

TEST(Tcp, ResetIsAnErrorThatNamesThePeer) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    std::string peer = server.streams[0]->peer();
    client.reset();
    try {
        server.loop.run_until(read_text(*server.streams[0], 8));
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_EQ(error.code().value(), ECONNRESET);
        EXPECT_EQ(error.operation(), "read from " + peer);
    }
}

TEST(Tcp, WriteLargerThanTheSocketBufferWaitsForTheReader) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    std::string sent(16 << 20, 'x');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 31 >> 7);
    std::string received;
    std::jthread reader([&] { received = client.receive(sent.size()); });
    server.loop.run_until(write_text(*server.streams[0], sent));
    reader.join();
    EXPECT_TRUE(received == sent);
}

TEST(Tcp, UnsentBytesAreDroppedWhereThatIsWanted) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    server.loop.call_later(Duration::zero(), [&] {
        server.streams[0]->drop_unsent_at_close();
        server.streams[0]->close();
    });
    EXPECT_THROW(server.loop.run_until(write_text(*server.streams[0], std::string(16 << 20, 'x'))), Cancelled);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(client.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    EXPECT_EQ(error, ECONNRESET);
}

TEST(Tcp, StopCancelsAReadAndNothingIsLost) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    server.loop.call_later(Duration::zero(), [&] { server.loop.stop(); });
    EXPECT_THROW(server.loop.run_until(read_text(*server.streams[0], 8)), Cancelled);
    client.send("kept");
    EXPECT_EQ(server.loop.run_until(read_text(*server.streams[0], 8)), "kept");
}

TEST(Tcp, CloseEndsAPendingReadInALaterRoundAndOperationsAfterIt) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    Stream& stream = *server.streams[0];
    ReceiveOperation receive([](Operation&) noexcept {});
    EXPECT_FALSE(stream.submit(receive));
    stream.close();
    EXPECT_TRUE(receive.pending());
    run_until(server.loop, [&] { return !receive.pending(); });
    EXPECT_EQ(receive.result, -ECANCELED);
    EXPECT_FALSE(stream.submit(receive)) << "a receive without a buffer never completes inline";
    run_until(server.loop, [&] { return !receive.pending(); });
    EXPECT_EQ(receive.result, -ECANCELED);
    std::array<ConstBytes, 1> pieces{as_bytes("x")};
    SendOperation send([](Operation&) noexcept {});
    send.pieces = pieces;
    EXPECT_TRUE(stream.submit(send));
    EXPECT_EQ(send.result, -ECANCELED);
    stream.shutdown_write();
    EXPECT_EQ(client.receive(1), "");
}

TEST(Tcp, HangupComesWithAResetButNotWithAHalfClose) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    HangupOperation hangup([](Operation&) noexcept {});
    EXPECT_FALSE(server.streams[0]->submit(hangup));
    ::shutdown(client.fd(), SHUT_WR);
    EXPECT_EQ(server.loop.run_until(read_text(*server.streams[0], 8)), "");
    run_rounds(server.loop);
    EXPECT_TRUE(hangup.pending());
    client.reset();
    run_until(server.loop, [&] { return !hangup.pending(); });
    EXPECT_EQ(hangup.result, 0);
}

TEST(TcpListener, TakesABurstBeyondOneTurn) {
    Accepting server;
    std::vector<RawSocket> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    server.wait_for(200);
    run_rounds(server.loop);
    EXPECT_EQ(server.streams.size(), 200u);
}

TEST(TcpListener, StopHandsOverWhatWasConnectedBefore) {
    Accepting server;
    run_rounds(server.loop);
    std::vector<RawSocket> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    std::uint16_t port = server.listener->port();
    server.listener->stop();
    EXPECT_EQ(server.streams.size(), 100u);
    server.listener->stop();
    RawSocket late = RawSocket::connect(port);
    EXPECT_EQ(late.fd(), -1);
    EXPECT_EQ(server.listener->port(), port);
    clients[99].send("hi");
    EXPECT_EQ(server.loop.run_until(read_text(*server.streams[99], 8)), "hi");
}

TEST(TcpListener, StopHandsOverWhatTheKernelHasAcceptedAlready) {
    Accepting server;
    std::vector<RawSocket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    server.loop.backend().wait(Duration::zero());  // io_uring has accepted by now, and nobody has looked
    server.listener->stop();
    EXPECT_EQ(server.streams.size(), 10u);
    run_rounds(server.loop);
    EXPECT_EQ(server.streams.size(), 10u);
}

TEST(TcpListener, PauseLeavesConnectionsInTheQueueUntilResume) {
    Accepting server;
    server.on_accept = [&] { server.listener->pause(); };
    std::vector<RawSocket> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    server.wait_for(1);
    run_rounds(server.loop);
    EXPECT_EQ(server.streams.size(), 1u);
    server.listener->resume();
    server.wait_for(2);
    run_rounds(server.loop);
    EXPECT_EQ(server.streams.size(), 2u);
    server.on_accept = nullptr;
    server.listener->resume();
    server.listener->pause();
    server.listener->resume();  // while the cancelled accept has still to complete
    server.wait_for(10);
    server.listener->pause();
    clients.push_back(RawSocket::connect(server.listener->port()));
    server.listener->stop();
    EXPECT_EQ(server.streams.size(), 11u);
}

TEST(TcpListener, MayBeStoppedFromWithinOnAccept) {
    Accepting server;
    server.on_accept = [&] { server.listener->stop(); };
    std::vector<RawSocket> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    server.wait_for(5);
    run_rounds(server.loop);
    EXPECT_EQ(server.streams.size(), 5u);
}

TEST(TcpListener, MayBeMadeOnAnotherThread) {
    std::unique_ptr<Listener> listener;
    std::thread([&] { listener = listen_tcp("127.0.0.1", 0); }).join();
    RawSocket client = RawSocket::connect(listener->port());
    Loop loop;
    int accepted = 0;
    listener->start(loop, [&](std::unique_ptr<Stream>) { ++accepted; });
    run_until(loop, [&] { return accepted == 1; });
    EXPECT_EQ(client.receive(1), "") << "the callback dropped the stream, which closes it";
    listener.reset();
}

TEST(TcpListener, DestroyedUnstartedCloses) {
    std::uint16_t port = listen_tcp("127.0.0.1", 0)->port();
    EXPECT_EQ(RawSocket::connect(port).fd(), -1);
}

TEST(TcpListener, ReusePortSharesAPortAndItsAbsenceForbidsIt) {
    auto first = listen_tcp("127.0.0.1", 0, ListenOptions().reuse_port(true));
    auto second = listen_tcp("127.0.0.1", first->port(), ListenOptions().reuse_port(true));
    EXPECT_EQ(first->port(), second->port());
    try {
        listen_tcp("127.0.0.1", first->port());
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_EQ(error.code().value(), EADDRINUSE);
        EXPECT_EQ(error.operation(), "listen on 127.0.0.1:" + std::to_string(first->port()));
    }
}

TEST(TcpListener, AllAddressesMeansBothFamilies) {
    for (const char* all : {"", "*"}) {
        Accepting server(all);
        EXPECT_EQ(server.listener->address(), "[::]:" + std::to_string(server.listener->port()));
        RawSocket four = RawSocket::connect(server.listener->port(), "127.0.0.1");
        RawSocket six = RawSocket::connect(server.listener->port(), "::1");
        server.wait_for(2);
        EXPECT_THAT(server.streams[0]->peer(), testing::StartsWith("127.0.0.1:"));
        EXPECT_THAT(server.streams[1]->peer(), testing::StartsWith("[::1]:"));
    }
}

TEST(TcpListener, AnIPv6LiteralTakesIPv6Only) {
    Accepting server("::");
    EXPECT_EQ(RawSocket::connect(server.listener->port(), "127.0.0.1").fd(), -1);
    EXPECT_NE(RawSocket::connect(server.listener->port(), "::1").fd(), -1);
}

TEST(TcpListener, LocalhostIsIPv4Loopback) {
    EXPECT_THAT(listen_tcp("localhost", 0)->address(), testing::StartsWith("127.0.0.1:"));
}

TEST(TcpListener, RefusesNamesAndForeignAddresses) {
    EXPECT_THROW(listen_tcp("example.com", 0), IoError);
    try {
        listen_tcp("2001:db8::1", 7);
        FAIL() << "no error";
    } catch (const IoError& error) {
        EXPECT_EQ(error.operation(), "listen on [2001:db8::1]:7");
    }
}

/// Lets the process open no further descriptor.
class NoDescriptorsLeft {
public:
    NoDescriptorsLeft() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        int next = ::dup(0);
        ::close(next);
        rlimit limit{static_cast<rlim_t>(next), before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
    NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
    ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

TEST(TcpListener, OutOfDescriptorsLogsOncePausesAndGoesOn) {
    Accepting server;
    RawSocket client = RawSocket::connect(server.listener->port());
    std::vector<std::string> lines;
    auto before = log::set_sink([&](log::Level, std::string_view, std::string_view line) { lines.emplace_back(line); });
    {
        NoDescriptorsLeft none;
        run_until(server.loop, [&] { return !lines.empty(); });
        run_rounds(server.loop);
    }
    log::set_sink(std::move(before));
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_THAT(lines[0], HasSubstr("accept on " + server.listener->address()));
    EXPECT_TRUE(server.streams.empty());
    server.wait_for(1);
}

TEST(TcpListener, WhereDescriptorsStayOutNewConnectionsAreClosedAndOldOnesLive) {
    Accepting server;
    RawSocket old = RawSocket::connect(server.listener->port());
    server.wait_for(1);
    // io_uring holds an accept to the limit that there was when it was asked for.
    server.listener->pause();
    run_rounds(server.loop);
    std::vector<RawSocket> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(RawSocket::connect(server.listener->port()));
    std::vector<std::string> lines;
    auto before = log::set_sink([&](log::Level, std::string_view, std::string_view line) { lines.emplace_back(line); });
    {
        NoDescriptorsLeft none;
        server.listener->resume();
        run_until(server.loop, [&] { return lines.size() == 2; });
    }
    log::set_sink(std::move(before));
    EXPECT_THAT(lines[1], HasSubstr("closing connections to " + server.listener->address()));
    for (const RawSocket& client : clients) EXPECT_EQ(client.receive(1), "") << "closed";
    EXPECT_EQ(server.streams.size(), 1u);
    old.send("still here");
    std::string text(10, '\0');
    server.loop.run_until(server.streams[0]->read_some(std::as_writable_bytes(std::span(text))));
    EXPECT_EQ(text, "still here");
    RawSocket later = RawSocket::connect(server.listener->port());
    server.wait_for(2);
}

TEST(TcpListener, OutlivesAnAcceptThatHasStillToComplete) {
    Loop loop;
    auto listener = listen_tcp("127.0.0.1", 0);
    listener->start(loop, [](std::unique_ptr<Stream>) {});
    listener.reset();  // the loop ends without another round: nothing may leak
}

}  // namespace
}  // namespace caropig::net
