#include "loop/backend.h"

#include "loop/pipe_signal.h"
#include "loop/sending.h"
#include "support/loop_until.h"
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace caropig {
namespace {

using support::run_rounds;
using support::run_until;

template <class Kind>
struct Noting : Kind {
    explicit Noting(int descriptor)
        : Kind([](Operation& self) noexcept {
              auto& noting = static_cast<Noting&>(self);
              ++noting.completions;
              if constexpr (requires { noting.received(); }) {
                  if (noting.result > 0) noting.seen += as_text(noting.received());
              }
              if (noting.then) noting.then();
          }) {
        Kind::fd = descriptor;
    }
    int completions = 0;
    std::string seen;
    std::function<void()> then;
};

/// A loop with one attached end of a socket pair; the test holds the other. Each test runs on each backend.
struct Backends : testing::TestWithParam<BackendKind> {
    Backends() { std::tie(fd, other) = pair(); }
    void SetUp() override {
        if (GetParam() == BackendKind::kUring && loop.backend_name() != "uring") GTEST_SKIP() << "no io_uring here";
    }
    ~Backends() override {
        if (fd >= 0) backend.close(fd);
        ::close(other);
    }
    std::pair<int, int> pair() {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        EXPECT_EQ(backend.attach(fds[0]), 0);
        return {fds[0], fds[1]};
    }
    void send(std::string_view text) const {
        EXPECT_EQ(::send(other, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    void wait(const Operation& operation) {
        run_until(loop, [&] { return !operation.pending(); });
    }
    void close_fd() { backend.close(std::exchange(fd, -1)); }

    Loop loop{GetParam()};
    Backend& backend = loop.backend();
    int fd = -1;
    int other = -1;
    std::array<std::byte, 4> small{};
};

TEST_P(Backends, ReceivesIntoLentMemory) {
    Noting<ReceiveOperation> receive(fd);
    EXPECT_FALSE(backend.submit(receive));
    send("hello");
    wait(receive);
    EXPECT_EQ(receive.seen, "hello");
    EXPECT_EQ(receive.result, 5);
}

TEST_P(Backends, OneEdgeServesManyReads) {
    Noting<ReceiveOperation> receive(fd);
    receive.buffer = small;
    send("0123456789");
    std::string all;
    while (all.size() < 10) {
        if (!backend.submit(receive)) wait(receive);
        ASSERT_GT(receive.result, 0);
        all += as_text(receive.received());
    }
    EXPECT_EQ(all, "0123456789");
    EXPECT_FALSE(backend.submit(receive));
    run_rounds(loop);
    EXPECT_TRUE(receive.pending());
    send("ab");
    wait(receive);
    EXPECT_EQ(receive.result, 2);
}

TEST_P(Backends, BytesAndEndInOneEdgeAreBothSeen) {
    send("last");
    ::shutdown(other, SHUT_WR);
    Noting<ReceiveOperation> receive(fd);
    for (int expected : {4, 0, 0}) {
        EXPECT_FALSE(backend.submit(receive));
        wait(receive);
        EXPECT_EQ(receive.result, expected);
    }
}

TEST_P(Backends, AReaderThatSubmitsFromItsCallbackLetsOthersRead) {
    auto [second, second_other] = pair();
    Noting<ReceiveOperation> greedy(fd);
    greedy.buffer = small;
    Noting<ReceiveOperation> modest(second);
    int before_modest = 0;
    std::string much(4000, 'x');
    send(much);
    EXPECT_EQ(::send(second_other, "y", 1, 0), 1);
    greedy.then = [&] {
        if (modest.completions == 0) ++before_modest;
        while (backend.submit(greedy)) FAIL() << "had its turn";
    };
    EXPECT_FALSE(backend.submit(greedy));
    EXPECT_FALSE(backend.submit(modest));
    wait(modest);
    EXPECT_LE(before_modest, 2);
    greedy.then = nullptr;
    backend.cancel(greedy);
    wait(greedy);
    backend.close(second);
    ::close(second_other);
}

TEST_P(Backends, SendWaitsForRoomAndSendsEverything) {
    std::string much(4 << 20, 'x');
    std::array<ConstBytes, 3> pieces{as_bytes("head"), as_bytes(much), as_bytes("tail")};
    Noting<SendOperation> sending(fd);
    sending.pieces = pieces;
    EXPECT_FALSE(backend.submit(sending));
    std::string received;
    run_until(loop, [&] {
        std::array<char, 65536> part;
        ssize_t size = ::recv(other, part.data(), part.size(), 0);
        if (size > 0) received.append(part.data(), static_cast<std::size_t>(size));
        return received.size() == much.size() + 8;
    });
    wait(sending);
    EXPECT_EQ(sending.result, 0);
    EXPECT_EQ(sending.sent, much.size() + 8);
    EXPECT_TRUE(received == "head" + much + "tail");
}

TEST_P(Backends, ALongSendToAFastReaderTakesTurns) {
    std::string much(64 << 20, 'x');
    std::jthread reader([this, size = much.size()] {
        std::vector<char> part(1 << 20);
        pollfd ready{other, POLLIN, 0};
        for (std::size_t left = size; left != 0;) {
            ::poll(&ready, 1, -1);
            ssize_t got = ::recv(other, part.data(), part.size(), 0);
            if (got > 0) left -= static_cast<std::size_t>(got);
        }
    });
    Noting<SendOperation> sending(fd);
    std::array<ConstBytes, 1> pieces{as_bytes(much)};
    sending.pieces = pieces;
    EXPECT_FALSE(backend.submit(sending));
    std::size_t before = 0;
    std::size_t most = 0;
    run_until(loop, [&] {  // once a round
        most = std::max(most, sending.sent - std::exchange(before, sending.sent));
        return sending.completions != 0;
    });
    EXPECT_EQ(sending.sent, much.size());
    // A turn and one event, each at most a mebibyte.
    EXPECT_LE(most, std::size_t{2} << 20);
}

/// A file without a name that holds `content`.
struct TemporaryFile {
    explicit TemporaryFile(std::string_view content) : fd(::memfd_create("content", MFD_CLOEXEC)) {
        while (!content.empty()) {
            ssize_t size = ::write(fd, content.data(), content.size());
            if (size <= 0) throw std::runtime_error("no memory for a file");
            content.remove_prefix(static_cast<std::size_t>(size));
        }
    }
    ~TemporaryFile() { ::close(fd); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    int fd;
};

std::string take_all(int fd) {
    std::string all;
    std::array<char, 65536> part;
    for (ssize_t size; (size = ::recv(fd, part.data(), part.size(), 0)) > 0;) {
        all.append(part.data(), static_cast<std::size_t>(size));
    }
    return all;
}

TEST_P(Backends, SendsAPartOfAFile) {
    TemporaryFile file("0123456789");
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.offset = 2;
    sending.count = 5;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, 5);
    EXPECT_EQ(sending.sent, 5u);
    EXPECT_EQ(take_all(other), "23456");
    EXPECT_EQ(::lseek(file.fd, 0, SEEK_CUR), 10) << "the file's own position stays";
}

TEST_P(Backends, SendingAFileWaitsForRoom) {
    std::string much(std::size_t{4} << 20, '\0');
    for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 % 251);
    TemporaryFile file(much);
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.count = much.size();
    EXPECT_FALSE(backend.submit(sending));
    std::string received;
    run_until(loop, [&] {
        received += take_all(other);
        return received.size() == much.size();
    });
    wait(sending);
    EXPECT_EQ(sending.result, static_cast<int>(much.size()));
    EXPECT_EQ(sending.completions, 1);
    EXPECT_TRUE(received == much);
}

TEST_P(Backends, AFileThatEndsEarlyIsSentAsFarAsItGoes) {
    std::string much(std::size_t{4} << 20, 'x');
    TemporaryFile file(much);
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.count = much.size();
    EXPECT_FALSE(backend.submit(sending));
    ASSERT_EQ(::ftruncate(file.fd, 10), 0);
    run_until(loop, [&] {
        take_all(other);
        return !sending.pending();
    });
    EXPECT_GT(sending.result, 0);
    EXPECT_LT(sending.result, static_cast<int>(much.size()));
    sending.offset = 10;
    sending.count = 5;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, 0);
}

TEST_P(Backends, SendingAFileIsCancelled) {
    TemporaryFile file(std::string(std::size_t{4} << 20, 'x'));
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.count = std::size_t{4} << 20;
    EXPECT_FALSE(backend.submit(sending));
    run_rounds(loop);
    backend.cancel(sending);
    wait(sending);
    EXPECT_EQ(sending.result, -ECANCELED);
    EXPECT_GT(sending.sent, 0u);
    EXPECT_FALSE(backend.submit(sending)) << "the descriptor is free for the next";
    close_fd();
    wait(sending);
    EXPECT_EQ(sending.result, -ECANCELED);
}

TEST_P(Backends, AFileForAPeerThatHasGoneEndsNoProcess) {
    ::close(std::exchange(other, ::dup(fd)));
    TemporaryFile file("content");
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.count = 7;
    auto* before = std::signal(SIGPIPE, SIG_DFL);
    EXPECT_TRUE(backend.submit(sending));
    sigset_t pending;
    EXPECT_EQ(::sigpending(&pending), 0);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0) << "nothing is left to be delivered";
    EXPECT_EQ(sending.result, -EPIPE);
    sigset_t blocked;
    EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
    EXPECT_EQ(sigismember(&blocked, SIGPIPE), 0);
    std::signal(SIGPIPE, before);
}

TEST_P(Backends, SendsTheLastPieceFromItsFile) {
    TemporaryFile file("0123456789");
    Noting<SendOperation> sending(fd);
    std::array<ConstBytes, 3> pieces{as_bytes("head"), ConstBytes(), as_bytes("-----")};  // to be told apart
    sending.pieces = pieces;
    sending.last_in_file = {file.fd, 2};
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, 0);
    EXPECT_EQ(sending.sent, 9u);
    EXPECT_EQ(take_all(other), "head23456");
    sending.pieces = std::span(pieces).last(1);
    sending.last_in_file.offset = 5;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(take_all(other), "56789") << "alone";
    std::array<ConstBytes, 2> empty{as_bytes("head"), ConstBytes()};
    sending.pieces = empty;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(take_all(other), "head") << "nothing follows it";
}

TEST_P(Backends, APieceInAFileWaitsForRoom) {
    std::string much(std::size_t{4} << 20, '\0');
    for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<char>(i * 7 % 251);
    TemporaryFile file("before" + much);
    const std::string other_bytes(much.size(), 'x');
    Noting<SendOperation> sending(fd);
    std::array<ConstBytes, 2> pieces{as_bytes("head"), as_bytes(other_bytes)};
    sending.pieces = pieces;
    sending.last_in_file = {file.fd, 6};
    EXPECT_FALSE(backend.submit(sending));
    std::string received;
    run_until(loop, [&] {
        received += take_all(other);
        return received.size() == much.size() + 4;
    });
    wait(sending);
    EXPECT_EQ(sending.result, 0);
    EXPECT_EQ(sending.completions, 1);
    EXPECT_TRUE(received == "head" + much);
}

TEST_P(Backends, APieceInAFileGoesFromMemoryWhereTheFileCant) {
    TemporaryFile empty("");
    for (int file : {fd, empty.fd, Operation::kMaxFd}) {
        Noting<SendOperation> sending(fd);
        std::array<ConstBytes, 2> pieces{as_bytes("head"), as_bytes("body")};
        sending.pieces = pieces;
        sending.last_in_file = {file, 0};
        EXPECT_TRUE(backend.submit(sending));
        EXPECT_EQ(sending.result, 0);
        EXPECT_EQ(take_all(other), "headbody");
        EXPECT_EQ(sending.last_in_file.file, -1);
    }
}

TEST_P(Backends, APieceInAFileForAPeerThatHasGoneEndsNoProcess) {
    ::close(std::exchange(other, ::dup(fd)));
    TemporaryFile file("content");
    Noting<SendOperation> sending(fd);
    std::array<ConstBytes, 1> pieces{as_bytes("-------")};
    sending.pieces = pieces;
    sending.last_in_file = {file.fd, 0};
    auto* before = std::signal(SIGPIPE, SIG_DFL);
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, -EPIPE);
    std::signal(SIGPIPE, before);
}

TEST_P(Backends, AProcessThatIgnoresThePipeSignalIsNotAskedToBlockIt) {
    ::close(std::exchange(other, ::dup(fd)));
    TemporaryFile file("content");
    Noting<SendFileOperation> sending(fd);
    sending.file = file.fd;
    sending.count = 7;
    auto* before = std::signal(SIGPIPE, SIG_DFL);
    ignore_pipe_signal();
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, -EPIPE);
    pipe_signal_ignored = false;
    EXPECT_EQ(std::signal(SIGPIPE, before), SIG_IGN);
}

TEST(ShareOfTurn, AnAnswerAndItsHeadAreNotTornApart) {
    constexpr std::size_t kMebibyte = std::size_t{1} << 20;
    EXPECT_EQ(share_of_turn(kMebibyte + 300), kMebibyte + 300);
    EXPECT_EQ(share_of_turn(kMebibyte + (std::size_t{64} << 10)), kMebibyte + (std::size_t{64} << 10));
    EXPECT_EQ(share_of_turn(kMebibyte + (std::size_t{64} << 10) + 1), kMebibyte);
}

TEST_P(Backends, WhatCantBeReadAsAFileIsAnError) {
    Noting<SendFileOperation> sending(fd);
    sending.file = -1;
    sending.count = 1;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, -EBADF);
    EXPECT_EQ(sending.sent, 0u);
}

TEST_P(Backends, SendToAPeerThatHasGoneFails) {
    ::close(std::exchange(other, ::dup(fd)));
    Noting<SendOperation> sending(fd);
    std::array<ConstBytes, 1> pieces{as_bytes("x")};
    sending.pieces = pieces;
    EXPECT_TRUE(backend.submit(sending));
    EXPECT_EQ(sending.result, -EPIPE);
}

TEST_P(Backends, CancelledReceiveCompletesLaterAndConsumesNothing) {
    Noting<ReceiveOperation> receive(fd);
    EXPECT_FALSE(backend.submit(receive));
    backend.cancel(receive);
    backend.cancel(receive);
    EXPECT_EQ(receive.completions, 0);
    wait(receive);
    EXPECT_EQ(receive.result, -ECANCELED);
    EXPECT_EQ(receive.completions, 1);
    send("kept");
    EXPECT_FALSE(backend.submit(receive));
    wait(receive);
    EXPECT_EQ(receive.seen, "kept");
    backend.cancel(receive);  // not pending: nothing happens
    run_rounds(loop);
    EXPECT_EQ(receive.completions, 2);
}

TEST_P(Backends, CancelledSendCompletesLater) {
    std::string much(4 << 20, 'x');
    std::array<ConstBytes, 1> pieces{as_bytes(much)};
    Noting<SendOperation> sending(fd);
    sending.pieces = pieces;
    EXPECT_FALSE(backend.submit(sending));
    backend.cancel(sending);
    wait(sending);
    EXPECT_EQ(sending.result, -ECANCELED);
    EXPECT_LT(sending.sent, much.size());
}

TEST_P(Backends, CloseEndsEverythingThatIsPending) {
    std::string much(4 << 20, 'x');
    std::array<ConstBytes, 1> pieces{as_bytes(much)};
    Noting<SendOperation> sending(fd);
    Noting<ReceiveOperation> receive(fd);
    Noting<HangupOperation> hangup(fd);
    sending.pieces = pieces;
    EXPECT_FALSE(backend.submit(sending));
    EXPECT_FALSE(backend.submit(receive));
    EXPECT_FALSE(backend.submit(hangup));
    close_fd();
    EXPECT_TRUE(sending.pending() && receive.pending() && hangup.pending());
    wait(sending);
    wait(receive);
    wait(hangup);
    EXPECT_EQ(sending.result, -ECANCELED);
    EXPECT_EQ(receive.result, -ECANCELED);
    EXPECT_EQ(hangup.result, -ECANCELED);
}

TEST_P(Backends, AReusedDescriptorSeesNothingOfTheOneBefore) {
    Noting<ReceiveOperation> old(fd);
    EXPECT_FALSE(backend.submit(old));
    send("for the old one");
    int number = fd;
    close_fd();
    auto [again, again_other] = pair();
    EXPECT_EQ(again, number) << "it is free at once";
    Noting<ReceiveOperation> fresh(again);
    EXPECT_FALSE(backend.submit(fresh));
    wait(old);
    run_rounds(loop);
    EXPECT_EQ(old.result, -ECANCELED);
    EXPECT_TRUE(fresh.pending());
    EXPECT_EQ(::send(again_other, "new", 3, 0), 3);
    wait(fresh);
    EXPECT_EQ(fresh.seen, "new");
    fd = again;
    ::close(again_other);
}

TEST_P(Backends, ACallbackMayCloseItsDescriptor) {
    Noting<ReceiveOperation> receive(fd);
    Noting<HangupOperation> hangup(fd);
    receive.then = [&] { close_fd(); };
    EXPECT_FALSE(backend.submit(receive));
    EXPECT_FALSE(backend.submit(hangup));
    send("x");
    ::shutdown(other, SHUT_RDWR);
    wait(receive);
    wait(hangup);
    EXPECT_EQ(receive.seen, "x");
    EXPECT_EQ(hangup.result, -ECANCELED);
}

TEST_P(Backends, HangupIsToldOnceThePeerHasGone) {
    Noting<HangupOperation> hangup(fd);
    EXPECT_FALSE(backend.submit(hangup));
    ::shutdown(other, SHUT_WR);
    run_rounds(loop);
    EXPECT_TRUE(hangup.pending());
    ::shutdown(other, SHUT_RD);
    wait(hangup);
    EXPECT_EQ(hangup.result, 0);
    EXPECT_TRUE(backend.submit(hangup)) << "known already";
}

TEST_P(Backends, PollsADescriptorOfSomebodyElse) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    Noting<PollOperation> readable(fds[0]);
    Noting<PollOperation> writable(fds[0]);
    writable.write = true;
    EXPECT_FALSE(backend.submit(readable));
    EXPECT_FALSE(backend.submit(writable));
    wait(writable);
    EXPECT_TRUE(readable.pending());
    EXPECT_EQ(::send(fds[1], "x", 1, 0), 1);
    wait(readable);
    EXPECT_EQ(readable.result, 0);
    EXPECT_FALSE(backend.submit(readable)) << "what was not read is told again";
    wait(readable);
    EXPECT_FALSE(backend.submit(readable));
    backend.detach(fds[0]);
    wait(readable);
    EXPECT_EQ(readable.result, -ECANCELED);
    ::close(fds[0]);
    ::close(fds[1]);
}

TEST_P(Backends, PollOfWhatCantBeWatchedFails) {
    Noting<PollOperation> readable(other);
    int closed = ::dup(other);
    ::close(closed);
    readable.fd = closed;
    if (!backend.submit(readable)) wait(readable);
    EXPECT_EQ(readable.result, -EBADF);
}

TEST_P(Backends, WakesUpForAnotherThreadAndForNothingElse) {
    backend.wake();
    backend.wake();
    backend.wait(std::nullopt);
    backend.wait(Duration::zero());
}

TEST_P(Backends, ASignalDoesNotDisturbAWait) {
    struct sigaction ignore{};
    ignore.sa_handler = [](int) {};  // without SA_RESTART: system calls end with EINTR
    struct sigaction before{};
    ASSERT_EQ(::sigaction(SIGUSR1, &ignore, &before), 0);
    Noting<ReceiveOperation> receive(fd);
    EXPECT_FALSE(backend.submit(receive));
    std::atomic<bool> over = false;
    std::jthread disturber([&, waiter = ::pthread_self()] {
        for (int i = 0; i < 100 && !over; ++i) {
            ::pthread_kill(waiter, SIGUSR1);
            std::this_thread::yield();
        }
        send("at last");
    });
    while (receive.pending()) {
        backend.wait(std::nullopt);
        backend.dispatch();
    }
    over = true;
    disturber.join();
    ::sigaction(SIGUSR1, &before, nullptr);
    EXPECT_EQ(receive.seen, "at last");
}

INSTANTIATE_TEST_SUITE_P(All, Backends, testing::Values(BackendKind::kEpoll, BackendKind::kUring),
                         [](const auto& info) { return info.param == BackendKind::kEpoll ? "epoll" : "uring"; });

}  // namespace
}  // namespace caropig
