#include "loop/uring.h"

#include "support/loop_until.h"
#include <caropig/base/log.h>
#include <caropig/loop/loop.h>
#include <caropig/loop/operation.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// What only io_uring has: queues and buffers that are full, and kernels that forbid it. What both backends do is in
// backend_test.cc.
namespace caropig {
namespace {

using support::run_until;

constexpr UringSizes kTiny{.submissions = 4, .completions = 8, .buffers = 2, .buffer_size = 64};

/// A loop whose ring is full at once.
struct TinyRingLoop : Loop {
    TinyRingLoop() : Loop(std::make_unique<SystemClock>(), &TinyRingLoop::make) {}

    static std::unique_ptr<Backend> make(Executor& executor) {
        std::string why;
        auto backend = make_uring_backend(executor, why, kTiny);
        if (backend != nullptr) return backend;
        reason() = why;
        return make_epoll_backend(executor);
    }
    static std::string& reason() {
        static std::string text;
        return text;
    }
};

struct Receiving : ReceiveOperation {
    Receiving()
        : ReceiveOperation([](Operation& self) noexcept {
              auto& receiving = static_cast<Receiving&>(self);
              ++receiving.completions;
              receiving.seen += as_text(receiving.received());
          }) {}
    int completions = 0;
    int other = -1;
    std::string seen;
};

struct TinyRing : testing::Test {
    void SetUp() override {
        if (loop.backend_name() != "uring") GTEST_SKIP() << TinyRingLoop::reason();
    }
    ~TinyRing() override {
        for (Receiving& one : all) {
            if (one.other < 0) continue;
            loop.backend().close(one.fd);
            ::close(one.other);
        }
        run_until(loop, [&] { return std::ranges::none_of(all, &Operation::pending); });
    }
    void open(int count) {
        for (int i = 0; i < count; ++i) {
            Receiving& one = all.emplace_back();
            int fds[2];
            ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
            one.fd = fds[0];
            one.other = fds[1];
            EXPECT_EQ(loop.backend().attach(one.fd), 0);
        }
    }
    static void send(const Receiving& to, std::string_view text) {
        EXPECT_EQ(::send(to.other, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    }
    bool all_have(int completions) {
        return std::ranges::all_of(all, [=](const Receiving& one) { return one.completions >= completions; });
    }

    TinyRingLoop loop;
    std::deque<Receiving> all;
};

constexpr int kMany = 100;

TEST_F(TinyRing, MoreSubmissionsCompletionsAndReceivesThanThereIsRoomFor) {
    open(kMany);
    for (int round = 1; round <= 3; ++round) {
        for (Receiving& one : all) EXPECT_FALSE(loop.backend().submit(one));
        for (Receiving& one : all) send(one, "hello");
        run_until(loop, [&] { return all_have(round); });
    }
    for (Receiving& one : all) EXPECT_EQ(one.seen, "hellohellohello");
}

TEST_F(TinyRing, MoreThanABufferComesInPieces) {
    open(1);
    const std::string much(1000, 'x');
    send(all[0], much);
    while (all[0].seen.size() < much.size()) {
        EXPECT_FALSE(loop.backend().submit(all[0]));
        run_until(loop, [&] { return !all[0].pending(); });
        ASSERT_GT(all[0].result, 0);
        EXPECT_LE(all[0].result, 64);
    }
    EXPECT_EQ(all[0].seen, much);
}

TEST_F(TinyRing, CancellingMoreThanThereIsRoomFor) {
    open(kMany);
    for (Receiving& one : all) EXPECT_FALSE(loop.backend().submit(one));
    loop.backend().wait(Duration::zero());  // the kernel has them all
    for (Receiving& one : all) loop.backend().cancel(one);
    run_until(loop, [&] { return all_have(1); });
    for (Receiving& one : all) EXPECT_EQ(one.result, -ECANCELED);
    for (Receiving& one : all) EXPECT_FALSE(loop.backend().submit(one));
    for (Receiving& one : all) send(one, "still works");
    run_until(loop, [&] { return all_have(2); });
    for (Receiving& one : all) EXPECT_EQ(one.seen, "still works");
}

TEST_F(TinyRing, ACancelledReceiveThatTheKernelHasNotSeenCompletes) {
    open(1);
    EXPECT_FALSE(loop.backend().submit(all[0]));
    loop.backend().cancel(all[0]);
    EXPECT_TRUE(all[0].pending());
    run_until(loop, [&] { return !all[0].pending(); });
    EXPECT_EQ(all[0].result, -ECANCELED);
}

TEST_F(TinyRing, WhatCameBeforeACancelIsNotLost) {
    open(1);
    EXPECT_FALSE(loop.backend().submit(all[0]));
    loop.backend().wait(Duration::zero());
    send(all[0], "early");
    loop.backend().wait(Duration::zero());  // received, and nobody has looked
    loop.backend().cancel(all[0]);
    run_until(loop, [&] { return !all[0].pending(); });
    EXPECT_EQ(all[0].seen, "early");
}

TEST_F(TinyRing, AfterCloseABufferIsTheKernelsUntilCompletion) {
    open(2);
    std::array<std::byte, 16> buffer{};
    for (int round = 0; round < 2; ++round) {  // what has come is dropped, and what comes too
        Receiving& one = all[static_cast<std::size_t>(round)];
        one.buffer = buffer;
        EXPECT_FALSE(loop.backend().submit(one));
        loop.backend().wait(Duration::zero());
        if (round == 0) send(one, "dropped");
        if (round == 0) loop.backend().wait(Duration::zero());
        loop.backend().close(one.fd);
        EXPECT_TRUE(one.pending());
        run_until(loop, [&] { return !one.pending(); });
        EXPECT_EQ(one.result, -ECANCELED);
        EXPECT_EQ(one.seen, "");
        ::close(std::exchange(one.other, -1));
    }
}

TEST_F(TinyRing, LentBuffersOfClosedConnectionsComeBack) {
    for (int round = 0; round < 10; ++round) {  // there are two
        open(1);
        Receiving& one = all.back();
        EXPECT_FALSE(loop.backend().submit(one));
        loop.backend().wait(Duration::zero());
        send(one, "dropped");
        loop.backend().wait(Duration::zero());
        loop.backend().close(one.fd);
        run_until(loop, [&] { return !one.pending(); });
        EXPECT_EQ(one.result, -ECANCELED);
        ::close(std::exchange(one.other, -1));
    }
    open(1);
    EXPECT_FALSE(loop.backend().submit(all.back()));
    send(all.back(), "a buffer is left");
    run_until(loop, [&] { return !all.back().pending(); });
    EXPECT_EQ(all.back().seen, "a buffer is left");
}

TEST_F(TinyRing, APeerSeesTheEndAtOnceAlsoOfASocketThatIsReceivedFrom) {
    open(1);
    EXPECT_FALSE(loop.backend().submit(all[0]));
    loop.backend().wait(Duration::zero());
    loop.backend().close(all[0].fd);  // the loop does not run: nothing but this call can tell the kernel
    char byte;
    EXPECT_EQ(::recv(all[0].other, &byte, 1, 0), 0);
    run_until(loop, [&] { return !all[0].pending(); });
    ::close(std::exchange(all[0].other, -1));
}

TEST(Uring, ALoopMayEndOnAnotherThreadWhileWhatItCancelledIsOnItsWay) {
    Receiving receiving;
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    {
        Loop loop(BackendKind::kUring);
        if (loop.backend_name() != "uring") GTEST_SKIP() << "no io_uring here";
        receiving.fd = fds[0];
        EXPECT_EQ(loop.backend().attach(fds[0]), 0);
        EXPECT_FALSE(loop.backend().submit(receiving));
        std::jthread([&] { support::run_rounds(loop, 2); }).join();
        loop.backend().close(fds[0]);
        char byte;
        EXPECT_EQ(::recv(fds[1], &byte, 1, 0), 0) << "the peer is told by this thread";
        EXPECT_TRUE(receiving.pending());
    }
    EXPECT_EQ(receiving.result, -ECANCELED);
    EXPECT_FALSE(receiving.pending());
    ::close(fds[1]);
}

/// From here on the kernel answers `call` with `error`, as the filter of a container does.
void forbid(int call, int error) {
    std::array<sock_filter, 4> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) std::exit(3);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) std::exit(4);
}

Task<int> value_after_a_round() {
    co_await yield();
    co_return 7;
}

/// In a process of its own: forbids, and exits with 0 when epoll serves and one line of the log says `expected`.
void serve_where_forbidden(int call, int error, const std::string& expected) {
    std::vector<std::string> lines;
    log::set_sink([&](log::Level, std::string_view, std::string_view line) { lines.emplace_back(line); });
    forbid(call, error);
    Loop loop(BackendKind::kUring);
    bool good = loop.backend_name() == "epoll" && lines == std::vector{expected + "; serving with epoll"} &&
                loop.run_until(value_after_a_round()) == 7;
    if (!lines.empty()) std::fputs(lines[0].c_str(), stderr);
    std::_Exit(good ? 0 : 1);
}

TEST(UringForbiddenDeathTest, ByAFilter) {
    const std::string why = "io_uring is forbidden here (seccomp, or the sysctl kernel.io_uring_disabled)";
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_setup, EPERM, why), testing::ExitedWithCode(0), "");
}

TEST(UringForbiddenDeathTest, ByAFilterThatLetsARingBeMadeOnly) {
    const std::string why = "io_uring is forbidden here (seccomp, or the sysctl kernel.io_uring_disabled)";
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_enter, EPERM, why), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_register, EPERM, why), testing::ExitedWithCode(0), "");
}

TEST(UringForbiddenDeathTest, ByAKernelWithoutIt) {
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_setup, ENOSYS, "this kernel has no io_uring"),
                testing::ExitedWithCode(0), "");
}

TEST(UringForbiddenDeathTest, ByAKernelThatIsTooOld) {
    const std::string why = "this kernel's io_uring is too old (5.19 or later is needed)";
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_setup, EINVAL, why), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_register, EINVAL, why), testing::ExitedWithCode(0), "");
}

TEST(UringForbiddenDeathTest, ByWantOfMemory) {
    EXPECT_EXIT(serve_where_forbidden(SYS_io_uring_setup, ENOMEM, "io_uring can't be set up (Cannot allocate memory)"),
                testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace caropig
