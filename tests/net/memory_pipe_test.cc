#include <caropig/loop/operation.h>
#include <caropig/net/memory_pipe.h>
#include <caropig/testkit/test_loop.h>

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace caropig::net {
namespace {

using testkit::TestLoop;

Task<std::string> read_text(Stream& stream, std::size_t most) {
    std::string text(most, '\0');
    std::size_t size = co_await stream.read_some(std::as_writable_bytes(std::span(text)));
    text.resize(size);
    co_return text;
}

Task<std::string> read_all(Stream& stream, std::size_t step) {
    std::string all;
    for (;;) {
        std::string part = co_await read_text(stream, step);
        if (part.empty()) co_return all;
        all += part;
    }
}

Task<void> write_text(Stream& stream, std::string text) { co_await stream.write(as_bytes(text)); }

int error_of(testkit::Started<void>& task) {
    try {
        task.result();
    } catch (const IoError& error) {
        return error.code().value();
    }
    return 0;
}

/// A receive into lent memory that notes what it saw.
struct LentReceive : ReceiveOperation {
    LentReceive()
        : ReceiveOperation([](Operation& self) noexcept {
              auto& receive = static_cast<LentReceive&>(self);
              ++receive.completions;
              if (receive.during) receive.during();
              if (receive.result > 0) receive.seen += as_text(receive.received());
          }) {}
    std::function<void()> during;
    std::string seen;
    int completions = 0;
};

TEST(MemoryPipe, CarriesBytesBothWays) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto written = loop.start(write_text(*left, "there"));
    EXPECT_TRUE(written.done());
    auto there = loop.start(read_text(*right, 100));
    ASSERT_TRUE(there.done());
    EXPECT_EQ(there.result(), "there");

    auto back = loop.start(read_text(*left, 100));
    EXPECT_FALSE(back.done());
    auto answered = loop.start(write_text(*right, "back"));
    ASSERT_TRUE(back.done());
    EXPECT_EQ(back.result(), "back");
    EXPECT_EQ(left->peer(), "pipe");
}

TEST(MemoryPipe, ReadsWhatFits) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto written = loop.start(write_text(*left, "abcdef"));
    auto first = loop.start(read_text(*right, 4));
    EXPECT_EQ(first.result(), "abcd");
    auto second = loop.start(read_text(*right, 4));
    EXPECT_EQ(second.result(), "ef");
}

TEST(MemoryPipe, WriterWaitsForRoom) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 4);
    auto written = loop.start(write_text(*left, "abcdefghij"));
    EXPECT_FALSE(written.done());
    EXPECT_EQ(loop.start(read_text(*right, 3)).result(), "abc");
    EXPECT_FALSE(written.done());
    EXPECT_EQ(loop.start(read_text(*right, 100)).result(), "defg");
    EXPECT_TRUE(written.done());
    EXPECT_EQ(loop.start(read_text(*right, 100)).result(), "hij");
}

TEST(MemoryPipe, CarriesMuchThroughOneByte) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 1);
    std::string sent;
    for (int i = 0; i < 1000; ++i) sent += static_cast<char>('a' + i % 26);
    auto reading = loop.start(read_all(*right, 7));
    auto writing = loop.start(write_text(*left, sent));
    EXPECT_TRUE(writing.done());
    left->shutdown_write();
    loop.run_ready();
    ASSERT_TRUE(reading.done());
    EXPECT_EQ(reading.result(), sent);
}

TEST(MemoryPipe, HalfCloseEndsOneDirectionOnly) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto reading = loop.start(read_all(*right, 16));
    auto written = loop.start(write_text(*left, "last"));
    left->shutdown_write();
    left->shutdown_write();
    loop.run_ready();
    ASSERT_TRUE(reading.done());
    EXPECT_EQ(reading.result(), "last");
    auto refused = loop.start(write_text(*left, "more"));
    EXPECT_EQ(error_of(refused), EPIPE);
    auto answer = loop.start(write_text(*right, "answer"));
    EXPECT_EQ(loop.start(read_text(*left, 16)).result(), "answer");
}

TEST(MemoryPipe, HalfCloseWaitsBehindAPendingWrite) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 2);
    auto writing = loop.start(write_text(*left, "abcd"));
    left->shutdown_write();
    loop.run_ready();
    EXPECT_EQ(loop.start(read_all(*right, 16)).result(), "abcd");
    EXPECT_TRUE(writing.done());
}

TEST(MemoryPipe, CloseGivesTheOtherEndTheRestThenTheEndAndBrokenPipe) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto written = loop.start(write_text(*left, "rest"));
    left->close();
    left->close();
    EXPECT_EQ(loop.start(read_all(*right, 16)).result(), "rest");
    auto refused = loop.start(write_text(*right, "x"));
    EXPECT_EQ(error_of(refused), EPIPE);
    auto own = loop.start(read_text(*left, 1));
    EXPECT_THROW(own.result(), Cancelled);
    auto own_write = loop.start(write_text(*left, "x"));
    EXPECT_THROW(own_write.result(), Cancelled);
}

TEST(MemoryPipe, CloseEndsPendingOperations) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 1);
    auto reading = loop.start(read_text(*left, 1));
    auto writing = loop.start(write_text(*left, "ab"));
    auto other_reading = loop.start(read_all(*right, 16));
    left->close();
    EXPECT_FALSE(reading.done()) << "operations end in a later round";
    loop.run_ready();
    ASSERT_TRUE(reading.done() && writing.done() && other_reading.done());
    EXPECT_THROW(reading.result(), Cancelled);
    EXPECT_EQ(other_reading.result().substr(0, 1), "a");
}

TEST(MemoryPipe, WriterThatWaitsLearnsThatTheReaderIsGone) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 1);
    auto writing = loop.start(write_text(*left, "ab"));
    right.reset();
    loop.run_ready();
    ASSERT_TRUE(writing.done());
    EXPECT_EQ(error_of(writing), EPIPE);
    left.reset();
}

TEST(MemoryPipe, EitherEndMayGoFirst) {
    TestLoop loop;
    for (bool left_first : {true, false}) {
        auto [left, right] = memory_pipe(loop);
        auto a = loop.start(write_text(*left, "x"));
        auto b = loop.start(write_text(*right, "y"));
        (left_first ? left : right).reset();
        (left_first ? right : left).reset();
        loop.run_ready();
    }
}

TEST(MemoryPipe, CancelledReadConsumesNothing) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto reading = loop.start(read_text(*right, 16));
    reading.cancel();
    loop.run_ready();
    EXPECT_THROW(reading.result(), Cancelled);
    auto written = loop.start(write_text(*left, "kept"));
    EXPECT_EQ(loop.start(read_text(*right, 16)).result(), "kept");
}

TEST(MemoryPipe, EndFollowsACancelledWrite) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 1);
    auto writing = loop.start(write_text(*left, "ab"));
    left->shutdown_write();
    auto reading = loop.start(read_all(*right, 1));  // takes "a"; the writer puts "b"
    EXPECT_TRUE(reading.done());

    auto [upper, lower] = memory_pipe(loop, 1);
    auto stuck = loop.start(write_text(*upper, "ab"));
    upper->shutdown_write();
    stuck.cancel();
    loop.run_ready();
    EXPECT_EQ(loop.start(read_all(*lower, 1)).result(), "a");
}

TEST(MemoryPipe, LentBytesAreSeenInTheCallbackAndNeverInline) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    LentReceive receive;
    auto written = loop.start(write_text(*left, "lent"));
    EXPECT_FALSE(right->submit(receive));
    EXPECT_EQ(receive.completions, 0);
    // What is written or closed during the callback leaves the lent bytes alone.
    receive.during = [&] {
        static const std::string other(1000, 'x');
        static SendOperation send([](Operation&) noexcept {});
        static const std::array<ConstBytes, 1> pieces{as_bytes(other)};
        send.pieces = pieces;
        left->submit(send);
        left.reset();
        right->close();
    };
    loop.run_ready();
    EXPECT_EQ(receive.seen, "lent");
    EXPECT_EQ(receive.completions, 1);
    receive.during = nullptr;
    EXPECT_FALSE(right->submit(receive)) << "closed: completes later too";
    loop.run_ready();
    EXPECT_EQ(receive.completions, 2);
    EXPECT_EQ(receive.result, -ECANCELED);
}

TEST(MemoryPipe, LentReceiveSeesTheEnd) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    LentReceive receive;
    EXPECT_FALSE(right->submit(receive));
    left.reset();
    loop.run_ready();
    EXPECT_EQ(receive.completions, 1);
    EXPECT_EQ(receive.result, 0);
}

TEST(MemoryPipe, LentReceiveCanBeCancelledBeforeItsCallback) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    auto written = loop.start(write_text(*left, "kept"));
    LentReceive receive;
    EXPECT_FALSE(right->submit(receive));
    right->cancel(receive);
    loop.run_ready();
    EXPECT_EQ(receive.result, -ECANCELED);
    EXPECT_EQ(loop.start(read_text(*right, 16)).result(), "kept");
}

TEST(MemoryPipe, LentReceiveMakesRoomForAWaitingWriter) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 2);
    auto writing = loop.start(write_text(*left, "abcd"));
    LentReceive receive;
    right->submit(receive);
    loop.run_ready();
    EXPECT_EQ(receive.seen, "ab");
    EXPECT_TRUE(writing.done());
    right->submit(receive);
    loop.run_ready();
    EXPECT_EQ(receive.seen, "abcd");
}

TEST(MemoryPipe, GathersPieces) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop, 5);
    std::array<ConstBytes, 4> pieces{as_bytes("ab"), as_bytes(""), as_bytes("cde"), as_bytes("fgh")};
    SendOperation send([](Operation&) noexcept {});
    send.pieces = pieces;
    EXPECT_FALSE(left->submit(send));
    EXPECT_EQ(send.sent, 5u);
    EXPECT_EQ(loop.start(read_text(*right, 16)).result(), "abcde");
    EXPECT_FALSE(send.pending());
    EXPECT_EQ(send.sent, 8u);
    EXPECT_EQ(loop.start(read_text(*right, 16)).result(), "fgh");
}

TEST(MemoryPipe, HangupTellsThatThePeerClosedButNotThatItFinished) {
    TestLoop loop;
    auto [left, right] = memory_pipe(loop);
    HangupOperation hangup([](Operation&) noexcept {});
    EXPECT_FALSE(left->submit(hangup));
    right->shutdown_write();
    loop.run_ready();
    EXPECT_TRUE(hangup.pending());
    right->close();
    loop.run_ready();
    EXPECT_FALSE(hangup.pending());
    EXPECT_EQ(hangup.result, 0);
    EXPECT_TRUE(left->submit(hangup));
    left->close();
    EXPECT_TRUE(left->submit(hangup));
    EXPECT_EQ(hangup.result, -ECANCELED);
}

}  // namespace
}  // namespace caropig::net
